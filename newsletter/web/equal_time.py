"""Answer after the same time for all addresses: a known one takes longer to write than an unknown one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

ANSWER_SECONDS = 0.3
"""Longer than a commit takes on a slow disk, and too short for people to notice."""


@asynccontextmanager
async def equal_time(seconds: float) -> AsyncIterator[None]:
    """End the block after `seconds`, or later if it takes longer."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    try:
        yield
    finally:
        await asyncio.sleep(max(0.0, end - loop.time()))
