"""`news unsubscribes pull`: take the people off the list who left outside."""

import sys
from pathlib import Path

import click

from newsletter.cli import output, pull_summary
from newsletter.cli.command import Group
from newsletter.cli.newsletter import load
from newsletter.constants import REFUSED


@click.group(cls=Group)
def unsubscribes() -> None:
    """Read who left at SendGrid, by mail, or through the worker."""


@unsubscribes.command("pull")
@click.option("--dry-run", is_flag=True, help="Show the same counts, and change nothing, here and there.")
@click.pass_obj
def pull_unsubscribes(folder: Path, dry_run: bool) -> None:
    """Take the people off the list who left outside.

    Each send does this by itself. It reads the places in `pull:` of newsletter.yml, and prints counts only.
    Exit code 1: a place could not be read; the others were.
    """
    from newsletter.services.pull import pull_unsubscribes

    report = pull_unsubscribes(load(folder), dry_run=dry_run)
    pull_summary.show_pull(report)
    if dry_run:
        output.echo("This was a dry run: nothing was changed.")
    sys.exit(REFUSED if report.failures else 0)
