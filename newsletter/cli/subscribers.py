"""`news subscribers …`: who gets the newsletter."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import terminal
from newsletter.cli.gc_tuning import tune_gc
from newsletter.constants import REFUSED, SUBSCRIBER_STATES
from newsletter.display import printable
from newsletter.errors import SubscriberError

if TYPE_CHECKING:
    from newsletter.store.subscribers import Subscribers


@click.group()
def subscribers() -> None:
    """Who gets the newsletter."""


@subscribers.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--encoding", default="utf-8", show_default=True, help="What the file is written in.")
@click.pass_obj
def import_(folder: Path, file: Path, encoding: str) -> None:
    """Add the people in a CSV file with the columns address and name.

    Whoever has left stays away. A line that is no use is named and left out; the exit code is 1 then.
    """
    from newsletter.store.database import open_database
    from newsletter.store.subscribers import Subscribers
    from newsletter.subscribers import csv_import

    tune_gc()
    with open_database(folder) as database:
        rows = csv_import.read(file, encoding)
        refused = terminal.show_import(Subscribers(database).import_rows(rows, printable(file.name)))
    sys.exit(REFUSED if refused else 0)


@subscribers.command("list")
@click.option("--state", type=click.Choice(SUBSCRIBER_STATES))
@click.pass_obj
def list_(folder: Path, state: str | None) -> None:
    """Print one subscriber a line: address, state, name, with tabs between."""
    from newsletter.store.database import open_database
    from newsletter.store.subscribers import Subscribers

    tune_gc()
    with open_database(folder) as database:
        for one in Subscribers(database).iter_all(state):
            click.echo(f"{one.address}\t{one.state}\t{one.name}".rstrip("\t"))


@subscribers.command()
@click.argument("address")
@click.option("--name", default="", help="What they are called.")
@click.option("--again", is_flag=True, help="They have left and asked to come back.")
@click.pass_obj
def add(folder: Path, address: str, name: str, again: bool) -> None:
    """Add ADDRESS."""
    from newsletter.store.database import open_database
    from newsletter.store.subscribers import Subscribers
    from newsletter.subscribers.parsing import parse_subscriber

    with open_database(folder) as database:
        mailbox, name = parse_subscriber(address, name)
        change = Subscribers(database).add(mailbox, name, again=again)
    said = {"added": "added", "known": "is on the list already", "renamed": f"is called {name} now"}
    click.echo(f"{mailbox.given} {said[change]}")


@subscribers.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.pass_obj
def remove(folder: Path, addresses: tuple[str, ...]) -> None:
    """Take each ADDRESS off the list, for good.

    An address that is not on the list is named, and does not keep the others on it; the exit code is 1 then.
    """
    from newsletter.store.database import open_database
    from newsletter.store.subscribers import Subscribers

    with open_database(folder) as database:
        store = Subscribers(database)
        removed = [_remove(store, address) for address in addresses]
    sys.exit(0 if all(removed) else REFUSED)


def _remove(store: "Subscribers", address: str) -> bool:
    """Take one address off the list and say so; return whether it is off the list now."""
    from newsletter.subscribers.parsing import parse_subscriber

    try:
        mailbox, _ = parse_subscriber(address)
        removed = store.remove(mailbox)
    except SubscriberError as failure:
        terminal.show_problems(failure.problems)
        return False
    click.echo(f"{mailbox.given} {'gets nothing from now on' if removed else 'was off the list already'}")
    return True
