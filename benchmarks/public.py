"""Print how `news serve` keeps up with sign-ups, with events of a webhook, and with an import beside it.

Each alone, then all three together, on a disk that takes 5 ms for each commit of the server. The command
fails if an answer is an error, or if the database has not each sign-up, event and person exactly once.
Sign-ups and events come for `--seconds`, and longer if the import is not done. A time is that from the moment
at which a request is due to its answer.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import measure

from tests.fakes.sendgrid_webhook import WebhookSigner, body, event

RATE, EVENTS, PEOPLE, SECONDS, COMMIT_MS = 200, 5_000, 300_000, 20, 5.0
Connections = asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None]
SERVER, IMPORT = (Path(__file__).with_name(name) for name in ("slow_server.py", "import_rows.py"))
READERS = 1_000
"""The subscribers that the events are about, who are in the database from the start."""
_LIST = "the-soup-letter.example.com"
_EVENTS_PER_REQUEST = 1_000
_NOW = datetime.now(UTC)
# Many: a form is answered after a fixed time, so that it takes as long for all addresses.
_CONNECTIONS = 256


@dataclass
class Load:
    """Requests that are sent at a fixed rate, and their answers."""

    name: str
    rate: float
    make: Callable[[int], bytes]
    statuses: Counter[int] = field(default_factory=Counter)
    durations: list[float] = field(default_factory=list)

    async def send(self, port: int, seconds: float, is_done: Callable[[], bool]) -> None:
        """Send until the time is over and all else is done; a late answer delays no other one."""
        connections: Connections = asyncio.Queue()
        for _ in range(_CONNECTIONS):
            connections.put_nowait(None)
        start, tasks = time.perf_counter(), []
        for number in count():
            due = start + number / self.rate
            if due > start + seconds and is_done():
                break
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(self._one(port, self.make(number), due, connections)))
        await asyncio.gather(*tasks)
        while not connections.empty():
            if connection := connections.get_nowait():
                connection[1].close()

    async def _one(self, port: int, request: bytes, due: float, connections: Connections) -> None:
        connection = await connections.get() or await asyncio.open_connection("127.0.0.1", port)
        connection[1].write(request)
        head = (await connection[0].readuntil(b"\r\n\r\n")).decode().lower()
        await connection[0].readexactly(int("0" + head.partition("content-length: ")[2].split("\r\n")[0]))
        self.durations.append(time.perf_counter() - due)
        self.statuses[int(head.split()[1])] += 1
        connections.put_nowait(connection)

    @property
    def sent(self) -> int:
        return len(self.durations)

    def show(self) -> int:
        """Print the answers; return the number of those that are errors."""
        errors = sum(number for status, number in self.statuses.items() if status not in (200, 204))
        ordered = sorted(self.durations)
        half, most = statistics.median(ordered), ordered[len(ordered) * 99 // 100]
        times = [f"{seconds * 1000:,.0f} ms" for seconds in (half, most)]
        measure.row(f"  {self.name}", f"{self.sent:,}", f"{errors:,}", *times)
        return errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE, help="sign-ups a second (200)")
    parser.add_argument("--events", type=int, default=EVENTS, help="events of the webhook a second (5000)")
    parser.add_argument("--people", type=int, default=PEOPLE, help="people of the import (300000)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="the duration of each part (20)")
    parser.add_argument("--commit-ms", type=float, default=COMMIT_MS)
    options = parser.parse_args()
    other_load = measure.OtherLoad()
    measure.row("", "number", "errors", "p50", "p99")
    faults = 0
    for title, parts in (
        ("sign-ups alone", "s"),
        ("events alone", "e"),
        ("import alone", "i"),
        ("all three at once", "sei"),
    ):
        print(title, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            faults += run(Path(folder), parts, options)
    busy = f"{other_load.cores():.1f} of {os.cpu_count()} cores"
    print(
        f"\nMeanwhile other processes, the server too, kept {busy} busy; under high load, times are too long."
    )
    sys.exit(faults > 0)


def run(folder: Path, parts: str, options: argparse.Namespace) -> int:
    """Run some of the parts at once, print what came of them, and return the number of faults."""
    signer = WebhookSigner()
    command = [sys.executable, str(SERVER), str(folder), str(options.commit_ms)]
    command += [f"--readers={READERS}", f"--webhook-key={signer.public_key}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), text=True
    ) as server:
        assert server.stdout
        port = int(server.stdout.readline())
        sign_ups = Load("sign-ups", options.rate, sign_up)
        size = min(_EVENTS_PER_REQUEST, options.events)
        events = Load(
            "requests with events", options.events / size, lambda number: posted(signer, number, size)
        )
        loads = [load for load, part in ((sign_ups, "s"), (events, "e")) if part in parts]
        seconds = asyncio.run(send_all(folder, port, loads, options, "i" in parts))
        output, _ = server.communicate()
    if server.returncode:
        raise SystemExit(f"the server exited with {server.returncode}")
    found: dict[str, Any] = json.loads(output)
    faults = sum(load.show() for load in loads)
    if seconds is not None:
        measure.row("  people imported, and seconds", f"{options.people:,}", "", f"{seconds:.1f} s")
    expected = {
        "sign_ups": sign_ups.sent,
        "mails": sign_ups.sent,
        "events": events.sent * size,
        "subscribers": READERS + (options.people if seconds is not None else 0),
    }
    lost: int = sum(max(0, most - found[name]) for name, most in expected.items())
    doubled: int = sum(max(0, found[name] - most) for name, most in expected.items())
    measure.row("  lost, doubled", f"{lost}, {doubled}")
    megabytes = found["peak"] * 1024 / 1e6
    measure.row("  CPU of the server, its peak memory", f"{found['cpu']:.1f} s", f"{megabytes:.0f} MB")
    return faults + lost + doubled


async def send_all(
    folder: Path, port: int, loads: Sequence[Load], options: argparse.Namespace, imports: bool
) -> float | None:
    """Send the requests, and import beside them; return the seconds of the import."""
    start, seconds = time.perf_counter(), None
    importing = not imports

    async def run_import() -> None:
        nonlocal seconds, importing
        arguments = (str(IMPORT), str(folder), "import", str(options.people))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=environment(), cwd=measure.REPOSITORY, stdout=subprocess.DEVNULL
        )
        code = await process.wait()
        seconds, importing = time.perf_counter() - start, True
        if code:
            raise SystemExit(f"the import exited with {code}")

    works: list[Awaitable[None]] = [load.send(port, options.seconds, lambda: importing) for load in loads]
    await asyncio.gather(*works, *([run_import()] if imports else []))
    return seconds


def sign_up(number: int) -> bytes:
    """Return the request that signs a new address up."""
    form = f"address=reader{number}%40example.com"
    return (
        "POST /subscribe HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\n\r\n{form}"
    ).encode()


def posted(signer: WebhookSigner, number: int, size: int) -> bytes:
    """Return a signed request with events that no other one has: each reader's at another time."""
    at = _NOW - timedelta(seconds=number)
    events = body([event("delivered", at, reader % READERS + 1, news_list=_LIST) for reader in range(size)])
    signature, timestamp = signer.sign(events, _NOW)
    head = (
        "POST /webhooks/sendgrid HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Twilio-Email-Event-Webhook-Signature: {signature}\r\n"
        f"X-Twilio-Email-Event-Webhook-Timestamp: {timestamp}\r\nContent-Length: {len(events)}\r\n\r\n"
    )
    return head.encode() + events


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(measure.REPOSITORY)}


if __name__ == "__main__":
    main()
