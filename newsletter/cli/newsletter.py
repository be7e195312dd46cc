"""Load a newsletter and open its state for a command, and show what a person should know about the state."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.cli import terminal
from newsletter.errors import Problem

if TYPE_CHECKING:
    from newsletter.config.loader import Newsletter
    from newsletter.store.database import Database


def load(folder: Path) -> "Newsletter":
    """Load the newsletter in a folder; show, for example, that an earlier version's state was moved."""
    from newsletter.config import loader

    newsletter = loader.load(folder)
    terminal.show_problems(newsletter.notices)
    return newsletter


@contextmanager
def open_to_read(newsletter: "Newsletter") -> "Iterator[Database]":
    """Open the database for a command that only reads it; show a note if the state ref was not read."""
    from newsletter.services import open_state

    with open_state.open_to_read(newsletter) as state:
        if missing := state.not_taken:
            what = f"this machine's state is shown, and not the one on the Git ref: {missing.what}"
            terminal.show_problems([Problem("", what, missing.hint, "note")])
        yield state.database
