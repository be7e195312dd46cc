"""`news subscribers …`: import, list, add and remove subscribers."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from newsletter.cli import output, subscriber_records, terminal
from newsletter.cli.command import Group
from newsletter.cli.gc_tuning import tune_gc
from newsletter.cli.newsletter import load, open_to_read
from newsletter.constants import DEPARTED_STATES, REFUSED, SUBSCRIBER_STATES, DepartedState
from newsletter.errors import SubscriberError

if TYPE_CHECKING:
    from newsletter.store.subscribers import Subscribers
    from newsletter.subscribers.formats.options import MapField


_STANDARD_INPUT = Path("/dev/stdin")


@click.group(cls=Group)
def subscribers() -> None:
    """Manage the subscribers."""


for _command in subscriber_records.COMMANDS:
    subscribers.add_command(_command)


@subscribers.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show the same table, and change nothing.")
@click.option(
    "--as",
    "as_state",
    type=click.Choice(DEPARTED_STATES),
    help="Everyone in the files has left in this way.",
)
@click.option(
    "--map",
    "mapped",
    metavar="FIELD=COLUMN",
    multiple=True,
    help="The column of a field: address, name, first_name, last_name, state, joined or left; "
    "may be repeated.",
)
@click.option(
    "--ignore-column",
    "ignored",
    metavar="NAME",
    multiple=True,
    help="Import the file although this column may tell who has left; may be repeated.",
)
@click.option("--date-format", metavar="FORMAT", help='The format of dates, such as "%d/%m/%Y".')
@click.option("--encoding", default="utf-8", show_default=True, help="The encoding of the files.")
@click.pass_obj
def import_(
    folder: Path,
    files: tuple[Path, ...],
    dry_run: bool,
    as_state: DepartedState | None,
    mapped: tuple[str, ...],
    ignored: tuple[str, ...],
    date_format: str | None,
    encoding: str,
) -> None:
    """Add the people in the exports of another tool, in CSV files, or in lists of addresses.

    Each FILE may be a zip archive of such files, and - is the standard input. A person who has left, here or
    in the other tool, stays off the list.
    Rows that are not valid, or whose state is not known, are left out; then the exit code is 1.
    """
    from newsletter.cli.import_summary import show_import
    from newsletter.services.import_subscribers import import_files
    from newsletter.subscribers.formats.options import ImportOptions

    tune_gc()
    options = ImportOptions(encoding, ignored, _columns_by_field(mapped), as_state, date_format)
    # Shown when it is saved: until then it may fail, or be done again on the state of another machine.
    paths = [_STANDARD_INPUT if str(file) == "-" else file for file in files]
    outcome = import_files(load(folder), paths, options, dry_run=dry_run)
    sys.exit(REFUSED if show_import(outcome, dry_run=dry_run) else 0)


def _columns_by_field(mapped: Iterable[str]) -> "dict[MapField, str]":
    """Return the names of columns by field; raise UsageError for a text that is not `FIELD=COLUMN`."""
    from newsletter.subscribers.formats.options import MAP_FIELDS

    columns: dict[MapField, str] = {}
    for text in mapped:
        name, _, column = text.partition("=")
        field = cast("MapField", name.strip())
        if field not in MAP_FIELDS or not column.strip():
            raise click.UsageError(f"write --map FIELD=COLUMN; the fields are {', '.join(MAP_FIELDS)}")
        if field in columns:
            raise click.UsageError(f"--map {field} may be given only once")
        columns[field] = column
    return columns


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
