"""A program that sends through Resend to `emulate`, inside a network namespace of its own.

`emulate` listens on all interfaces, so both run where there is only a loopback interface. Its arguments are
the command that starts emulate. It prints the outcomes of its calls, and the mail that arrived, as JSON.
"""

import fcntl
import json
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from newsletter.config.api_providers import Resend
from newsletter.mail.message import Batch
from newsletter.providers.resend.provider import ResendProvider
from newsletter.subscribers.model import Subscriber
from tests import samples

PORT, KEY = 4004, "news/0123456789abcdef/1-2"
PEOPLE = [Subscriber(1, "ada@example.com", "Ada"), Subscriber(2, "emil@example.com", "Émil, <&>")]
# Linux: netdevice(7)
_SIOCSIFFLAGS, _IFF_UP, _IFF_RUNNING = 0x8914, 0x1, 0x40
_START_SECONDS = 30


def loopback_up() -> None:
    """Switch the loopback interface of a new namespace on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP | _IFF_RUNNING))


def wait_until_ready() -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", PORT), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def batch(subject: str = "Soup", key: str | None = KEY, people: list[Subscriber] = PEOPLE) -> Batch:
    return replace(samples.batch(samples.plain_mailing(subject), *people), key=key)


def results(provider: ResendProvider) -> dict[str, Any]:
    """Return the outcome of each kind of call, by its name."""
    many = [Subscriber(n, f"reader{n}@example.com") for n in range(1, 102)]
    calls = {
        "first": batch(),
        "again": batch(),
        "other content": batch("Stew"),
        "other key": batch(key="news/0123456789abcdef/3-4"),
        "too many": batch(key=None, people=many),
        "key too long": batch(key="x" * 257),
    }
    outcomes = {name: provider.submit(call, samples.SubmissionLog()) for name, call in calls.items()}
    return {
        name: [type(outcome).__name__, getattr(outcome, "message_id", getattr(outcome, "reason", ""))]
        for name, outcome in outcomes.items()
    }


def mails() -> list[dict[str, Any]]:
    """Return the mail that emulate has, the oldest first."""
    url = f"http://127.0.0.1:{PORT}/emails?limit=100"
    request = urllib.request.Request(url, headers={"Authorization": "Bearer re_x"})
    with urllib.request.urlopen(request, timeout=10) as response:
        listed = json.load(response)["data"]
    return sorted(listed, key=lambda mail: str(mail["created_at"]))


def main() -> None:
    loopback_up()
    emulate = subprocess.Popen([*sys.argv[1:], "--port", str(PORT)], stdout=subprocess.DEVNULL)
    try:
        wait_until_ready()
        provider = ResendProvider(Resend(host=f"http://127.0.0.1:{PORT}"), SecretStr("re_x"), timeout=10)
        print(json.dumps({"outcomes": results(provider), "mails": mails()}))
    finally:
        emulate.terminate()
        emulate.wait()


if __name__ == "__main__":
    main()
