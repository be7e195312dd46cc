"""Call a provider's web API with a key: each request once, a failure as an outcome."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from newsletter.errors import Problem
from newsletter.providers.http import (
    MAX_CONTENT_BYTES,
    TIMEOUT_SECONDS,
    NoResponse,
    NotConnected,
    Response,
    Transport,
)
from newsletter.sending.outcomes import NotSent, Unknown

# A request without this header is refused by some providers.
USER_AGENT = "news"
_HOW_TO_SET = "set it in the environment (on GitHub, as a secret), or in the file `env` of the state"
_KEY = re.compile(r"[!-~]+")
Result = TypeVar("Result")


def is_well_formed_key(key: str) -> bool:
    """Return True if a key has only characters that a header may have."""
    return bool(_KEY.fullmatch(key))


def key_problems(variable: str, key: SecretStr | None, key_problem: Problem | None) -> list[Problem]:
    """Return the problems of a key: it is for another host (`key_problem`), not set, or malformed."""
    if key_problem:
        return [key_problem]
    if not key:
        return [Problem(variable, "is not set", _HOW_TO_SET)]
    if not is_well_formed_key(key.get_secret_value()):
        return [Problem(variable, "contains characters that are not valid in an API key", _HOW_TO_SET)]
    return []


class Api:
    """The API at a host, over at most `connections` connections; `timeout` is for one request, in seconds.

    `base`, the path of `host`, precedes each path. Several threads may use it at once. `transport` is for a
    library that makes its calls itself. `host_setting` is the key of newsletter.yml that determines the host;
    it is named if nobody answers there.
    """

    def __init__(
        self,
        host: str,
        connections: int,
        timeout: float = TIMEOUT_SECONDS,
        *,
        max_content: int = MAX_CONTENT_BYTES,
        host_setting: str = "",
    ) -> None:
        self.base, self._host = urlsplit(host).path.rstrip("/"), urlsplit(host).netloc
        self._host_setting = host_setting
        self.transport = Transport(host, connections, timeout, max_content=max_content)

    def submit(
        self, path: str, headers: Mapping[str, str], pieces: Sequence[bytes]
    ) -> Response | NotSent | Unknown:
        """Send the POST that submits mail; return its response.

        Return NotSent if there was no connection, Unknown if no response came.
        """
        try:
            return self._request("POST", path, headers, pieces)
        except NotConnected as failure:
            return self._not_connected(failure)
        except NoResponse as failure:
            return Unknown(f"no response: {failure}")

    def get(self, path: str, headers: Mapping[str, str]) -> Response | NotSent:
        """Send a GET, which changes nothing; return its response, or NotSent if there is none."""
        return self.call_safe(lambda: self._request("GET", path, headers))

    def call_safe(self, call: Callable[[], Result]) -> Result | NotSent:
        """Make a call that is safe to repeat, even if it arrived; return NotSent if there is no response."""
        try:
            return call()
        except NotConnected as failure:
            return self._not_connected(failure)
        except NoResponse as failure:
            return NotSent(f"no response: {failure}", stop=False)

    def close(self) -> None:
        """Close the connections that were kept open."""
        self.transport.close()

    def _request(
        self, method: str, path: str, headers: Mapping[str, str], pieces: Sequence[bytes] = ()
    ) -> Response:
        named = {"User-Agent": USER_AGENT, "Accept": "application/json", **headers}
        return self.transport.request(method, self.base + path, named, pieces)

    def _not_connected(self, failure: NotConnected) -> NotSent:
        is_first = not self.transport.reached  # later on, the network is away, and the host is right
        fix = f"; check `{self._host_setting}`" if is_first and self._host_setting else ""
        return NotSent(f"no connection to {self._host}: {failure}{fix}", stop=is_first)
