"""`news subscribers show`, `stats`, `export` and `forget`: what the newsletter has about people."""

import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import Command
from newsletter.cli.gc_tuning import tune_gc
from newsletter.cli.newsletter import load, open_to_read
from newsletter.constants import CONFIG_FILE, REFUSED, SUBSCRIBER_STATES
from newsletter.display import counted, display_path
from newsletter.errors import Problem, SubscriberError, Unavailable

if TYPE_CHECKING:
    from newsletter.config.loader import Newsletter
    from newsletter.services.forget import ForgetReport
    from newsletter.store.erasure import Erased
    from newsletter.store.person_record import PersonRecord
    from newsletter.subscribers.address import Address

_RESULTS: "dict[Erased, str]" = {
    "erased": "is forgotten",
    "already": "was forgotten already",
    "never_here": "was never here; no import adds it from now on",
}


@click.command(cls=Command)
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(folder: Path, address: str, as_json: bool) -> None:
    """Show everything that the newsletter has about a person.

    If the address is not known, the exit code is 1.
    """
    from newsletter.cli import person_summary
    from newsletter.store.person_record import read_person

    (mailbox,) = _addresses([address])
    with open_to_read(load(folder)) as database, database.reading() as connection:
        record = read_person(connection, mailbox)
    if as_json:
        output.echo_json(person_summary.person_as_json(record))
    else:
        person_summary.show_person(record)
    sys.exit(0 if record.is_known else REFUSED)


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def stats(folder: Path, as_json: bool) -> None:
    """Count the subscribers: by state, month, origin and mail domain."""
    from newsletter.cli import subscriber_summary
    from newsletter.store.list_statistics import read_statistics

    with open_to_read(load(folder)) as database, database.reading() as connection:
        numbers = read_statistics(connection, datetime.now(UTC))
    if as_json:
        output.echo_json(subscriber_summary.statistics_as_json(numbers))
    else:
        subscriber_summary.show_statistics(numbers)


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--state", type=click.Choice(SUBSCRIBER_STATES), help="Only subscribers in this state.")
@click.option("--force", is_flag=True, help="Replace FILE, also if it is not an earlier export.")
@click.pass_obj
def export(folder: Path, file: Path, state: str | None, force: bool) -> None:
    """Write the subscribers to a CSV file; - is standard output.

    The file has all subscribers, also those who have left, with their state. `news subscribers import` reads
    it back into the same states.
    """
    from newsletter.store.export_rows import COLUMNS, iter_rows

    tune_gc()
    states: Counter[str] = Counter()
    state_column = COLUMNS.index("state")

    def rows(newsletter: "Newsletter") -> Iterator[Sequence[str]]:
        yield COLUMNS
        with open_to_read(newsletter) as database:
            for row in iter_rows(database, state):
                states[row[state_column]] += 1
                yield row

    newsletter = load(folder)
    to_stdout = str(file) == "-"
    if to_stdout:
        _print_rows(rows(newsletter))
    else:
        _refuse_own_file(newsletter, file)
        _write_rows(file, rows(newsletter), force)
    _show_export(None if to_stdout else file, states)


@click.command(cls=Command)
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask; for automation.")
@click.pass_obj
def forget(folder: Path, addresses: tuple[str, ...], yes: bool) -> None:
    """Erase each ADDRESS and all that is stored about it.

    A hash of the address is kept, so that no import adds it again. If something could not be erased, the exit
    code is 1; run the command again then.
    """
    from newsletter.services.forget import forget as forget_people

    tune_gc()
    people = _addresses(addresses)
    newsletter = load(folder)
    if not yes:
        _agree(newsletter, people)
    report = forget_people(newsletter, people, datetime.now(UTC))
    _show_forgotten(newsletter, report)
    sys.exit(REFUSED if report.problems else 0)


COMMANDS = (show, stats, export, forget)
"""The commands of this module, for the group `news subscribers`."""


def _addresses(texts: Iterable[str]) -> "list[Address]":
    """Return the addresses, each once; raise SubscriberError for the first that is invalid."""
    from newsletter.subscribers.parsing import parse_subscriber

    found: dict[str, Address] = {}
    for text in texts:
        address, _ = parse_subscriber(text)
        found.setdefault(address.key, address)
    return list(found.values())


def _print_rows(rows: Iterable[Sequence[str]]) -> None:
    from newsletter.subscribers.csv_guard import write_rows

    for row in rows:
        line = io.StringIO()
        write_rows(line, [row])
        output.echo_csv(line.getvalue())


