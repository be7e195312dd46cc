"""Print the files that a command made, and those that it kept."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from newsletter.cli import output, terminal
from newsletter.display import display_path
from newsletter.errors import Problem

if TYPE_CHECKING:
    from newsletter.services.new_files import NewFile

_REPLACE = "if it may be replaced, delete it, and run the same command again"


def show_new_files(files: "Iterable[NewFile]", differs: str) -> None:
    """Print each file with its result, then a warning, in the words of `differs`, for each that differs."""
    problems = []
    for file in files:
        output.echo(f"{file.result:<8}  {display_path(file.path)}")
        if file.result == "differs":
            problems.append(Problem(display_path(file.path), differs, _REPLACE, "warning"))
    terminal.show_problems(problems)
