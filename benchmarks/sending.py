"""Prints what sending costs at two lengths of the list: messages a second, and memory that must not grow."""

import socket
import sys
import tempfile
import threading
from pathlib import Path

import measure

SIZES = (500, 5000)
_CONFIG = """\
name: Benchmark
sender: {name: Benchmark, email: benchmark@example.com}
postal_address: 1 Example Street
unsubscribe: {url: "https://benchmark.example.com/{token}"}
"""


def main() -> None:
    measure.row("a whole `news send` of the real issue", "recipients", "messages/s", "peak MB")
    for provider in ("outbox", "smtp"):
        peaks = [one(provider, size) for size in SIZES]
        grown = peaks[1] - peaks[0]
        measure.row(f"{provider}: {SIZES[1] // SIZES[0]} times the list", "", "", f"{grown:+.1f}")


def one(provider: str, size: int) -> float:
    """One send to so many people; its peak memory in MB."""
    with tempfile.TemporaryDirectory() as name, Sink() as sink:
        folder = Path(name)
        (folder / "issues").mkdir()
        issue = (measure.REPOSITORY / "issues" / "2026-04-27.yml").read_bytes()
        (folder / "issues" / "2026-04-27.yml").write_bytes(issue)
        smtp = f"smtp: {{port: {sink.port}, security: none}}\n"
        (folder / "newsletter.yml").write_text(f"{_CONFIG}provider: {provider}\n{smtp}")
        people = "".join(f"reader{n}@example.com,Reader {n}\n" for n in range(size))
        (folder / "list.csv").write_text(f"address,name\n{people}")
        clean = {"CI": "", "NEWS_DATABASE_URL": ""}
        measure.whole_process(measure.news(), "subscribers", "import", "list.csv", cwd=folder, **clean)()
        command = (measure.news(), "send", "--issue", "2026-04-27", "--yes")
        peak, seconds = measure.peak_megabytes(*command, cwd=folder, **clean)
    measure.row(provider, f"{size:,}", f"{size / seconds:,.0f}", f"{peak:.1f}")
    return peak


class Sink:
    """An SMTP server that takes everything and keeps nothing."""

    def __enter__(self) -> "Sink":
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _accept(self) -> None:
        try:
            while True:
                connection, _ = self._server.accept()
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()
        except OSError:
            return

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 sink\r\n")
            while line := lines.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    connection.sendall(b"354 go on\r\n")
                    while lines.readline() not in (b".\r\n", b""):
                        pass
                connection.sendall(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")


if __name__ == "__main__":
    sys.exit(main())
