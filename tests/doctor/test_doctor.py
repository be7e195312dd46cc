"""Tests of the whole examination: all groups in order, no secret shown, nothing changed."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.doctor.examine import ExamineOptions, Group, examine
from newsletter.doctor.setup import Setup
from newsletter.findings import Finding
from newsletter.store.database import Database
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers import address
from tests import samples
from tests.doctor.findings import as_text, only, states
from tests.doctor.world import SECRETS, World
from tests.fakes.sendgrid import Fault, Reply
from tests.fakes.sendgrid_account import automatic, pages
from tests.fakes.smtp import ScriptedSmtp
from tests.fakes.web import WebFake

HEADINGS = [
    "Configuration",
    "State",
    "Secrets",
    "Database",
    "Provider",
    "Sender domain",
    "Unsubscribing",
    "Clock",
]


def groups(world: World, **options: object) -> dict[str, tuple[Finding, ...]]:
    setup = Setup.read(world.folder, world.environment)
    options = {"nameserver": world.names.address, "timeout": 3, "is_public": lambda host: True, **options}
    examined: list[Group] = list(examine(setup, ExamineOptions(**options)))
    assert [group.heading for group in examined] == HEADINGS
    return {group.heading: group.findings for group in examined}


def everything(by_group: dict[str, tuple[Finding, ...]]) -> list[Finding]:
    return [finding for findings in by_group.values() for finding in findings]


def subscribed(world: World, **environment: str) -> None:
    database = Database.open(samples.newsletter(world.folder, **environment))
    Subscribers(database).add(address.parse("ada@example.com"))
    database.close()
    world.write()


def trace(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


def test_a_set_up_that_is_well(world: World) -> None:
    subscribed(world)
    findings = everything(groups(world))
    (reminder,) = [finding for finding in findings if finding.state != "ok"]
    assert (reminder.looked_at, reminder.state) == ("backup", "note"), as_text(findings)


def test_nothing_is_made_or_changed_or_sent(world: World) -> None:
    before = trace(world.folder)
    groups(world)
    assert trace(world.folder) == before
    assert not (world.folder / ".news").exists() and not (world.folder / "outbox").exists()
    subscribed(world)
    before = trace(world.folder)
    groups(world)
    groups(world, online=False)
    assert trace(world.folder) == before
    assert {request.method for request in world.sendgrid.requests} == {"GET"}
    assert world.sendgrid.deliveries == []
    assert {request.path for request in world.page.requests} == {"/leave/test"}


def quoting(world: World) -> None:
    """Let each counterpart quote the secrets, as some servers do."""
    words = " ".join(SECRETS.values())
    error = {"errors": [{"message": words, "field": None}]}
    for path in ("/v3/tracking_settings", "/v3/mail_settings", "/v3/whitelabel/domains"):
        world.sendgrid.next(Fault(Reply(400, error)), path=path)
    world.page.post = Reply(302, headers={"Location": f"https://example.com/?{words.replace(' ', '&')}"})
    world.names.zone = {"_dmarc.example.com": {"TXT": [f"v=DMARC1; p={words}"]}}


def test_no_secret_is_shown_by_any_message(world: World) -> None:
    world.environment["NEWS_DATABASE_URL"] = (
        "postgresql://news:hush-hush-db@127.0.0.1:1/news?connect_timeout=2"
    )
    quoting(world)
    shown = as_text(everything(groups(world))) + repr(Setup.read(world.folder, world.environment))
    assert "[hidden]" in shown
    assert "hush" not in shown


@pytest.mark.parametrize(
    "name", ["SENDGRID_API_KEY", "SMTP_PASSWORD", "NEWS_SECRET_KEY", "NEWS_DATABASE_URL"]
)
@pytest.mark.parametrize("value", ["hush-hush\nhush", "hush", "postgresql://a:hush@[hush"])
def test_no_secret_is_shown_however_wrong_it_is(world: World, name: str, value: str) -> None:
    world.environment[name] = value
    findings = everything(groups(world, online=False))
    assert "hush" not in as_text(findings)


def test_a_server_that_quotes_the_password(world: World) -> None:
    script = {"EHLO": "250-fake.example.com\r\n250 AUTH PLAIN", "AUTH": f"535 no {SECRETS['SMTP_PASSWORD']}"}
    with ScriptedSmtp(script, greeting=f"554 {SECRETS['SMTP_PASSWORD']}") as server:
        world.write(f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n")
        findings = groups(world)["Provider"]
    assert "[hidden]" in as_text(findings) and "hush" not in as_text(findings)


@pytest.mark.parametrize("password", ["", "hush-hush"], ids=["not-set", "for-another-host"])
def test_the_error_of_a_key_is_shown_once(world: World, password: str) -> None:
    world.environment["SMTP_PASSWORD"] = password
    world.write("provider: smtp\nsmtp: {host: mail.example.com, username: soup}\n")
    by_group = groups(world, online=False)
    (error,) = [finding for finding in by_group["Secrets"] if finding.state == "error"]
    assert error.looked_at == "SMTP_PASSWORD"
    assert [finding for finding in by_group["Provider"] if finding.state == "error"] == []


def test_a_problem_names_the_line_of_newsletter_yml(world: World) -> None:
    newsletter = Setup.read(world.folder, world.environment).newsletter
    assert newsletter and newsletter.where("postal_address").endswith("newsletter.yml:4")


def test_what_is_broken_does_not_hide_the_rest(world: World) -> None:
    (world.folder / "newsletter.yml").write_text("name: [\n")
    world.environment |= {"NEWS_DATABASE_URL": "nonsense"}
    by_group = groups(world)
    assert states(by_group["Configuration"]) == ["error"]
    assert "newsletter.yml:" in by_group["Configuration"][0].looked_at
    assert states(by_group["Database"]) == ["error"]
    for heading in ("Provider", "Sender domain", "Unsubscribing"):
        assert states(by_group[heading]) == ["skipped"], heading
        assert "newsletter.yml cannot be read" in by_group[heading][0].what
    assert states(by_group["Clock"]) == ["skipped"]


def test_a_folder_without_a_newsletter(tmp_path: Path) -> None:
    findings = [finding for group in examine(Setup.read(tmp_path, {})) for finding in group.findings]
    assert only(findings, "error").what == "there is no newsletter in this folder"
    assert list(tmp_path.iterdir()) == []


def test_a_provider_that_cannot_be_reached_leaves_the_rest_to_look_at(world: World) -> None:
    subscribed(world)
    world.sendgrid.next(Fault.reset())
    by_group = groups(world)
    assert states(by_group["Provider"]) == ["error"]
    assert [finding.looked_at for finding in by_group["Sender domain"] if finding.state == "skipped"][:2] == [
        "SPF",
        "DKIM",
    ]
    assert states(by_group["Unsubscribing"]) == ["ok", "ok"]
    assert states(by_group["Clock"]) == ["ok"]


def test_offline_makes_no_connection(world: World) -> None:
    subscribed(world)
    by_group = groups(world, online=False)
    assert (world.sendgrid.connections, world.page.connections, world.names.questions) == (0, 0, [])
    assert states(by_group["Configuration"]) == ["ok"] and "error" not in states(everything(by_group))
    assert states(by_group["Database"]) == ["ok", "ok"], "a file needs none"
    for heading in ("Provider", "Sender domain", "Unsubscribing", "Clock"):
        assert states(by_group[heading]) == ["skipped"], heading
    world.environment["NEWS_DATABASE_URL"] = "postgresql://news@127.0.0.1:1/news"
    assert states(groups(world, online=False)["Database"]) == ["skipped"]


@pytest.mark.parametrize("who", ["sendgrid", "page"])
def test_a_clock_that_is_wrong(world: World, who: str) -> None:
    getattr(world, who).offset = timedelta(minutes=5).total_seconds()
    findings = groups(world)["Clock"]
    assert sorted(states(findings)) == ["ok", "warning"]
    assert "5 minutes behind" in only(findings, "warning").what


def test_the_database_has_a_clock_too(world: World, postgresql_url: str) -> None:
    subscribed(world, NEWS_DATABASE_URL=postgresql_url)
    world.environment["NEWS_DATABASE_URL"] = postgresql_url
    findings = groups(world)["Clock"]
    assert findings[0].looked_at == "clock, against the database"
    assert states(findings) == ["ok"] * 3


def test_sendgrids_unsubscribe_group_needs_no_page(world: World) -> None:
    file = world.folder / "newsletter.yml"
    text = "\n".join(
        "unsubscribe: {sendgrid_group: 3}" if line.startswith("unsubscribe") else line
        for line in file.read_text().splitlines()
    )
    file.write_text(text + "\n")
    findings = groups(world)["Unsubscribing"]
    assert states(findings) == ["ok"] and "unsubscribe group takes its place" in findings[0].what
    assert world.page.connections == 0


def test_looks_go_on_at_the_same_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each of two counterparts answer only after the other one was asked."""
    met, asked = threading.Barrier(2), set()

    def meets(fake: WebFake) -> Callable[[str], Fault]:
        take = fake.take

        def met_first(path: str) -> Fault:
            if fake not in asked:
                asked.add(fake)
                met.wait(20)
            return take(path)

        return met_first

    monkeypatch.setattr(world.sendgrid, "take", meets(world.sendgrid))
    monkeypatch.setattr(world.page, "take", meets(world.page))
    assert "error" not in states(everything(groups(world, timeout=30, group_timeout=60)))
    assert len(asked) == 2 and not met.broken


