"""Test Amazon SES against two copies of it that others wrote: moto and aws-ses-v2-local, on loopback.

Neither verifies signatures. moto keeps the bytes of a raw message and knows identities; aws-ses-v2-local
parses the message as a mail program does.
"""

import importlib.util
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from newsletter.config.api_providers import Ses
from newsletter.mail.mime import template
from newsletter.providers.ses.credentials import KeyCredentials
from newsletter.providers.ses.provider import SesProvider
from newsletter.providers.ses.signature import Credentials, Scope, sign
from newsletter.sending.outcomes import Accepted, Refused
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.judges import installed
from tests.required import need

ADA = Subscriber(1, "ada@example.com", "Ada, Émil <&>")
BO = Subscriber(2, "bo@example.com")
REGION, KEY = "eu-central-1", Credentials("AKIDEXAMPLE", "secret")
_PATIENCE_SECONDS = 60.0


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[str]:
    """Yield the address of a program that listens on a port, once it answers; end it afterwards."""
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            until = time.monotonic() + _PATIENCE_SECONDS
            while time.monotonic() < until and process.poll() is None:
                with closing(socket.socket()) as client:
                    if client.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            else:
                pytest.fail(f"{command} does not listen: {log.read_text(errors='replace')[-500:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need(None if importlib.util.find_spec("moto") else "moto (pip install 'moto[server]')")
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, port, tmp_path_factory.mktemp("moto") / "log") as url:
        path, body = "/v2/email/identities", json.dumps({"EmailIdentity": "example.com"}).encode()
        headers = sign("POST", path, {"Host": url[7:]}, [body], KEY, Scope(REGION), datetime.now(UTC))
        assert httpx.post(url + path, content=body, headers=headers, trust_env=False).status_code == 200
        yield url


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = _free_port()
    command = [*installed.aws_ses(), "--host", "127.0.0.1", "--port", str(port)]
    with _running(command, port, tmp_path_factory.mktemp("local") / "log") as url:
        yield url


@contextmanager
def _open(url: str) -> Iterator[SesProvider]:
    key = KeyCredentials(SecretStr(KEY.access_key_id), SecretStr(KEY.secret_access_key))
    with closing(SesProvider(Ses(region=REGION, host=url), key)) as provider:
        yield provider


def test_moto_gets_the_bytes_of_each_message(moto: str, tmp_path: Path) -> None:
    mailing = samples.mailing(tmp_path)
    batch = samples.batch(mailing, ADA, BO)
    with _open(moto) as provider:
        outcomes = samples.outcomes(provider, batch)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted]
    data = httpx.get(f"{moto}/moto-api/data.json", trust_env=False).json()
    stored = {message["id"]: message for message in data["ses"]["RawMessage"]}
    for outcome, recipient in zip(outcomes, batch.recipients, strict=True):
        assert isinstance(outcome, Accepted)
        message = stored[outcome.message_id]
        assert message["raw_data"].encode() == template(mailing).fill(recipient)
        assert recipient.address in message["destinations"]  # and once more, from the header
        assert message["source"] == "soup@example.com"


def test_moto_refuses_a_sender_that_is_not_verified(moto: str) -> None:
    """It has the name of the error from SES, and words of its own."""
    mailing = samples.replace(samples.plain_mailing(), sender=("The Soup Letter", "soup@other.example"))
    with _open(moto) as provider:
        (outcome,) = samples.outcomes(provider, samples.batch(mailing, ADA))
    assert isinstance(outcome, Refused)
    assert outcome.reason.startswith("400 MessageRejected: ") and "@" not in outcome.reason


def test_aws_ses_v2_local_reads_each_message(local: str, tmp_path: Path) -> None:
    mailing = samples.mailing(tmp_path)
    with _open(local) as provider:
        outcomes = samples.outcomes(provider, samples.batch(mailing, ADA, BO))
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted]
    emails = httpx.get(f"{local}/store", trust_env=False).json()["emails"]
    by_address = {email["destination"]["to"][0]: email for email in emails}
    assert len(emails) == 2
    ada, bo = (email for address, email in sorted(by_address.items()))
    assert "ada@example.com" in str(ada["destination"]) and "bo@example.com" in str(bo["destination"])
    for email in (ada, bo):
        assert email["subject"] == "Leek & potato"
        assert "https://soup.example.com/leave/" in email["body"]["text"] + email["body"]["html"]
    assert ada["body"]["html"] != bo["body"]["html"]
