"""A program that sends through Resend to `emulate`, inside a network namespace of its own.

`emulate` listens on all interfaces, so both run where there is only a loopback interface. Its arguments are
the command that starts emulate. It prints as JSON: the outcomes of its calls, the mail that arrived, and the
answers to broken requests.
"""

import fcntl
import json
import socket
import struct
import subprocess
import sys
import time
import urllib.error
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


MAIL = {"from": "soup@example.com", "to": ["ada@example.com"], "subject": "Soup", "text": "x", "html": "x"}
# Bodies that our provider never sends: each is a rule that a batch must follow.
RULES: dict[str, object] = {
    "no array": MAIL,
    "no sender": [{**MAIL, "from": ""}],
    "no recipient": [{name: value for name, value in MAIL.items() if name != "to"}],
    "no subject": [{name: value for name, value in MAIL.items() if name != "subject"}],
    "one bad among good": [MAIL, {**MAIL, "subject": ""}, MAIL],
    "101 mails": [MAIL] * 101,
}


def rules(host: str, key: str) -> dict[str, list[object]]:
    """Return the status and the error's name for each of RULES, and for an empty idempotency key."""
    found = {name: _post(host, key, body) for name, body in RULES.items()}
    return found | {"empty idempotency key": _post(host, key, [MAIL], **{"Idempotency-Key": ""})}


def _post(host: str, key: str, body: object, **headers: str) -> list[object]:
    """Post a batch; return the status of the answer, and the name of the error in it."""
    named = {"Authorization": f"Bearer {key}", "User-Agent": "news", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{host}/emails/batch", json.dumps(body).encode(), {**named, **headers}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return [response.status, json.load(response).get("name")]
    except urllib.error.HTTPError as error:
        with error:
            return [error.code, json.load(error).get("name")]


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
        host = f"http://127.0.0.1:{PORT}"
        provider = ResendProvider(Resend(host=host), SecretStr("re_x"), timeout=10)
        outcomes, arrived = results(provider), mails()
        broken = {"rules": rules(host, "re_x"), "mails after rules": len(mails())}
        print(json.dumps({"outcomes": outcomes, "mails": arrived, **broken}))
    finally:
        emulate.terminate()
        emulate.wait()


if __name__ == "__main__":
    main()