def test_a_look_that_takes_too_long_is_left(world: World) -> None:
    world.sendgrid.next(Fault.late(2))
    by_group = groups(world, group_timeout=0.8)
    assert "did not end in time" in only(list(by_group["Provider"]), "skipped").what
    assert states(by_group["Unsubscribing"]) == ["ok", "ok"]


def test_a_mistake_of_ours_is_told_and_hides_nothing(world: World) -> None:
    setup = Setup.read(world.folder, world.environment)
    broken = replace(setup, variables={})
    findings = {group.heading: group.findings for group in examine(broken, ExamineOptions(online=False))}
    assert list(findings) == HEADINGS
    assert "please report it" in as_text(findings["Secrets"]) or "please report it" in as_text(
        findings["Database"]
    )
    assert states(findings["Configuration"]) == ["ok"]


def test_an_account_with_problems(world: World) -> None:
    world.sendgrid.pages = pages(without=["user.scheduled_sends.create"], on=["footer", "click"])
    findings = groups(world)["Provider"]
    assert sorted(states(findings)) == ["error", "note", "ok", "ok", "ok", "warning"]


def test_a_domain_that_is_not_verified_aligns_with_nothing(world: World) -> None:
    world.sendgrid.pages = pages(domains=[automatic(valid=False)])
    findings = groups(world)["Sender domain"]
    assert states(findings) == ["ok"] * 5 + ["skipped"]
    assert "does not sign for example.com yet" in findings[-1].what
