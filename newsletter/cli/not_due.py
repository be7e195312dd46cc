"""Show which files `news send --ready` does not read, and why the newest issues are not due."""

import os
from typing import TYPE_CHECKING

from newsletter.cli import output, terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from newsletter.config.loader import Newsletter
    from newsletter.errors import Problem
    from newsletter.services.send import SendService


def show_misnamed(newsletter: "Newsletter") -> bool:
    """Show the files that are not named like an issue; return True if one of them says `ready: true`."""
    from newsletter.issue.misnamed import misnamed

    problems = list(misnamed(newsletter.issues))
    _show(problems)
    return any(problem.severity == "error" for problem in problems)


def show_not_due(service: "SendService") -> None:
    """Show the notes on issues that are not due."""
    from newsletter.services.not_due import not_due

    _show(not_due(service))


def _show(problems: "Iterable[Problem]") -> None:
    """Show problems; on GitHub, in the summary of the run."""
    from newsletter.cli.check_formats import github_command
    from newsletter.config.loader import is_on_github

    for problem in problems:
        if is_on_github(os.environ):
            output.echo_commands(github_command(problem, "Not sent by this run"))
        else:
            terminal.show_problems([problem])
