"""The issue as an argument or an option, in every command that also has other arguments."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from tests import samples

News = Callable[..., Result]


@pytest.fixture
def news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> News:
    """Return a function that runs `news` in the sample newsletter's folder, with two subscribers."""
    for name in ("CI", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(samples.write(tmp_path))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    for address in ("ada@example.com", "bo@example.com"):
        run("subscribers", "add", address)
    return run


NAMES = [
    pytest.param(("2026-04-27",), id="argument"),
    pytest.param(("issues/2026-04-27.yml",), id="file"),
    pytest.param(("--issue", "2026-04-27"), id="option"),
    pytest.param(("2026-04-27", "--issue", "issues/2026-04-27.yml"), id="both-the-same"),
]


@pytest.mark.parametrize("name", NAMES)
def test_an_issue_is_sent_looked_up_and_gone_on_with_by_any_of_its_names(
    name: tuple[str, ...], news: News
) -> None:
    assert "\n  REHEARSED FOR ALL 2\n" in news("send", *name, "--yes").output
    assert "\n  REHEARSED FOR ALL 2\n" in news("status", *name).output
    assert "No recipient is waiting; nothing was sent now." in news("resume", *name, "--yes").output
    assert "This was a rehearsal: no mail left this machine" in news("cancel", *name, "--yes").output
    assert "nobody was refused in the send of" in news("retry", *name, "--refused").output
    assert "nobody is unknown in the send of" in news("resolve", *name, "--assume", "sent").output


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("send",), id="send"),
        pytest.param(("resume",), id="resume"),
        pytest.param(("cancel",), id="cancel"),
        pytest.param(("status",), id="status"),
        pytest.param(("retry", "--refused"), id="retry"),
        pytest.param(("resolve", "--assume", "sent"), id="resolve"),
    ],
)
@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("2026-04-27", "--issue", "2026-05-04"), id="argument-and-option"),
        pytest.param(("2026-04-27", "2026-05-04"), id="two-arguments"),
        pytest.param(("--issue", "2026-04-27", "--issue", "2026-05-04"), id="two-options"),
    ],
)
def test_two_different_issues_are_a_usage_error(
    command: tuple[str, ...], names: tuple[str, ...], news: News
) -> None:
    wrong = news(*command, *names)
    assert wrong.exit_code == 2
    assert "name only one issue, not 2026-04-27 and 2026-05-04" in wrong.output


@pytest.mark.parametrize("command", [("retry", "--refused"), ("resolve", "--assume", "unsent")])
def test_among_addresses_the_date_is_the_issue(command: tuple[str, ...], news: News) -> None:
    news("send", "2026-04-27", "--yes")
    state = "refused" if "retry" in command else "unknown"
    for words in (("2026-04-27", "ada@example.com"), ("ada@example.com", "2026-04-27")):
        named = news(*command, *words, "--yes")
        assert named.exit_code == 1
        assert f"not {state} in the send of 2026-04-27: ada@example.com" in named.output
    wrong = news(*command, "2026-4-27", "ada@example.com")
    assert wrong.exit_code == 2
    assert '"2026-4-27" is neither an issue, such as 2026-04-27, nor an email address' in wrong.output


@pytest.mark.parametrize("command", ["resume", "cancel"])
def test_without_a_name_the_answer_shows_one(command: str, news: News) -> None:
    fallback_name = news(command)
    assert fallback_name.exit_code == 2 and f"{command} 2026-04-27" in fallback_name.output
