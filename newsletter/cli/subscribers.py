"""`news subscribers …`: import, list, add and remove subscribers."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, subscriber_records, terminal
from newsletter.cli.command import Group
from newsletter.cli.gc_tuning import tune_gc
from newsletter.cli.newsletter import load, open_to_read
from newsletter.constants import REFUSED, SUBSCRIBER_STATES
from newsletter.errors import SubscriberError

if TYPE_CHECKING:
    from newsletter.store.subscribers import Subscribers


@click.group(cls=Group)
def subscribers() -> None:
    """Manage the subscribers."""


for _command in subscriber_records.COMMANDS:
    subscribers.add_command(_command)


@subscribers.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--encoding", default="utf-8", show_default=True, help="The encoding of the file.")
@click.option(
    "--ignore-column",
    "ignored",
    metavar="NAME",
    multiple=True,
    help="Import the file although this column may tell who has left; may be repeated.",
)
@click.pass_obj
def import_(folder: Path, file: Path, encoding: str, ignored: tuple[str, ...]) -> None:
    """Add the subscribers in a CSV file with the columns address and name.

    A person who has unsubscribed stays unsubscribed. A file that tells who has left is refused. Invalid lines
    are reported and left out; then the exit code is 1.
    """
    from newsletter.services.open_state import change_subscribers
    from newsletter.subscribers import csv_import

    tune_gc()

    def add_rows(subscribers: "Subscribers") -> terminal.ImportReport:
        rows = csv_import.read(file, encoding, ignored)
        return terminal.import_report(subscribers.import_rows(rows, file.name))

    # Shown when it is saved: until then it may fail, or be done again on the state of another machine.
    report = change_subscribers(load(folder), add_rows)
    sys.exit(REFUSED if terminal.show_import(report) else 0)


@subscribers.command("list")
@click.option("--state", type=click.Choice(SUBSCRIBER_STATES), help="Only subscribers in this state.")
@click.pass_obj
def list_(folder: Path, state: str | None) -> None:
    """Print one subscriber per line: address, state and name, separated by tabs."""
    from newsletter.store.subscribers import Subscribers

    tune_gc()
    with open_to_read(load(folder)) as database:
        for subscriber in Subscribers(database).iter_all(state):
            output.echo_row(subscriber.address, subscriber.state, subscriber.name)


@subscribers.command()
@click.argument("address")
@click.option("--name", default="", help="The name of the subscriber.")
@click.option("--again", is_flag=True, help="The person has unsubscribed and asks to be added again.")
@click.pass_obj
def add(folder: Path, address: str, name: str, again: bool) -> None:
    """Add a subscriber."""
    from newsletter.services.open_state import change_subscribers
    from newsletter.subscribers.parsing import parse_subscriber

    newsletter = load(folder)
    mailbox, name = parse_subscriber(address, name)
    change = change_subscribers(newsletter, lambda subscribers: subscribers.add(mailbox, name, again=again))
    results = {"added": "added", "known": "is on the list already", "renamed": f"has the name {name} now"}
    output.echo(f"{mailbox.given} {results[change]}")


@subscribers.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.pass_obj
def remove(folder: Path, addresses: tuple[str, ...]) -> None:
    """Unsubscribe each ADDRESS permanently.

    An address that is not on the list is reported, and the others are unsubscribed; then the exit code is 1.
    """
    from newsletter.services.open_state import change_subscribers

    results = change_subscribers(
        load(folder), lambda store: [_remove(store, address) for address in addresses]
    )
    for result in results:
        if isinstance(result, SubscriberError):
            terminal.show_problems(result.problems)
        else:
            output.echo(result)
    sys.exit(REFUSED if any(isinstance(result, SubscriberError) for result in results) else 0)


def _remove(store: "Subscribers", address: str) -> str | SubscriberError:
    """Unsubscribe one address; return the message about it, or the error if it is not on the list."""
    from newsletter.subscribers.parsing import parse_subscriber

    try:
        mailbox, _ = parse_subscriber(address)
        removed = store.remove(mailbox)
    except SubscriberError as failure:
        return failure
    return f"{mailbox.given} {'is unsubscribed now' if removed else 'was unsubscribed already'}"
