"""`news state …` on a Git ref, and the other commands with it, on two machines and with a fake SendGrid."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.sending.model import NextChunk
from newsletter.services.state_sync import StateSync
from newsletter.state.state_key import make_state_key
from newsletter.state.state_ref import REF
from tests.fakes.sendgrid import SendGridFake
from tests.machines import Machines

FOR_EVER = 4e9
News = Callable[..., Result]


@pytest.fixture
def fake() -> Iterator[SendGridFake]:
    with SendGridFake() as service:
        yield service


@pytest.fixture
def machines(tmp_path: Path, fake: SendGridFake) -> Machines:
    return Machines.through(fake, tmp_path)


@pytest.fixture
def news(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> News:
    """Runs `news` on a machine, `first` or another one."""
    for name in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY", "NEWS_STATE_KEY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.fake")
    monkeypatch.setattr("newsletter.state.state_ref._PAUSE_SECONDS", 0.01)

    def run(
        *arguments: str, on: str = "first", key: str | None = None, typed: str = "", **more: str
    ) -> Result:
        environment = {"NEWS_STATE_KEY": machines.key.text if key is None else key, **more}
        folder = str(machines.machine(on))
        return CliRunner().invoke(main, ["-C", folder, *arguments], env=environment, input=typed)

    return run


def readers(machines: Machines, number: int) -> str:
    """Write a list of subscribers; return its path."""
    file = machines.folder / "list.csv"
    file.write_text("address\n" + "".join(f"reader{n}@example.com\n" for n in range(1, number + 1)))
    return str(file)


def test_from_the_first_save_to_a_send_on_a_runner(
    news: News, machines: Machines, fake: SendGridFake
) -> None:
    assert news("state", "init").exit_code == 0
    assert "Added        5" in news("subscribers", "import", readers(machines, 5)).output
    sent = news("send", "--ready", "--yes", on="runner", CI="true")
    assert sent.exit_code == 0 and "SENT TO ALL 5, HELD BACK UNTIL" in sent.output
    again = news("send", "--ready", "--yes", on="another-runner", CI="true")
    assert again.exit_code == 0 and "No issue is due" in again.output
    assert sorted(one.address for one in fake.delivered_by(FOR_EVER)) == [
        f"reader{n}@example.com" for n in range(1, 6)
    ]
    assert re.search(r"2026-04-27  sendgrid  \S+ \S+ +5\n", news("status").output)


def test_a_send_is_cancelled_and_resumed_on_other_machines(
    news: News, machines: Machines, fake: SendGridFake
) -> None:
    news("state", "init")
    news("subscribers", "import", readers(machines, 3))
    news("send", "2026-04-27", "--yes", on="runner")
    cancelled = news("cancel", "2026-04-27", "--yes")
    assert cancelled.exit_code == 0 and "CANCELLED: NOBODY GETS IT" in cancelled.output
    assert not fake.delivered_by(FOR_EVER)
    assert news("resume", "2026-04-27", "--yes", on="runner").exit_code == 0
    assert len(fake.delivered_by(FOR_EVER)) == 3


def test_a_new_key_is_shown_once_and_kept(news: News, machines: Machines) -> None:
    shown = news("state", "init", key="").output
    (key,) = set(re.findall(r"nsk1_[A-Z2-7]{58}", shown))
    assert shown.splitlines()[-1] == (
        f"Saved on refs/newsletter/state of {machines.origin}, sealed: 0 subscribers, 0 real sends, 66 KB."
    )
    assert "      gh secret set NEWS_STATE_KEY\n" in shown
    assert "nsk1_" not in news("subscribers", "add", "ada@example.com", key="").output
    assert news("state", "show", on="second", key=key).exit_code == 0
    env = machines.machine() / ".git" / "news" / "_" / "env"
    assert env.read_text() == f"NEWS_STATE_KEY={key}\n"


def test_show_pull_and_push(news: News, machines: Machines) -> None:
    news("state", "init")
    assert news("subscribers", "add", "ada@example.com").output == "ada@example.com added\n"
    assert news("state", "pull").output == "This machine has that state already, or a newer one.\n"
    pulled = news("state", "pull", on="second").output
    assert pulled == f"Taken from refs/newsletter/state of {machines.origin}: 1 subscriber, 0 real sends.\n"
    assert news("state", "push", on="second").exit_code == 0
    shown = news("state", "show").output
    assert "\n  Place        refs/newsletter/state of " in shown
    assert re.search(r"  Saved +\S+ \S+ UTC by process \d+ on \S+, as number 3\n", shown)
    assert "  Subscribers  1\n" in shown and shown.endswith("Nothing was ever sent.\n")


def test_who_forgets_is_told_of_older_states(news: News) -> None:
    news("state", "init")
    news("subscribers", "add", "ada@example.com")
    forgotten = news("subscribers", "forget", "ada@example.com", "--yes")
    assert forgotten.exit_code == 0 and forgotten.output.startswith("ada@example.com is forgotten\n")
    assert "States that were saved on the Git ref before still have what was erased" in forgotten.output
    assert forgotten.output.endswith("    news state rotate-key\n")
    assert "  WAS FORGOTTEN ON 20" in news("subscribers", "show", "ada@example.com", on="second").output


def test_replace_the_key(news: News, machines: Machines) -> None:
    news("state", "init")
    first = news("state", "rotate-key").output
    (both,) = re.findall(r"nsk1_[A-Z2-7]{58},nsk1_[A-Z2-7]{58}", first)
    assert both.endswith(machines.key.text)
    second = news("state", "rotate-key", key=both).output
    assert second.startswith("The state is sealed with the first key of NEWS_STATE_KEY now.\n")
    assert news("state", "show", key=both.split(",")[0]).exit_code == 0
    old = news("state", "show")
    assert old.exit_code == 1 and "was sealed with another key" in old.stderr


def test_save_and_load_a_file(news: News, machines: Machines) -> None:
    news("state", "init")
    news("subscribers", "add", "ada@example.com")
    backup = str(machines.folder / "backup")
    saved = news("state", "save", backup)
    assert saved.exit_code == 0 and "sealed: 1 subscriber, 0 real sends, 66 KB." in saved.output
    news("subscribers", "add", "bob@example.com")
    no = news("state", "load", backup, typed="n\n")
    assert no.exit_code == 1 and "nothing was changed" in no.output
    yes = news("state", "load", backup, typed="y\n").output
    assert "This machine has 2 subscribers, 0 real sends.\n" in yes
    assert re.search(r"The file of \S+ \S+ UTC has 1 subscriber, 0 real sends\.\n", yes)
    assert "People who left or were erased after that time would be on the list again.\n" in yes
    assert yes.endswith("To save it on the state ref too:\n      news state push --replace\n")
    assert news("state", "push", "--replace", typed="y\n").exit_code == 0
    assert news("subscribers", "list", on="second").output == "ada@example.com\tactive\n"


@pytest.mark.parametrize("command", [("status",), ("subscribers", "list")], ids=" ".join)
def test_without_the_key_a_note_says_that_the_ref_was_not_read(command: tuple[str, ...], news: News) -> None:
    news("state", "init")
    shown = news(*command, key="")
    assert shown.exit_code == 0
    assert shown.stderr.startswith(
        "note: this machine's state is shown, and not the one on the Git ref: NEWS_STATE_KEY is not set\n"
    )


def test_without_the_key_the_doctor_reports_one_error_about_it(news: News) -> None:
    findings = news("doctor", "--offline", key="").output
    assert re.findall(r"(error|skipped) +NEWS_STATE_KEY|(error) +environment", findings) == [("error", "")]
    assert re.search(r"skipped +state ref: not asked: NEWS_STATE_KEY is not set", findings)


def test_the_doctor_expects_the_secret_key_in_the_state(news: News) -> None:
    findings = news("doctor", "--offline", on="runner", CI="true").output
    assert re.search(r"ok +NEWS_SECRET_KEY: is not set: the key is kept in", findings)


def test_without_the_key_nothing_is_sent(news: News) -> None:
    news("state", "init")
    other = news("send", "2026-04-27", "--yes", key="")
    assert other.exit_code == 1 and "NEWS_STATE_KEY is not set" in other.stderr


def test_a_rehearsal_and_a_test_need_no_key(news: News, machines: Machines, fake: SendGridFake) -> None:
    test = news("send", "2026-04-27", "--to", "me@example.com", "--yes", on="second", key="")
    assert test.exit_code == 0 and [one.address for one in fake.delivered_by(FOR_EVER)] == ["me@example.com"]


def test_a_send_waits_for_another_machine(
    news: News, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its deadline has passed, and for a minute the clocks of the two machines may differ."""
    monkeypatch.setattr("newsletter.services.open_state.POLL", timedelta(seconds=0.2))
    news("state", "init")
    news("subscribers", "add", "ada@example.com")
    with StateSync.open(machines.newsletter("second")) as other:
        other.pull()
        other.save([NextChunk(1, 1, 1)], datetime.now(UTC) - timedelta(seconds=58))
    changed = news("subscribers", "add", "bob@example.com")
    assert changed.exit_code == 1 and "is sending now, until" in changed.stderr
    sent = news("send", "2026-04-27", "--yes")
    assert sent.exit_code == 0
    assert "another machine is sending; its state is taken when it has ended" in sent.stderr


