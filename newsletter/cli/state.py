"""`news state …`: the newsletter's state, which Git does not have: subscribers, ledger and keys."""

import os
from pathlib import Path

import click

from newsletter.cli import output
from newsletter.cli.command import Group


@click.group(cls=Group)
def state() -> None:
    """Manage the state: subscribers, sends and keys."""


@state.command()
@click.pass_obj
def path(folder: Path) -> None:
    """Print the folder of the state, for example for a backup.

    The folder may not exist yet. In a Git repository it is in Git's own folder, and a new clone has none of
    it.
    """
    from newsletter.config import loader
    from newsletter.state.location import VARIABLE, locate

    loader.refuse_missing(folder)
    location = locate(folder, os.environ.get(VARIABLE, ""))
    output.echo(os.path.abspath(location.readable))
