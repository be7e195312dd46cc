"""The latest of each kind of news, for browsers that may be slower than the news."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator

KEEP_ALIVE = 15.0


class EventStream:
    """Keeps one piece of news a topic, so that a slow follower costs no memory and misses only what is stale.

    A topic is an event's name, and behind a blank what it is of: `page 2026-04-27`.
    """

    def __init__(self, keep_alive: float = KEEP_ALIVE) -> None:
        self._keep_alive = keep_alive
        self._latest: dict[str, tuple[int, str]] = {}
        self._numbers = itertools.count()
        self._next = asyncio.Event()
        self._closed = False

    def put(self, topic: str, news: object) -> None:
        """Tells followers of a topic, if this differs from what they know."""
        text = json.dumps(news)
        if topic not in self._latest or self._latest[topic][1] != text:
            self._latest[topic] = next(self._numbers), text
            self._wake()

    def drop(self, topic: str) -> None:
        """Forgets a topic: what is put next is news, even if it says the same."""
        self._latest.pop(topic, None)

    async def follow(self, *topics: str) -> AsyncIterator[str]:
        """Server-sent events: what is known of these topics, and whatever comes later, until close().

        A comment goes out every `keep_alive` seconds.
        """
        sent: dict[str, int] = {}
        while not self._closed:
            following = self._next
            for topic in topics:
                number, news = self._latest.get(topic, (None, ""))
                if number is not None and sent.get(topic) != number:
                    sent[topic] = number
                    yield f"event: {topic.partition(' ')[0]}\ndata: {news}\n\n"
            while not self._closed and self._next is following:
                try:
                    await asyncio.wait_for(following.wait(), self._keep_alive)
                except TimeoutError:
                    yield ": still here\n\n"

    def close(self) -> None:
        """Ends every follower; call it from the event loop's thread."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._next.set()
        self._next = asyncio.Event()
