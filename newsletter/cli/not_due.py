"""Show why the newest issues are not due."""

import os
from typing import TYPE_CHECKING

from newsletter.cli import output, terminal

if TYPE_CHECKING:
    from newsletter.services.send import SendService


def show_not_due(service: "SendService") -> bool:
    """Show the notes on issues that are not due; on GitHub, in the summary of the run.

    Return True if one is an error: a file that says `ready: true` is not named like an issue.
    """
    from newsletter.cli.check_formats import github_command
    from newsletter.config.loader import is_on_github
    from newsletter.services.not_due import not_due

    problems = list(not_due(service))
    for problem in problems:
        if is_on_github(os.environ):
            output.echo_commands(github_command(problem, "Not sent by this run"))
        else:
            terminal.show_problems([problem])
    return any(problem.severity == "error" for problem in problems)
