"""Requests to the routes of the preview, without a network."""

import asyncio
from typing import Any

import httpx


def ask(web: Any, *requests: tuple[str, str], **headers: str) -> list[httpx.Response]:
    """Return the response to each request, by method and path."""

    async def answers() -> list[httpx.Response]:
        transport = httpx.ASGITransport(web, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
            return [await browser.request(method, path, headers=headers) for method, path in requests]

    return asyncio.run(answers())