def test_a_command_that_only_reads_does_not_wait_for_another_machine(
    news: News, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(seconds: float) -> None:
        raise AssertionError("it waits")

    monkeypatch.setattr("newsletter.services.open_state.time.sleep", fail)
    news("state", "init")
    news("subscribers", "add", "ada@example.com")
    with StateSync.open(machines.newsletter("second")) as other:
        other.pull()
        other.save([NextChunk(1, 1, 1)], datetime.now(UTC) + timedelta(minutes=5))
    for command in (("status", "--due"), ("status",), ("send", "2026-04-27", "--dry-run")):
        assert news(*command).exit_code == 0


@pytest.mark.parametrize("command", ["init", "pull", "push", "show", "rotate-key"])
def test_a_newsletter_without_a_state_ref(command: str, news: News, machines: Machines) -> None:
    file = machines.machine() / "newsletter.yml"
    file.write_text(file.read_text().replace("state: git\n", ""))
    both = f"{make_state_key().text},{machines.key.text}"
    refused = news("state", command, key=both)
    assert refused.exit_code == 1
    assert "newsletter.yml:1: error: has no `state:`, so that the state is on this machine" in refused.stderr


def test_a_cancel_begins_again_if_another_machine_saved_first(
    news: News, machines: Machines, fake: SendGridFake
) -> None:
    news("state", "init")
    news("subscribers", "import", readers(machines, 3))
    news("send", "2026-04-27", "--yes")
    before = machines.commit()
    news("state", "push", on="second")
    news("state", "pull", on="second")
    news("state", "push", on="second")
    later = machines.commit()
    machines.put_back(before)
    hook = machines.origin / "hooks" / "pre-receive"
    # In the hook, the remote gets the other machine's state, just before it would take this one.
    hook.write_text(f'#!/bin/sh\nrm "$0"\nenv -u GIT_QUARANTINE_PATH git update-ref {REF} {later} {before}\n')
    hook.chmod(0o755)
    cancelled = news("cancel", "2026-04-27", "--yes")
    assert not hook.exists()
    assert cancelled.exit_code == 0 and "CANCELLED: NOBODY GETS IT" in cancelled.output
    assert not fake.delivered_by(FOR_EVER)


@pytest.mark.parametrize("command", ["import", "remove"])
def test_a_change_is_reported_only_when_it_is_saved(command: str, news: News, machines: Machines) -> None:
    news("state", "init")
    news("subscribers", "add", "reader1@example.com")
    hook = machines.origin / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    changed = news(
        "subscribers", command, readers(machines, 1) if command == "import" else "reader1@example.com"
    )
    assert changed.exit_code == 1 and "refuses to save the state" in changed.stderr
    assert changed.stdout == ""


def test_a_state_is_replaced_after_both_were_shown(news: News, machines: Machines) -> None:
    news("state", "init")
    news("subscribers", "add", "ada@example.com")
    news("state", "pull", on="second")
    news("subscribers", "add", "bob@example.com")
    no = news("state", "push", "--replace", on="second", typed="n\n")
    assert no.exit_code == 1 and "nothing was saved" in no.output
    yes = news("state", "push", "--replace", "--yes", on="second").output
    assert "This machine has 1 subscriber, 0 real sends.\n" in yes
    assert re.search(r"The state of \S+ \S+ UTC on the ref has 2 subscribers, 0 real sends\.\n", yes)
    assert "Sends that only that state records would count as not sent.\n" in yes
    assert "  Subscribers  1\n" in news("state", "show").output


def test_a_note_is_not_mixed_into_json(news: News) -> None:
    news("state", "init")
    status = news("status", "2026-04-27", "--json", key="")
    assert status.stdout == "null\n" and "NEWS_STATE_KEY is not set" in status.stderr


def test_a_large_state_is_saved_with_a_warning(news: News, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.state.state_ref.WARN_BYTES", 60_000)
    saved = news("state", "init")
    assert saved.exit_code == 0
    assert "warning: has 0.1 MB, which each save uploads; over 50 MB it is not saved" in saved.stderr
