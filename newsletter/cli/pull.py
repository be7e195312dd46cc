"""`news unsubscribes pull` and `news signups pull`: read who unsubscribed elsewhere or signed up by mail."""

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
    """Take the people off the list who unsubscribed elsewhere.

    Each send does this by itself. It reads the places in `pull:` of newsletter.yml, and prints counts only.
    Exit code 1: a place could not be read; the others were.
    """
    from newsletter.services.pull import pull_unsubscribes

    report = pull_unsubscribes(load(folder), dry_run=dry_run)
    pull_summary.show_pull(report)
    if dry_run:
        output.echo("This was a dry run: nothing was changed.")
    sys.exit(REFUSED if report.failures else 0)


@click.group(cls=Group)
def signups() -> None:
    """Read the sign-ups that come by mail."""


@signups.command("pull")
@click.option("--dry-run", is_flag=True, help="Show the same counts; change and send nothing.")
@click.pass_obj
def pull_signups(folder: Path, dry_run: bool) -> None:
    """Read the sign-ups that come by mail, and send the mail that waits.

    People who write to `sign_up.mailto` get a mail, and their answer to it confirms the sign-up. Run it every
    few minutes. Exit code 1: the mailbox could not be read.
    """
    from newsletter.services.mail_sign_up import pull_sign_ups

    report = pull_sign_ups(load(folder), dry_run=dry_run)
    pull_summary.show_sign_up_report(report)
    if dry_run:
        output.echo("This was a dry run: nothing was changed.")
    sys.exit(REFUSED if report.result.failure else 0)
