"""Test Resend against emulate, a copy that others wrote, and our fake against both."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from newsletter.config.api_providers import Resend
from newsletter.providers.resend.provider import ResendProvider
from tests import emulated
from tests.fakes.resend import ResendFake
from tests.judges import installed

ROOT = Path(__file__).parent.parent.parent


def _namespace() -> list[str]:
    """Return the command that runs another one in a network namespace of its own.

    Skip without the right to create one, also in CI: a container may not have it, and no package gives it.
    """
    options = ["-n"] if os.geteuid() == 0 else ["-rn"]
    unshare = shutil.which("unshare")
    works = unshare and subprocess.run([unshare, *options, "true"], capture_output=True).returncode == 0
    if not works:
        pytest.skip("no right to create a network namespace, without which emulate would listen everywhere")
    return [str(unshare), *options]


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    command = [*_namespace(), sys.executable, "-m", "tests.emulated", *installed.emulate()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))


def test_a_call_with_the_same_key_is_accepted_once(answers: dict[str, Any]) -> None:
    outcomes, mails = answers["outcomes"], answers["mails"]
    assert outcomes["first"] == outcomes["again"] and outcomes["first"][0] == "Accepted"
    assert outcomes["other key"][0] == "Accepted" != outcomes["first"]
    assert sorted(mail["to"][0].rpartition("<")[2] for mail in mails) == [
        "ada@example.com>",
        "ada@example.com>",
        "emil@example.com>",
        "emil@example.com>",
    ]


def test_the_mail_arrives_with_its_headers_and_its_tag(answers: dict[str, Any]) -> None:
    mail = answers["mails"][0]
    assert mail["subject"] == "Soup" and mail["from"] == "The Soup Letter <soup@example.com>"
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    (link,) = {mail["headers"]["List-Unsubscribe"].strip("<>")}
    assert mail["text"].strip() == link and link in mail["html"]
    (tag,) = mail["tags"]
    assert tag["name"] == "news" and tag["value"].startswith("72b84b1d2a8e_2026-04-27_s")


def test_our_fake_gives_the_same_outcomes(answers: dict[str, Any]) -> None:
    with ResendFake() as fake:
        provider = ResendProvider(Resend(host=fake.url), SecretStr(fake.key))
        ours = emulated.results(provider)
        provider.close()
        assert len(fake.deliveries) == len(answers["mails"])
    theirs = answers["outcomes"]
    assert {name: result[0] for name, result in ours.items()} == {
        name: result[0] for name, result in theirs.items()
    }
    assert (ours["first"] == ours["again"]) and (theirs["first"] == theirs["again"])
    for name in ("other content", "key too long"):
        assert ours[name][1].partition(":")[0] == theirs[name][1].partition(":")[0]


def test_our_fake_refuses_what_emulate_refuses(answers: dict[str, Any]) -> None:
    """A batch is strict at both: none of its mails is sent if one is invalid."""
    with ResendFake() as fake:
        ours = emulated.rules(fake.url, fake.key)
        assert fake.deliveries == []
    assert ours == answers["rules"]
    assert {status for status, _ in ours.values()} == {400, 422}
    assert answers["mails after rules"] == len(answers["mails"])
