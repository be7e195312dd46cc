"""Options that are given twice."""

import pytest
from click.testing import CliRunner

from newsletter.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        pytest.param(
            ["send", "2026-04-27", "--provider", "smtp", "--provider", "outbox"], "--provider", id="send"
        ),
        pytest.param(["status", "2026-04-27", "--list", "left", "--list", "left"], "--list", id="the-same"),
        pytest.param(["render", "-o", "a", "--output", "b"], "--output", id="long-and-short"),
        pytest.param(["-C", "a", "-C", "b", "status"], "-C", id="before-the-command"),
        pytest.param(["subscribers", "add", "--name", "A", "--name", "B"], "--name", id="in-a-group"),
    ],
)
def test_an_option_with_two_values_is_refused(arguments: list[str], option: str) -> None:
    refused = CliRunner().invoke(main, arguments)
    assert refused.exit_code == 2
    assert refused.stderr.endswith(f"Error: {option} may be given only once\n")


@pytest.mark.parametrize("arguments", [["-v", "-v", "--help"], ["send", "--yes", "--yes", "--help"]])
def test_a_flag_may_be_repeated(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 0
