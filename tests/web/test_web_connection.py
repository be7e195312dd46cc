"""The time in which the head of a request must have come."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import uvicorn

from newsletter.web.connection import TimedConnection

HEAD = b"GET / HTTP/1.1\r\nHost: soup.example.com\r\n"
SECONDS = 0.3


class Short(TimedConnection):
    head_seconds = SECONDS


async def app(scope: dict, receive: Callable, send: Callable) -> None:
    """Answer after more than the time for a head."""
    await asyncio.sleep(2 * SECONDS)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def with_server(visit: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]) -> bytes:
    """Return what a visitor of a running server received."""

    async def run() -> bytes:
        config = uvicorn.Config(app, http=Short, ws="none", lifespan="off", log_config=None, port=0)  # type: ignore[arg-type]
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(30):
                return await visit(reader, writer)
        finally:
            writer.close()
            server.should_exit = True
            await serving

    return asyncio.run(run())


@pytest.mark.parametrize("begun", [b"", b"GET / HT", HEAD], ids=["nothing", "half-a-line", "half-a-head"])
def test_a_client_that_does_not_finish_its_request_is_disconnected(begun: bytes) -> None:
    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(begun)
        return await reader.read()

    assert with_server(visit) == b""


def test_a_client_that_sends_a_byte_from_time_to_time_is_disconnected() -> None:
    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        reading = asyncio.create_task(reader.read())
        while not reading.done():
            writer.write(b"G")
            await asyncio.sleep(SECONDS / 10)
        with suppress(ConnectionResetError):  # a byte was on its way when the server closed
            return reading.result()
        return b""

    assert with_server(visit) == b""


def test_a_request_that_is_answered_late_and_a_second_one_are_answered() -> None:
    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        received = b""
        for _ in range(2):
            writer.write(HEAD + b"\r\n")
            received += await reader.readuntil(b"\r\n\r\n")
        return received + await reader.read()

    assert with_server(visit).count(b"HTTP/1.1 204") == 2
