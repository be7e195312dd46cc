"""The actions of the preview's page: send a test, request the links, start an issue; `access` guards them."""

import asyncio
import contextlib
import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from newsletter.background import run_in_thread
from newsletter.checks.external.urls import link_answers, link_problem
from newsletter.checks.proof import Proof
from newsletter.constants import PROVIDERS
from newsletter.errors import NewsError
from newsletter.issue import files
from newsletter.preview import new_issue, send_test
from newsletter.preview.workspace import Workspace

PATHS = ("/test", "/links", "/issues")
_MAX_BODY_BYTES = 10_000


class Actions:
    """The handlers of actions, one method per route."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._one_test = asyncio.Lock()

    async def ask_links(self, request: Request) -> Response:
        good = (await self._workspace.view(issue_name(request))).good
        proof = good.proof if good else None
        return JSONResponse(await run_in_thread(_check_links, proof) if proof else {})

    async def test(self, request: Request) -> Response:
        body = await _json_body(request)
        view = await self._workspace.view(issue_name(request))
        provider = body.get("provider")
        if provider not in PROVIDERS:
            return JSONResponse({"ok": False, "said": "There is no such provider."}, 400)
        if not view.page or not view.page.issue:
            return JSONResponse({"ok": False, "said": "There is no issue to send."})
        # Name the issue by its path: it may be outside the newsletter's folder. Its files are read again.
        name = view.page.proof.issue.path if view.page.proof else view.page.issue
        try:
            address = str(body.get("address", ""))
            async with self._one_test:
                sent = await run_in_thread(
                    send_test.send,
                    self._workspace.folder,
                    name,
                    address,
                    str(provider),
                    self._workspace.limited,
                )
        except NewsError as error:
            sent = send_test.failure(error)
        return JSONResponse(sent)

    async def create_issue(self, request: Request) -> Response:
        day = new_issue.parse_date((await _json_body(request)).get("date"))
        if day is None:
            return JSONResponse({"ok": False, "said": "Write the date like this: 2026-05-04."}, 400)
        try:
            created = await run_in_thread(new_issue.create, self._workspace.folder, day)
        except NewsError as error:
            return JSONResponse(send_test.failure(error))
        await self._workspace.changed()
        return JSONResponse(created)


def issue_name(request: Request) -> str:
    """Return the name of the requested issue (its date); "" for the issue that the preview was started with.

    Raise HTTPException (404) for any other name.
    """
    requested = request.query_params.get("issue", "")
    name = files.issue_name(requested)
    if requested and name is None:
        raise HTTPException(404, "issues are named by their date, such as 2026-04-27")
    return name or ""


def _check_links(proof: Proof) -> dict[str, dict[str, Any]]:
    results = {}
    for link, answer in link_answers(proof).items():
        problem = link_problem(answer)
        text = problem[0] if problem else f"answers {answer.status}"
        results[link.get("href", "")] = {"severity": problem[2] if problem else "ok", "said": text}
    return results


async def _json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object in a request's body; {} if it is too large, not whole, or no JSON object."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > _MAX_BODY_BYTES:
                return {}
    except ClientDisconnect:
        return {}
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(body)
        return value if isinstance(value, dict) else {}
    return {}
