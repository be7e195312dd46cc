"""The report on a send, which several commands print at their end: a summary, a list, JSON, or CSV."""

import functools
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from newsletter.cli import output, send_summary
from newsletter.constants import RECIPIENT_STATES
from newsletter.display import display_path
from newsletter.errors import Unavailable

if TYPE_CHECKING:
    from newsletter.sending.model import Send
    from newsletter.services.status import SendStatus
    from newsletter.store.ledger_queries import LedgerQueries

# The states of recipients that may need a person's action.
_NOT_ACCEPTED = tuple(state for state in RECIPIENT_STATES if state != "accepted")


@dataclass(frozen=True)
class ReportOptions:
    """The form of a report; by default it is the summary."""

    # List the recipients in this state only.
    state: str | None = None
    # Write the recipients to this CSV file.
    file: Path | None = None
    as_json: bool = False


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --list, --csv and --json to a command, which gets them as its argument `options`."""

    @click.option(
        "--list", "state", type=click.Choice(RECIPIENT_STATES), help="List the recipients in this state."
    )
    @click.option("--csv", "file", type=click.Path(path_type=Path), help="Write every recipient's state.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON, with every recipient not accepted.")
    @functools.wraps(command)
    def run(*args: Any, state: str | None, file: Path | None, as_json: bool, **others: Any) -> Any:
        return command(*args, options=ReportOptions(state, file, as_json), **others)

    return run


def report(
    status: "SendStatus",
    queries: "LedgerQueries",
    options: ReportOptions,
    *,
    interrupted: bool = False,
    identify: bool = False,
) -> None:
    """Print the report on a send in the form that the options select, and write the CSV file, if any.

    `interrupted` and `identify` are for the summary; see `send_summary.show_status`.
    """
    if options.file:
        _write_csv(queries, status.send, options.file, options.state)
    if options.as_json:
        _print_json(queries, status, options)
    elif options.state:
        for _, address, reason in queries.recipients(status.send, options.state):
            output.echo_row(address, reason)
    else:
        send_summary.show_status(status, datetime.now(UTC), interrupted=interrupted, identify=identify)
        if options.file:
            output.echo(f"Every recipient's state is in {display_path(options.file)}")


def _recipients(
    queries: "LedgerQueries", send: "Send", states: Iterable[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield the address, state and reason of each recipient in these states."""
    for state in states:
        for _, address, reason in queries.recipients(send, state):
            yield address, state, reason


def _write_csv(queries: "LedgerQueries", send: "Send", path: Path, state: str | None) -> None:
    from newsletter.subscribers.csv_guard import write_rows

    states = (state,) if state else RECIPIENT_STATES
    with _open_private(path) as file:
        write_rows(file, chain([("address", "state", "reason")], _recipients(queries, send, states)))


@contextmanager
def _open_private(path: Path) -> Iterator[IO[str]]:
    """Open a file that only its owner may read; it replaces `path` when the block ends without an error.

    Raise Unavailable if it cannot be written.
    """
    from newsletter.disk import writing

    try:
        with writing.replacing(path, private=True) as raw:
            file = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            yield file
            file.detach()
    except OSError as failure:
        raise Unavailable.unwritable(path, failure, "choose another file: --csv FILE") from failure


def _print_json(queries: "LedgerQueries", status: "SendStatus", options: ReportOptions) -> None:
    """Print the report as one JSON object; print each recipient when it is read, to limit the memory."""
    import json

    send = status.send
    head = {
        "issue": send.issue,
        "list": send.list,
        "provider": send.provider,
        "state": send.state,
        "started_at": send.started_at,
        "finished_at": send.finished_at,
        "held_back_until": status.held_until and status.held_until[0],
        "cancellable_until": status.cancellable_until,
        "waits_for_go_ahead": status.waits_for_go_ahead,
        "resume_action": status.resume_action,
        "counts": vars(status.counts),
        "reported": dict(status.reported),
        "joined_since": status.joined,
    }
    text = json.dumps(head, default=lambda moment: moment.isoformat(), indent=1)
    output.echo_json(text.removesuffix("\n}") + ',\n "people": [', end="")
    states = (options.state,) if options.state else _NOT_ACCEPTED
    separator = "\n"
    for address, state, reason in _recipients(queries, send, states):
        recipient = {"address": address, "state": state, "reason": reason}
        output.echo_json(f"{separator}  {json.dumps(recipient, ensure_ascii=False)}", end="")
        separator = ",\n"
    output.echo_json("\n ]\n}")
