"""Print how `news serve` keeps up with sign-ups at a fixed rate, on a disk that takes 5 ms for each commit.

`--rate` is the number of sign-ups a second (200), `--seconds` the duration (60), `--commit-ms` the time of a
commit (5).
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
from pathlib import Path
from typing import Any

import measure

RATE, SECONDS, COMMIT_MS, MAX_MS = 200, 60, 5, 1000
SERVER = Path(__file__).with_name("slow_server.py")
# Many: a form is answered after a fixed time, so that it takes as long for all addresses.
_CONNECTIONS = 256
_REQUEST = (
    "POST /subscribe HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: {length}\r\n\r\n{body}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--commit-ms", type=float, default=COMMIT_MS)
    options = parser.parse_args()
    other_load = measure.OtherLoad()
    with tempfile.TemporaryDirectory() as name:
        report(*run(Path(name), options.rate, options.seconds, options.commit_ms), options)
    busy = f"{other_load.cores():.1f} of {os.cpu_count()} cores"
    print(f"\nMeanwhile other processes kept {busy} busy; under high load, the times are too long.")


def run(
    folder: Path, rate: int, seconds: int, commit_ms: float
) -> tuple[Counter[int], list[float], dict[str, Any]]:
    """Return the number of answers by status, the durations in seconds, and the server's own report."""
    command = [sys.executable, str(SERVER), str(folder), str(commit_ms)]
    environment = os.environ | {"PYTHONPATH": str(measure.REPOSITORY)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as server:
        assert server.stdout
        port = int(server.stdout.readline())
        statuses, durations = asyncio.run(sign_up(port, rate, seconds))
        output, _ = server.communicate()
    if server.returncode:
        raise SystemExit(f"the server exited with {server.returncode}")
    return statuses, durations, json.loads(output)


async def sign_up(port: int, rate: int, seconds: int) -> tuple[Counter[int], list[float]]:
    """Send requests at their times, over connections that stay open; a late answer delays no other one."""
    statuses: Counter[int] = Counter()
    durations: list[float] = []
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = asyncio.Queue()
    for _ in range(_CONNECTIONS):
        free.put_nowait(None)

    async def one(number: int) -> None:
        due = time.perf_counter()
        connection = await free.get() or await asyncio.open_connection("127.0.0.1", port)
        body = f"address=reader{number}%40example.com"
        connection[1].write(_REQUEST.format(length=len(body), body=body).encode())
        head = (await connection[0].readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        await connection[0].readexactly(length)
        durations.append(time.perf_counter() - due)
        statuses[int(head.split()[1])] += 1
        free.put_nowait(connection)

    start, tasks = time.perf_counter(), []
    for number in range(rate * seconds):
        await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number)))
    await asyncio.gather(*tasks)
    while not free.empty():
        if connection := free.get_nowait():
            connection[1].close()
    return statuses, durations


def report(
    statuses: Counter[int], durations: list[float], server: dict[str, Any], options: argparse.Namespace
) -> None:
    asked = options.rate * options.seconds
    measure.row(f"{options.rate} sign-ups a second for {options.seconds} s", "", "aim")
    measure.row("  answered with 200", f"{statuses[200]:,}", f"{asked:,}")
    measure.row("  other answers", f"{sum(statuses.values()) - statuses[200]:,}", "0")
    measure.row("  sign-ups in the database", f"{server['sign_ups']:,}", f"{asked:,}")
    measure.row("  confirmation mails written", f"{server['mails']:,}", f"{asked:,}")
    ordered = sorted(durations)
    measure.row("  median time of an answer", f"{statistics.median(ordered) * 1000:.0f} ms")
    measure.row(
        "  99 of 100 are faster than", f"{ordered[len(ordered) * 99 // 100] * 1000:.0f} ms", f"<= {MAX_MS} ms"
    )
    measure.row("  the slowest", f"{ordered[-1] * 1000:.0f} ms")
    measure.row(f"  commits, of {options.commit_ms:g} ms each at least", f"{server['commits']:,}")
    measure.row("  CPU of the server a sign-up", f"{server['cpu'] / asked * 1e6:.0f} us")
    measure.row("  its peak memory", f"{server['peak'] * 1024 / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
