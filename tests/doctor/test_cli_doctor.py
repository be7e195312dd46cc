"""Tests of the command `news doctor`: its output and its exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.store.database import Database
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers import address
from tests import samples
from tests.doctor.test_doctor import HEADINGS
from tests.doctor.world import SECRETS, World
from tests.fakes.sendgrid import Fault
from tests.fakes.sendgrid_account import pages

Doctor = Callable[..., Result]


@pytest.fixture
def doctor(world: World, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Return a function that runs `news doctor` on a newsletter without problems.

    It has no unsubscribe page, because the command requests no page on this machine.
    """
    monkeypatch.chdir(world.folder)
    for name in ("CI", "NEWS_DATABASE_URL", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    database = Database.open(samples.newsletter(world.folder))
    Subscribers(database).add(address.parse("ada@example.com"))
    database.close()
    world.write()
    file = world.folder / "newsletter.yml"
    file.write_text(re.sub("unsubscribe: .*", "unsubscribe: {sendgrid_group: 7}", file.read_text()))

    def run(*arguments: str, color: bool = False, **environment: str) -> Result:
        command = ["doctor", "--nameserver", world.names.address, *arguments]
        return CliRunner().invoke(main, command, env=environment, color=color)

    return run


def test_all_is_well(doctor: Doctor) -> None:
    shown = doctor("--strict")
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == [
        *HEADINGS,
        lines[-1],
    ]
    assert lines[1] == "  ✓ ok       newsletter.yml: can be read; The Soup Letter is sent through"
    assert lines[2] == "             sendgrid"
    assert lines[-1].endswith(" ok. No problems found.")
    assert max(map(len, lines)) <= 80
    assert shown.stderr == ""


def test_an_error_is_exit_code_1_with_what_to_do_below_it(doctor: Doctor, world: World) -> None:
    world.sendgrid.pages = pages(without=["mail.send"])
    shown = doctor()
    assert shown.exit_code == 1
    assert "  ✗ error    SENDGRID_API_KEY: SendGrid accepts the key, which lacks the" in shown.output
    assert (
        "\n               give it Mail Send at https://app.sendgrid.com/settings/api_keys\n" in shown.output
    )
    assert shown.output.splitlines()[-1].startswith("1 error, ")


def test_a_warning_is_exit_code_1_where_it_is_strict(doctor: Doctor, world: World) -> None:
    world.sendgrid.pages = pages(on=["footer"])
    assert doctor().exit_code == 0
    strict = doctor("--strict")
    assert strict.exit_code == 1
    assert strict.output.splitlines()[-1].startswith("1 warning, ")
    world.sendgrid.pages = pages(on=["click"])
    assert doctor("--strict").exit_code == 0, "a note is none"


def test_json_is_the_same_for_programs(doctor: Doctor, world: World) -> None:
    world.sendgrid.pages = pages(on=["footer"])
    shown = doctor("--json")
    rows = json.loads(shown.stdout)
    assert shown.exit_code == 0 and shown.stderr == ""
    assert all(list(row) == ["group", "looked_at", "state", "what", "fix"] for row in rows)
    (warning,) = [row for row in rows if row["state"] == "warning"]
    assert (warning["group"], warning["looked_at"]) == ("Provider", "account's mail settings")
    assert "footer" in warning["what"] and warning["fix"].startswith("switch it off at")
    assert doctor("--json", "--strict").exit_code == 1


def test_offline(doctor: Doctor, world: World) -> None:
    shown = doctor("--offline")
    assert shown.exit_code == 0 and "not asked: --offline" in shown.output
    assert world.sendgrid.connections == world.page.connections == 0
    assert not shown.output.endswith("No problems found.\n"), "most was not looked at"


def test_another_provider(doctor: Doctor, world: World) -> None:
    world.write()
    shown = doctor("--provider", "outbox")
    assert "outbox: is created by the first send" in shown.output and world.sendgrid.connections == 0
    assert doctor("--provider", "pigeon").exit_code == 2


@pytest.mark.parametrize("nameserver", ["dns.example", "192.0.2.1:x", ""])
def test_a_nameserver_that_is_none(nameserver: str) -> None:
    refused = CliRunner().invoke(main, ["doctor", "--nameserver", nameserver])
    assert refused.exit_code == 2 and "--nameserver needs an IP address" in refused.output


def test_nothing_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(main, ["doctor", "--offline"])
    assert shown.exit_code == 1
    assert "newsletter.yml: there is no newsletter in this folder" in shown.output
    assert list(tmp_path.iterdir()) == []


def test_colours_are_a_help_and_can_be_had_without(doctor: Doctor) -> None:
    coloured = doctor(color=True)
    assert "\x1b[32m" in coloured.output
    assert "\x1b[" not in doctor(color=True, NO_COLOR="1").output
    assert "\x1b[" not in doctor().output


def test_no_secret_is_printed(doctor: Doctor, world: World) -> None:
    world.sendgrid.next(Fault.status(401, f"not {SECRETS['SENDGRID_API_KEY']}"))
    for shown in (doctor(), doctor("--json"), doctor("--offline")):
        assert not [secret for secret in SECRETS.values() if secret in shown.output]


def process(world: World, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "newsletter", "doctor", "--nameserver", world.names.address, *arguments]
    environment = {**os.environ, **SECRETS, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    return subprocess.Popen(
        command, cwd=world.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_ctrl_c_ends_it_at_once(world: World) -> None:
    world.sendgrid.next(Fault.late(60))
    with process(world) as running:
        assert running.stdout
        assert running.stdout.readline() == b"Configuration\n"  # the rest waits for SendGrid
        while not world.sendgrid.requests:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)
    assert running.returncode == 1 and b"Traceback" not in errors


def test_a_terminal_that_knows_only_ascii(world: World) -> None:
    command = [sys.executable, "-m", "newsletter", "doctor", "--offline"]
    environment = {**os.environ, **SECRETS, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    environment |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "CI": ""}
    shown = subprocess.run(command, cwd=world.folder, env=environment, capture_output=True, check=True)
    assert b"  + ok       newsletter.yml: can be read" in shown.stdout
