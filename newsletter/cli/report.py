"""How a send stands: printed, as JSON, or as CSV with everybody's name; several commands end so."""

import csv
import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from newsletter.cli import send_summary
from newsletter.constants import RECIPIENT_STATES
from newsletter.display import display_path, write_hint
from newsletter.errors import Unavailable, cannot_be

if TYPE_CHECKING:
    from newsletter.config.loader import Newsletter
    from newsletter.sending.model import Send
    from newsletter.store.ledger_queries import LedgerQueries

# Those whom a person may have to do something about.
_OPEN = tuple(state for state in RECIPIENT_STATES if state != "accepted")


@dataclass(frozen=True)
class ReportOptions:
    """Whom a report names, and how."""

    state: str | None = None
    file: Path | None = None
    as_json: bool = False


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options that name people, as its argument `named`."""

    @click.option(
        "--list", "state", type=click.Choice(RECIPIENT_STATES), help="Name the recipients in this state."
    )
    @click.option("--csv", "file", type=click.Path(path_type=Path), help="Write who is in which state.")
    @click.option("--json", "as_json", is_flag=True, help="As JSON, with everybody who is not accepted.")
    @functools.wraps(command)
    def named(*args: Any, state: str | None, file: Path | None, as_json: bool, **others: Any) -> Any:
        return command(*args, named=ReportOptions(state, file, as_json), **others)

    return named


def report(
    newsletter: "Newsletter",
    queries: "LedgerQueries",
    send: "Send",
    named: ReportOptions,
    *,
    whole: bool = False,
) -> None:
    """How a send stands now, in the form that was asked for."""
    send = queries.find(send.issue, send.list) or send
    if named.file:
        _write(queries, send, named)
    if named.as_json:
        _print_json(queries, send, named)
    elif named.state:
        for _, address, reason in queries.recipients(send, named.state):
            click.echo(f"{address}\t{reason}".rstrip("\t"))
    else:
        from newsletter.store.journal import lease_holder

        counts, leaves, joined = queries.counts(send), queries.leaves(send), queries.joined(send)
        process = lease_holder(send, newsletter.runs, datetime.now(UTC))
        send_summary.show_counts(send, counts, leaves, joined, process, whole=whole)
        if named.file:
            click.echo(f"Who is in which state: {display_path(named.file)}")


def _recipients(
    queries: "LedgerQueries", send: "Send", states: Iterable[str]
) -> Iterator[tuple[str, str, str]]:
    for state in states:
        for _, address, reason in queries.recipients(send, state):
            yield address, state, reason


def _write(queries: "LedgerQueries", send: "Send", named: ReportOptions) -> None:
    states = (named.state,) if named.state else RECIPIENT_STATES
    assert named.file
    with _opened(named.file) as file:
        rows = csv.writer(file)
        rows.writerow(("address", "state", "reason"))
        # A reason is the provider's words; a spreadsheet would take some for a formula.
        rows.writerows(
            (a, s, f"'{r}" if r[:1] in "=+-@" and r else r) for a, s, r in _recipients(queries, send, states)
        )


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """A new file that only its owner may read: it is full of addresses."""
    try:
        with open(path, "w", encoding="utf-8", newline="", opener=_private) as file:
            yield file
    except OSError as failure:
        what = cannot_be("written", failure)
        hint = write_hint(failure, "choose another file: --csv FILE")
        raise Unavailable(what, hint, where=display_path(path)) from failure


def _private(path: str, flags: int) -> int:
    # Windows has neither: there a new file has the rights of its folder.
    handle = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
    if hasattr(os, "fchmod"):
        os.fchmod(handle, 0o600)  # also where it was there already
    return handle


def _print_json(queries: "LedgerQueries", send: "Send", named: ReportOptions) -> None:
    """One object; its people are printed as they are read."""
    counts, leaves = queries.counts(send), queries.leaves(send)
    head = {
        "issue": send.issue,
        "list": send.list,
        "provider": send.provider,
        "state": send.state,
        "started_at": send.started_at,
        "finished_at": send.finished_at,
        "held_back_until": leaves and leaves[0],
        "waits_for_go_ahead": send.canary_size is not None,
        "counts": vars(counts),
        "joined_since": queries.joined(send),
    }
    text = json.dumps(head, default=lambda moment: moment.isoformat(), indent=1)
    sys.stdout.write(text.removesuffix("\n}") + ',\n "people": [')
    states = (named.state,) if named.state else _OPEN
    between = "\n"
    for address, state, reason in _recipients(queries, send, states):
        one = {"address": address, "state": state, "reason": reason}
        sys.stdout.write(f"{between}  {json.dumps(one, ensure_ascii=False)}")
        between = ",\n"
    sys.stdout.write("\n ]\n}\n")
