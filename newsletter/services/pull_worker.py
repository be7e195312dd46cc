"""Read the tokens that the unsubscribe worker keeps, and delete those that were read."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from newsletter.errors import Unavailable
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.providers.http import TIMEOUT_SECONDS, NoResponse, NotConnected, Response, Transport
from newsletter.services.pull_source import Page, TokenDeparture
from newsletter.subscribers.origins import UNSUBSCRIBE_WORKER

_MAX_PAGES = 1000
_MAX_ID = 2**53
_MAX_TOKEN = 100


class WorkerSource:
    """The worker at a URL; each visit reads all tokens there, and deletes those that were committed.

    It deletes none before it has found a valid one: with a wrong key, all of them look like noise.
    """

    name = "worker"

    def __init__(
        self,
        url: str,
        token: str,
        tokens: UnsubscribeTokens | None,
        *,
        keeps: bool = False,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """Take the address of the worker, its token, and the keys; `keeps`: delete nothing there."""
        self._url, self._tokens, self._keeps, self._timeout = urlsplit(url), tokens, keeps, timeout
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def pages(self, position: str) -> Iterator[Page]:
        # Not after `position`: what is there was not read yet, or not deleted, and a new table begins at 1.
        after = 0
        host = f"{self._url.scheme}://{self._url.netloc}"
        with closing(Transport(host, 1, self._timeout)) as transport:
            for _ in range(_MAX_PAGES):
                rows = _rows(self._ask(transport, "GET", f"?after={after}"), after)
                after = max((number for number, _ in rows), default=after)
                yield Page(str(after), len(rows), tokens=[departure for _, departure in rows])
                if not rows:
                    return
                if not self._keeps and any(self._is_valid(departure.token) for _, departure in rows):
                    self._ask(transport, "DELETE", f"?upto={after}")

    def _is_valid(self, token: str) -> bool:
        return self._tokens is not None and self._tokens.subscriber_id(token) is not None

    def _ask(self, transport: Transport, method: str, query: str) -> Response:
        try:
            response = transport.request(method, f"{self._url.path}/{query}", self._headers)
        except (NotConnected, NoResponse) as failure:
            fix = "check the network and `pull.worker`"
            raise Unavailable(f"gives no response: {failure}", fix, where=self._url.netloc) from failure
        if response.status == 401:
            fix = "set WORKER_TOKEN to the same value here and at the worker"
            raise Unavailable("does not accept WORKER_TOKEN", fix, where=self._url.netloc)
        if response.status != 200:
            fix = "check `pull.worker`, and the log of the worker"
            raise Unavailable(f"gives an unexpected response: {response.status}", fix, where=self._url.netloc)
        return response


def _rows(response: Response, after: int) -> list[tuple[int, TokenDeparture]]:
    """Return the ids and the tokens in a response; raise Unavailable if it is not one of the worker."""
    try:
        return [_row(entry, after) for entry in json.loads(response.content)]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, OSError) as failure:
        fix = "check that `pull.worker` is the address of contrib/unsubscribe-worker.js"
        raise Unavailable("the worker's response cannot be read", fix) from failure


def _row(entry: Any, after: int) -> tuple[int, TokenDeparture]:
    number, token, at = entry["id"], entry["token"], datetime.fromtimestamp(entry["at"], UTC)
    # The ids grow: a response that repeats them would be read without end.
    if type(number) is not int or not after < number < _MAX_ID or not isinstance(token, str):
        raise ValueError("not a row of the worker")
    return number, TokenDeparture(token[:_MAX_TOKEN], at, UNSUBSCRIBE_WORKER)
