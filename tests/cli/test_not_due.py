"""The words of `news send --ready` and `news status` about issues that are not due."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from tests import samples
from tests.fakes.sendgrid import SendGridFake

ISSUE = "2026-04-27"
News = Callable[..., Result]


@pytest.fixture
def news(tmp_path: Path) -> Iterator[News]:
    """Run a command on a newsletter that is sent through a SendGrid fake, and that has one subscriber."""
    with SendGridFake() as fake:
        samples.write(tmp_path, extra=f"provider: sendgrid\nsendgrid: {{host: '{fake.url}'}}\n")
        variables = {**samples.KEY_HOSTS, "SENDGRID_API_KEY": fake.key, "NEWS_SECRET_KEY": samples.SECRET}
        others = dict.fromkeys(("CI", "GITHUB_ACTIONS", "NEWS_DATABASE_URL"))

        def run(*arguments: str) -> Result:
            return CliRunner().invoke(main, ["-C", str(tmp_path), *arguments], env={**variables, **others})

        yield run


def write_issue(folder: Path, old: str, new: str) -> None:
    path = folder / "issues" / f"{ISSUE}.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def send(news: News) -> Result:
    return news("send", "--ready", "--yes")


def test_a_due_issue_without_subscribers_is_an_error(news: News) -> None:
    refused = send(news)
    assert refused.exit_code == 1 and "there is nobody on the list" in refused.output
    assert ISSUE in news("status", "--due").output


def test_a_draft_is_named(news: News, tmp_path: Path) -> None:
    write_issue(tmp_path, "ready: true", "ready: false")
    done = send(news)
    assert done.exit_code == 0 and "No issue is due" in done.output
    assert f"note: {ISSUE} is a draft" in done.output and "write `ready: true`" in done.output
    assert f"{ISSUE} is a draft" in news("status", "--due").output


def test_a_cancelled_issue_is_named(news: News) -> None:
    news("subscribers", "add", "ada@example.com")
    assert send(news).exit_code == 0
    assert news("cancel", ISSUE, "--yes").exit_code == 0
    done = send(news)
    assert f"note: {ISSUE} was cancelled" in done.output and f"news resume {ISSUE}" in done.output


def test_a_correction_of_held_mail_is_not_ignored_silently(news: News, tmp_path: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    assert send(news).exit_code == 0
    assert "warning" not in send(news).output
    write_issue(tmp_path, "Leek & potato", "Onion & potato")
    done = send(news)
    assert done.exit_code == 0 and f"{ISSUE} has changed since sendgrid got its mail" in done.output
    assert "Onion" in done.output and f"news cancel {ISSUE}" in done.output


def test_a_broken_template_does_not_make_a_finished_send_a_failure(news: News, tmp_path: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    assert send(news).exit_code == 0
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "footer.txt.j2").write_text("{% if %}")
    done = send(news)
    assert done.exit_code == 0 and "No issue is due" in done.output


def test_a_send_that_was_replaced_is_no_rehearsal(news: News, tmp_path: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    send(news)
    news("cancel", ISSUE, "--yes")
    write_issue(tmp_path, "Leek & potato", "Onion & potato")
    assert "SENT TO THE ONLY RECIPIENT" in send(news).output
    shown = news("status").output
    assert "sendgrid (replaced)" in shown and "rehearsal" not in shown


def test_the_sender_of_init_gives_no_id_to_a_state(tmp_path: Path) -> None:
    folder = tmp_path / "soup"
    assert CliRunner().invoke(main, ["-C", str(folder), "init"]).exit_code == 0
    refused = CliRunner().invoke(main, ["-C", str(folder), "subscribers", "add", "ada@example.com"])
    assert refused.exit_code == 1 and "newsletter.yml:6: error: sender.email is still TODO@" in refused.output
    assert "write your real address: the id of the list is made from it once" in refused.output
    assert not (folder / ".news").exists()
    assert CliRunner().invoke(main, ["-C", str(folder), "render"]).exit_code == 0


def test_a_ready_file_with_a_wrong_name_fails_the_run(news: News, tmp_path: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    (tmp_path / "issues" / f"{ISSUE}.yml").rename(tmp_path / "issues" / "2026-4-27.yml")
    done = send(news)
    assert done.exit_code == 1 and "2026-4-27.yml: error: says `ready: true`, and is not named" in done.output
    error, no_other = done.output.index("name it 2026-04-27.yml"), done.output.index("No other issue is due")
    assert error < no_other and "No issue is due" not in done.output
    due = news("status", "--due")
    assert due.exit_code == 1 and due.output.endswith("No other issue is due.\n")


def test_a_draft_with_a_wrong_name_is_a_warning(news: News, tmp_path: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    (tmp_path / "issues" / "2026-5-4.yml").write_text("subject: Soup\n")
    done = send(news)
    assert done.exit_code == 0 and "2026-5-4.yml: warning: is not named like an issue" in done.output


def test_a_yaml_file_is_sent_and_two_files_of_an_issue_are_not(news: News, tmp_path: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    issue = tmp_path / "issues" / f"{ISSUE}.yml"
    issue.with_suffix(".yaml").write_text(issue.read_text())
    done = send(news)
    assert done.exit_code == 1 and f"{ISSUE}.yml and {ISSUE}.yaml are both the issue" in done.output
    issue.unlink()
    done = send(news)
    assert done.exit_code == 0 and "SENT TO THE ONLY RECIPIENT" in done.output
