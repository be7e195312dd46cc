"""`news db …`: move the database between SQLite and PostgreSQL."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import Group
from newsletter.cli.gc_tuning import tune_gc
from newsletter.cli.layout import show_command, show_heading
from newsletter.cli.newsletter import load
from newsletter.display import counted

if TYPE_CHECKING:
    from newsletter.services.copy_database import DatabaseCopy
    from newsletter.store.copy import TableCopy


@click.group(cls=Group)
def db() -> None:
    """Move the database between SQLite and PostgreSQL."""


@db.command()
@click.option("--to", "file", metavar="FILE", help="Copy to this SQLite file, not to NEWS_DATABASE_URL_TO.")
@click.option("--yes", is_flag=True, help="Do not ask; for automation.")
@click.pass_obj
def copy(folder: Path, file: str | None, yes: bool) -> None:
    """Copy the database to an empty one, and close it: the newsletter continues with the copy.

    The variable NEWS_DATABASE_URL_TO names the database to copy to. Nobody can send from a closed database.
    To move back, copy again the other way.
    """
    from newsletter.services.copy_database import copy_database

    tune_gc()

    def ask(source: str, target: str, question: str, otherwise: str) -> None:
        output.echo(f"From: {source}")
        output.echo(f"To:   {target}")
        if not yes:
            terminal.confirm(question, otherwise)

    def agree(source: str, target: str) -> None:
        question = "Copy all subscribers and sends, and close the first database?"
        ask(source, target, question, "nothing was copied")

    def agree_to_open(source: str, target: str) -> None:
        output.echo("An earlier command has copied everything, and closed the first database.")
        ask(source, target, "Open the copy, and use it from now on?", "both databases stay closed")

    has_heading = False

    def show_table(copied: "TableCopy") -> None:
        nonlocal has_heading
        if not has_heading:  # not before the target was accepted
            show_heading("ROWS THAT BOTH DATABASES HAVE, AS COMPARED")
            has_heading = True
        output.echo(f"  {copied.table:<20}{copied.rows:>14,}   checksum {copied.checksum}")

    _show(copy_database(load(folder), file, agree, show_table, agree_to_open=agree_to_open))


@db.command()
@click.option("--yes", is_flag=True, help="Do not ask; for automation.")
@click.pass_obj
def reopen(folder: Path, yes: bool) -> None:
    """Use a closed database again, without what happened in its copy.

    Only if the copy was never used, or is lost: an issue that was sent with the copy would be sent again.
    """
    from newsletter.services.copy_database import reopen_database

    def agree(database: str, closed_at: datetime) -> None:
        output.echo(f"{database} was copied on {closed_at:%Y-%m-%d %H:%M} UTC, and closed.")
        output.echo("Everything since then is only in the copy: sends, and people who joined or left.")
        if not yes:
            terminal.confirm("Use this database again?", "it stays closed")

    output.echo(f"{reopen_database(load(folder), agree)} is open again. Do not use its copy any more.")


def _show(copied: "DatabaseCopy") -> None:
    output.echo()
    if copied.rows is None:
        output.echo(f"{copied.target} was a complete copy already, and is open now.")
    else:
        output.echo(f"Copied {counted(copied.rows, 'row')} to {copied.target}.")
    closed = (
        f"{copied.source} is closed: nothing is sent from it any more. It still has all addresses: delete "
        "it, with its backups, when you do not need it any more."
    )
    for line in terminal.wrapped(closed, 0):
        output.echo(line)
    output.echo("Use the copy now, on each machine and in each workflow that has this newsletter.")
    purpose = "On a machine, write this line into the file `env` of the state (news state path)"
    if copied.database_url is None:
        show_command("Unset this variable, and delete it from your files of secrets", "NEWS_DATABASE_URL")
    elif copied.database_url:
        show_command(purpose, f"NEWS_DATABASE_URL={copied.database_url}")
    else:
        show_command(purpose, "NEWS_DATABASE_URL=(the value of NEWS_DATABASE_URL_TO)")