def _write_rows(file: Path, rows: Iterator[Sequence[str]], force: bool) -> None:
    """Write a file that only its owner may read, and that appears when it is complete.

    Raise Unavailable if it cannot be written, and SubscriberError if there is another file of this name.
    """
    from newsletter.disk import writing
    from newsletter.state.tracked import refuse_tracked
    from newsletter.subscribers.csv_guard import write_rows

    refuse_tracked(file)
    try:
        if not force and not _is_export(file):
            what = "there is such a file already, and it is no export of subscribers"
            raise SubscriberError(what, "name another file, or use --force", where=display_path(file))
        with writing.replacing(file, private=True) as raw:
            text = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            write_rows(text, rows)
            text.detach()
    except OSError as failure:
        raise Unavailable.unwritable(file, failure, "choose another file") from failure


def _refuse_own_file(newsletter: "Newsletter", file: Path) -> None:
    """Raise SubscriberError for a file of the newsletter itself, which no option replaces."""
    path = file.resolve()
    own = (newsletter.state, newsletter.issues, newsletter.templates, newsletter.folder / CONFIG_FILE)
    if any(path.is_relative_to(part.resolve()) for part in own):
        what = "is a file, or in a folder, of the newsletter itself"
        raise SubscriberError(what, "name a file in another folder", where=display_path(file))


def _is_export(file: Path) -> bool:
    """Return True if there is no such file, or if it begins with the header of an export."""
    from newsletter.disk import reading
    from newsletter.store.export_rows import COLUMNS

    header = ",".join(COLUMNS).encode()
    try:
        with reading.open_regular(file) as handle:
            return handle.read(len(header)) == header
    except FileNotFoundError:
        return True


def _show_export(file: Path | None, states: "Counter[str]") -> None:
    """Show the number of exported subscribers, and that those who have left are among them."""
    by_state = ", ".join(f"{states[state]:,} {state}" for state in SUBSCRIBER_STATES if states[state])
    content = counted(states.total(), "subscriber")
    where = f" to {display_path(file)}" if file else ""
    sentence = f"Wrote {content}{where}{f' ({by_state})' if by_state else ''}."
    for line in terminal.wrapped(sentence, 0):
        output.echo(line, err=file is None)
    if others := states.total() - states["active"]:
        who = f"{counted(others, 'subscriber')} of the file {'gets' if others == 1 else 'get'} no mail"
        what = f"{who}: import it only into a tool that reads the column state, or that tool mails them"
        fix = "to leave them out: news subscribers export FILE --state active"
        terminal.show_problems([Problem("", what, fix, "note")])


def _agree(newsletter: "Newsletter", people: "Sequence[Address]") -> None:
    """Show who will be forgotten, and ask for their number; raise SendRefused if it is wrong."""
    from newsletter.store.person_record import read_person

    with open_to_read(newsletter) as database, database.reading() as connection:
        records = [read_person(connection, address) for address in people]
    output.echo()
    for record in records:
        output.echo(f"  {record.address}: {_now(record)}")
    output.echo()
    _show_lines(
        "They are erased for good, also their mail in the outbox. Mail that has left is not erased.", 2
    )
    otherwise = "nobody was forgotten"
    terminal.confirm_number(len(people), "people", otherwise)


def _now(record: "PersonRecord") -> str:
    """Return what a person is before being forgotten."""
    if subscriber := record.subscriber:
        return f"{subscriber.state}, in {counted(len(record.issues), 'send')}"
    if record.sign_up:
        return "signed up, and has not confirmed"
    return "forgotten already" if record.forgotten_at else "not known here"


def _show_forgotten(newsletter: "Newsletter", report: "ForgetReport") -> None:
    """Show the results, the problems, and what else may have the addresses."""
    for address, result in report.results.items():
        output.echo(f"{address} {_RESULTS[result]}")
    if report.mails:
        output.echo(f"{counted(report.mails, 'mail')} deleted from {display_path(newsletter.outbox)}/")
    if newsletter.config.state:
        _show_lines(
            "States that were saved on the Git ref before still have what was erased, and can be opened with "
            "the state key. Replace the key, and destroy all copies of the old one:"
        )
        output.echo("    news state rotate-key")
    if newsletter.secrets.has_database_server:
        _show_lines(
            "Backups of PostgreSQL, and its archived write-ahead log, still have what was erased. Its files "
            "have it until the space is used again."
        )
    terminal.show_problems(report.problems)


def _show_lines(text: str, indent: int = 0) -> None:
    for line in terminal.wrapped(text, indent, always=bool(indent)):
        output.echo(line)
