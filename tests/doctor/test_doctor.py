"""The whole examination: complete, in order, quiet about secrets, and without a trace."""

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
from tests.doctor.findings import only, states, told
from tests.doctor.world import SECRETS, World
from tests.fakes.sendgrid import Fault, Reply
from tests.fakes.sendgrid_account import automatic, pages
from tests.fakes.smtp import ScriptedSmtp
from tests.fakes.web import WebFake

HEADINGS = ["Configuration", "Secrets", "Database", "Provider", "Sender domain", "Unsubscribing", "Clock"]


def groups(world: World, **manner: object) -> dict[str, tuple[Finding, ...]]:
    setup = Setup.read(world.folder, world.environment)
    manner = {"nameserver": world.names.address, "timeout": 3, **manner}
    found: list[Group] = list(examine(setup, ExamineOptions(**manner)))
    assert [one.heading for one in found] == HEADINGS
    return {one.heading: one.findings for one in found}


def everything(found: dict[str, tuple[Finding, ...]]) -> list[Finding]:
    return [one for findings in found.values() for one in findings]


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
    found = everything(groups(world))
    assert set(states(found)) == {"ok"}, told(found)


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
    assert {one.method for one in world.sendgrid.requests} == {"GET"}
    assert world.sendgrid.deliveries == []
    assert {one.path for one in world.page.requests} == {"/leave/test"}


def quoting(world: World) -> None:
    """Everybody says what they were told, as servers do."""
    words = " ".join(SECRETS.values())
    error = {"errors": [{"message": words, "field": None}]}
    for path in ("/v3/tracking_settings", "/v3/mail_settings", "/v3/whitelabel/domains"):
        world.sendgrid.next(Fault(Reply(400, error)), path=path)
    world.page.post = Reply(302, headers={"Location": f"https://example.com/?{words.replace(' ', '&')}"})
    world.names.zone = {"_dmarc.example.com": {"TXT": [f"v=DMARC1; p={words}"]}}


def test_no_secret_is_shown_whoever_quotes_it(world: World) -> None:
    world.environment["NEWS_DATABASE_URL"] = (
        "postgresql://news:hush-hush-db@127.0.0.1:1/news?connect_timeout=2"
    )
    quoting(world)
    shown = told(everything(groups(world))) + repr(Setup.read(world.folder, world.environment))
    assert "[hidden]" in shown
    assert "hush" not in shown


@pytest.mark.parametrize(
    "name", ["SENDGRID_API_KEY", "SMTP_PASSWORD", "NEWS_SECRET_KEY", "NEWS_DATABASE_URL"]
)
@pytest.mark.parametrize("value", ["hush-hush\nhush", "hush", "postgresql://a:hush@[hush"])
def test_no_secret_is_shown_however_wrong_it_is(world: World, name: str, value: str) -> None:
    world.environment[name] = value
    found = everything(groups(world, online=False))
    assert "hush" not in told(found)


def test_a_server_that_quotes_the_password(world: World) -> None:
    script = {"EHLO": "250-fake.example.com\r\n250 AUTH PLAIN", "AUTH": f"535 no {SECRETS['SMTP_PASSWORD']}"}
    with ScriptedSmtp(script, greeting=f"554 {SECRETS['SMTP_PASSWORD']}") as server:
        world.write(f"provider: smtp\nsmtp: {{port: {server.port}, security: none}}\n")
        found = groups(world)["Provider"]
    assert "[hidden]" in told(found) and "hush" not in told(found)


def test_what_is_broken_does_not_hide_the_rest(world: World) -> None:
    (world.folder / "newsletter.yml").write_text("name: [\n")
    world.environment |= {"NEWS_DATABASE_URL": "nonsense"}
    found = groups(world)
    assert states(found["Configuration"]) == ["error"]
    assert "newsletter.yml:" in found["Configuration"][0].looked_at
    assert states(found["Database"]) == ["error"]
    for heading in ("Provider", "Sender domain", "Unsubscribing"):
        assert states(found[heading]) == ["skipped"], heading
        assert "newsletter.yml cannot be read" in found[heading][0].what
    assert states(found["Clock"]) == ["skipped"]


