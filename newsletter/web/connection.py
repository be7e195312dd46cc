"""A connection of uvicorn that is closed if the head of a request does not come in time.

uvicorn has no such limit: clients that connect and send nothing, or a byte from time to time, would take all
connections that the server may have.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class TimedConnection(H11Protocol):
    """Wait `head_seconds` for the whole head of each request, from the end of the response before it."""

    head_seconds = 10.0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._waits_since = self.loop.time()
        self._look: asyncio.TimerHandle = self.loop.call_later(self.head_seconds, self._close_if_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._look.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._waits_since = self.loop.time()
        super().on_response_complete()

    def _close_if_late(self) -> None:
        left = self._waits_since + self.head_seconds - self.loop.time()
        if self._is_waiting and left <= 0:
            self.transport.close()
        else:
            seconds = left if left > 0 else self.head_seconds
            self._look = self.loop.call_later(seconds, self._close_if_late)

    @property
    def _is_waiting(self) -> bool:
        """Return True if no request is being answered."""
        return self.cycle is None or self.cycle.response_complete
