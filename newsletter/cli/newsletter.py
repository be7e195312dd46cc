"""Load a newsletter for a command that uses its state, and show what happened to the state."""

from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.cli import terminal

if TYPE_CHECKING:
    from newsletter.config.loader import Newsletter


def load(folder: Path) -> "Newsletter":
    """Load the newsletter in a folder; show, for example, that an earlier version's state was moved."""
    from newsletter.config import loader

    newsletter = loader.load(folder)
    terminal.show_problems(newsletter.notices)
    return newsletter