def test_a_folder_without_a_newsletter(tmp_path: Path) -> None:
    found = [one for group in examine(Setup.read(tmp_path, {})) for one in group.findings]
    assert only(found, "error").what == "there is no newsletter here"
    assert list(tmp_path.iterdir()) == []


def test_a_provider_that_cannot_be_reached_leaves_the_rest_to_look_at(world: World) -> None:
    subscribed(world)
    world.sendgrid.next(Fault.reset())
    found = groups(world)
    assert states(found["Provider"]) == ["error"]
    assert [one.looked_at for one in found["Sender domain"] if one.state == "skipped"][:2] == ["SPF", "DKIM"]
    assert states(found["Unsubscribing"]) == ["ok", "ok"]
    assert states(found["Clock"]) == ["ok"]


def test_offline_makes_no_connection(world: World) -> None:
    subscribed(world)
    found = groups(world, online=False)
    assert (world.sendgrid.connections, world.page.connections, world.names.questions) == (0, 0, [])
    assert states(found["Configuration"]) == ["ok"] and "error" not in states(everything(found))
    assert states(found["Database"]) == ["ok", "ok"], "a file needs none"
    for heading in ("Provider", "Sender domain", "Unsubscribing", "Clock"):
        assert states(found[heading]) == ["skipped"], heading
    world.environment["NEWS_DATABASE_URL"] = "postgresql://news@127.0.0.1:1/news"
    assert states(groups(world, online=False)["Database"]) == ["skipped"]


@pytest.mark.parametrize("who", ["sendgrid", "page"])
def test_a_clock_that_is_wrong(world: World, who: str) -> None:
    getattr(world, who).offset = timedelta(minutes=5).total_seconds()
    found = groups(world)["Clock"]
    assert sorted(states(found)) == ["ok", "warning"]
    assert "5 minutes behind" in only(found, "warning").what


def test_the_database_has_a_clock_too(world: World, postgresql_url: str) -> None:
    subscribed(world, NEWS_DATABASE_URL=postgresql_url)
    world.environment["NEWS_DATABASE_URL"] = postgresql_url
    found = groups(world)["Clock"]
    assert found[0].looked_at == "clock, against the database"
    assert states(found) == ["ok"] * 3


def test_sendgrids_unsubscribe_group_needs_no_page(world: World) -> None:
    file = world.folder / "newsletter.yml"
    text = "\n".join(
        "unsubscribe: {sendgrid_group: 3}" if line.startswith("unsubscribe") else line
        for line in file.read_text().splitlines()
    )
    file.write_text(text + "\n")
    found = groups(world)["Unsubscribing"]
    assert states(found) == ["ok"] and "unsubscribe group answers" in found[0].what
    assert world.page.connections == 0


def test_looks_go_on_at_the_same_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of two counterparts answers only once the other one has been asked."""
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
    assert "error" not in states(everything(groups(world, timeout=30, limit=60)))
    assert len(asked) == 2 and not met.broken


def test_a_look_that_takes_too_long_is_left(world: World) -> None:
    world.sendgrid.next(Fault.late(2))
    found = groups(world, limit=0.8)
    assert "did not come to an end in time" in only(list(found["Provider"]), "skipped").what
    assert states(found["Unsubscribing"]) == ["ok", "ok"]


def test_a_mistake_of_ours_is_told_and_hides_nothing(world: World) -> None:
    setup = Setup.read(world.folder, world.environment)
    broken = replace(setup, variables={})
    found = {one.heading: one.findings for one in examine(broken, ExamineOptions(online=False))}
    assert list(found) == HEADINGS
    assert "please report it" in told(found["Secrets"]) or "please report it" in told(found["Database"])
    assert states(found["Configuration"]) == ["ok"]


def test_an_account_with_problems(world: World) -> None:
    world.sendgrid.pages = pages(without=["user.scheduled_sends.create"], on=["footer", "click"])
    found = groups(world)["Provider"]
    assert sorted(states(found)) == ["error", "note", "ok", "ok", "ok", "warning"]


def test_a_domain_that_is_not_verified_aligns_with_nothing(world: World) -> None:
    world.sendgrid.pages = pages(domains=[automatic(valid=False)])
    found = groups(world)["Sender domain"]
    assert states(found) == ["ok"] * 5 + ["skipped"]
    assert "does not sign for example.com yet" in found[-1].what
