"""Show why the newest issues are not due."""

import os
from typing import TYPE_CHECKING

from newsletter.cli import output, terminal

if TYPE_CHECKING:
    from newsletter.services.send import SendService


def show_not_due(service: "SendService") -> None:
    """Show the notes on issues that are not due; on GitHub, in the summary of the run."""
    from newsletter.cli.check_formats import github_command
    from newsletter.config.loader import is_on_github
    from newsletter.services.not_due import not_due

    for problem in not_due(service):
        if is_on_github(os.environ):
            output.echo_commands(github_command(problem, "Not sent by this run"))
        else:
            terminal.show_problems([problem])
