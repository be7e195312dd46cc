"""Requests that no browser sends: the preview answers each, and none of them ends in a traceback."""

import asyncio
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from newsletter.errors import Problem
from newsletter.preview.routes import app
from newsletter.preview.workspace import Workspace
from tests import samples

OWN = (b"origin", b"http://127.0.0.1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return samples.write(tmp_path)


def status(folder: Path, method: str, target: str, *headers: tuple[bytes, bytes], body: bytes | None) -> int:
    """Return the status of the response; a body of None is one that the client does not finish."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": ("127.0.0.1", 1),
    }
    received: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": body or b'{"prov', "more_body": body is None},
        {"type": "http.disconnect"},
    ]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return received.pop(0) if len(received) > 1 else received[0]

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(Workspace(folder))(scope, receive, send))
    return int(sent[0]["status"])


BODIES = {
    "list": b"[]",
    "null": b"null",
    "no-text": b"\xff\xfe",
    "bom": b"\xef\xbb\xbf{}",
    "nested": b"[" * 9_000,
    "long-number": b"1" * 9_000,
    "large": b"x" * 10_001,
    "provider-is-a-list": b'{"provider": ["outbox"]}',
    "provider-is-nan": b'{"provider": NaN}',
    "form": b"provider=outbox",
    "not-finished": None,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_no_request_for_a_test_is_refused(folder: Path, body: bytes | None) -> None:
    assert status(folder, "POST", "/test", OWN, body=body) == 400
    assert not (folder / "outbox").exists()


DATES = [
    *("../../2026-05-04", "2026-05-04/../x", "2026-05-04.yml", "2026-05-04\\u0000", "2026-05-04\\n"),
    *("2026-02-30", "20260504", "2026-W19-1", "2026-5-4", "02026-05-04", "monday", "\u0662026-05-04"),
    *(" 2026-05-04", "", "0" * 9_000),
]


@pytest.mark.parametrize(
    "body",
    [
        *BODIES.values(),
        *(f'{{"date": "{date}"}}'.encode() for date in DATES),
        b'{"date": null}',
        b'{"date": ["2026-05-04"]}',
        b'{"date": 20260504}',
        b'{"date": {}}',
    ],
)
def test_a_body_without_a_date_starts_no_issue(folder: Path, body: bytes | None) -> None:
    before = sorted(folder.rglob("*"))
    assert status(folder, "POST", "/issues", OWN, body=body) == 400
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param((OWN, (b"origin", b"http://evil.example")), id="own-first"),
        pytest.param(((b"origin", b"http://evil.example"), OWN), id="own-last"),
        pytest.param((OWN, OWN), id="twice"),
    ],
)
@pytest.mark.parametrize("path", ["/test", "/links", "/issues"])
def test_two_origins_are_refused(folder: Path, path: str, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    body = b'{"provider": "outbox", "address": "a@example.com", "date": "2026-05-04"}'
    before = sorted(folder.rglob("*"))
    assert status(folder, "POST", path, *headers, body=body) == 403
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("line", ["9" * 5_000, "9" * 20, "0", "\u0663", "-1", "1e5", ""])
def test_a_line_that_no_file_has_is_answered(folder: Path, line: str) -> None:
    assert status(folder, "GET", f"/place?where=newsletter.yml:{line}", body=b"") == 200


@pytest.mark.parametrize("part", ["9" * 5_000, "9" * 6, "\u0663", "-1", "1e5", "0;0", ""])
def test_a_part_that_no_issue_has_is_answered(folder: Path, part: str) -> None:
    assert status(folder, "GET", f"/place?part={part}", body=b"") == 200


def test_a_number_of_thousands_of_digits_is_no_line() -> None:
    where = "a:" + "9" * 5_000
    assert Problem(where, "").place == (where, None)
