"""Server-sent events with the latest value of each topic; slow clients skip stale values."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator

# Seconds without an event after which a comment is sent.
KEEP_ALIVE = 15.0


class EventStream:
    """The latest value of each topic, sent to followers as events; older values are not kept.

    A topic is the name of an event, or the name, a space and a subject: `outbox`, `page 2026-04-27`.
    """

    def __init__(self, keep_alive: float = KEEP_ALIVE) -> None:
        self._keep_alive = keep_alive
        self._latest: dict[str, tuple[int, str]] = {}
        self._numbers = itertools.count()
        self._next = asyncio.Event()
        self._closed = False

    def put(self, topic: str, value: object) -> None:
        """Send a value to the followers of a topic if it differs from the topic's last value."""
        text = json.dumps(value)
        if topic not in self._latest or self._latest[topic][1] != text:
            self._latest[topic] = next(self._numbers), text
            self._wake()

    def drop(self, topic: str) -> None:
        """Delete a topic: its next value is sent even if it equals the deleted one."""
        self._latest.pop(topic, None)

    async def follow(self, *topics: str) -> AsyncIterator[str]:
        """Yield server-sent events with the current and the later values of these topics, until close().

        A slow follower gets only the latest value. After every `keep_alive` seconds without an event, yield a
        comment, so that the connection stays open.
        """
        sent: dict[str, int] = {}
        while not self._closed:
            waiting_for = self._next
            for topic in topics:
                number, text = self._latest.get(topic, (None, ""))
                if number is not None and sent.get(topic) != number:
                    sent[topic] = number
                    yield f"event: {topic.partition(' ')[0]}\ndata: {text}\n\n"
            while not self._closed and self._next is waiting_for:
                try:
                    await asyncio.wait_for(waiting_for.wait(), self._keep_alive)
                except TimeoutError:
                    yield ": still here\n\n"

    def close(self) -> None:
        """End every event stream; call it in the event loop's thread."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._next.set()
        self._next = asyncio.Event()
