"""An SMTP server that accepts every message, and counts.

`python benchmarks/sink_smtp.py LATENCY` prints its port, and its totals when its standard input is closed.
"""

import asyncio
import json
import re
import sys
import time
from typing import Any

_LINK = re.compile(rb"List-Unsubscribe: ?\s*<([^>]+)>")


class SmtpSink:
    """A server that accepts every message; its replies leave `latency` seconds later, as across a network.

    So a group of pipelined commands (RFC 2920) waits once.
    """

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.began = self.ended = 0.0
        self.counts = dict.fromkeys(("messages", "bytes", "connections"), 0)
        self.addresses: set[bytes] = set()
        self.links: set[bytes] = set()
        self.rejected: list[str] = []

    async def start(self) -> int:
        """Start to listen; return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Session(self), "127.0.0.1", 0, backlog=1000)
        return int(self._server.sockets[0].getsockname()[1])

    def totals(self) -> dict[str, Any]:
        counts = {**self.counts, "addresses": len(self.addresses), "links": len(self.links)}
        return {**counts, "seconds": self.ended - self.began, "problems": self.rejected[:5]}


class _Session(asyncio.Protocol):
    """A connection to the sink."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink
        self._buffer = b""
        self._in_message = False
        self._head = b""
        self._began_at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._sink.counts["connections"] += 1
        self._reply(b"220 sink.example.com ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        data, replies, at = self._buffer + data if self._buffer else data, [], 0
        while True:
            if self._in_message:
                end = data.find(b"\r\n.\r\n", at)
                if len(self._head) < 2048:
                    self._head += data[at : at + 2048]
                if end < 0:
                    # The end marker can be split between two reads; search again from here.
                    kept = max(at, len(data) - 4)
                    self._sink.counts["bytes"] += kept - at
                    at = kept
                    break
                self._sink.counts["bytes"] += end - at
                at = end + 5
                replies.append(self._message())
            else:
                end = data.find(b"\r\n", at)
                if end < 0:
                    break
                replies.append(self._command(data[at:end]))
                # In an empty message, the dot follows the line end of DATA.
                at = end if self._in_message else end + 2
        self._buffer = data[at:]
        self._reply(b"".join(replies))

    def _command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"EHLO":
            return b"250-sink.example.com\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 50000000\r\n"
        if verb == b"RCPT":
            self._sink.addresses.add(line.partition(b"<")[2].partition(b">")[0])
        if verb == b"DATA":
            self._in_message, self._head = True, b""
            self._sink.began = self._sink.began or time.perf_counter()
            return b"354 go on\r\n"
        if verb == b"QUIT":
            return b"221 bye\r\n"
        if verb not in (b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP"):
            self._sink.rejected.append(f"no command: {line[:80]!r}")
            return b"500 no such command\r\n"
        return b"250 ok\r\n"

    def _message(self) -> bytes:
        self._in_message = False
        self._sink.counts["messages"] += 1
        self._sink.ended = time.perf_counter()
        if match := _LINK.search(self._head):
            self._sink.links.add(match[1])
        return b"250 taken\r\n"

    def _reply(self, replies: bytes) -> None:
        if not replies:
            return
        if self._sink.latency:
            asyncio.get_running_loop().call_later(self._sink.latency, self._transport.write, replies)
        else:
            self._transport.write(replies)


async def main() -> None:
    sink = SmtpSink(float(sys.argv[1]))
    print(await sink.start(), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(sink.totals()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
