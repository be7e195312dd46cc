"""The summary of an import: the unusual rows, then a table of all rows by result."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from newsletter.cli import output
from newsletter.cli.layout import show_heading, show_number
from newsletter.cli.terminal import show_problems
from newsletter.display import counted

if TYPE_CHECKING:
    from newsletter.store.import_outcome import ImportOutcome
    from newsletter.subscribers.import_rules import Result

_MAX_EXAMPLES = 20

# The words for a row that a person should see; `{value}` is the word of the file.
_EXAMPLES: "dict[tuple[Result, str], str]" = {
    ("known", "twice"): "is in the files twice",
    ("changed", "left"): "is off the list now: the file says that this person has left",
    ("kept out", "not_confirmed"): "is kept out: the subscription was not confirmed",
    ("kept out", "unknown_state"): 'is kept out: the state "{value}" is not known',
    ("kept out", "no_state"): "is kept out: the state is empty",
    ("kept out", "temporary"): "is kept out: a delivery failed for a time",
    ("kept out", "deleted"): "is kept out: the account was deleted",
    ("kept out", "forgotten"): "is kept out: this person was forgotten here",
    ("kept out", "has_left"): "is kept out: this person has left here, and stays off the list",
}
_UNKNOWN_STATE_FIX = (
    "    write active, unsubscribed, bounced or complained in its place, and import the file again"
)
# The words for a number of rows, as notes on the number of a result.
_DETAILS: "dict[tuple[Result, str], str]" = {
    ("added", "active"): "active",
    ("added", "unsubscribed"): "unsubscribed",
    ("added", "bounced"): "bounced",
    ("added", "complained"): "complained",
    ("known", "twice"): "twice in the files",
    ("changed", "renamed"): "with another name",
    ("changed", "consent"): "with an earlier consent",
    ("changed", "left"): "off the list now",
    ("changed", "worse"): "off the list already, with another state or date",
    ("kept out", "has_left"): "off the list here",
    ("kept out", "forgotten"): "forgotten here",
    ("kept out", "not_confirmed"): "not confirmed",
    ("kept out", "unknown_state"): "with an unknown state",
    ("kept out", "no_state"): "without a state",
    ("kept out", "temporary"): "with a delivery that failed for a time",
    ("kept out", "deleted"): "with a deleted account",
    ("refused", ""): "not valid",
}
_LABELS: "tuple[tuple[str, Result], ...]" = (
    ("Added", "added"),
    ("Known", "known"),
    ("Changed", "changed"),
    ("Kept out", "kept out"),
    ("Refused", "refused"),
)


def show_import(outcome: "ImportOutcome", *, dry_run: bool) -> bool:
    """Show an import; return True if a row was refused, or kept out because its state is not known."""
    shown = outcome.problems[:_MAX_EXAMPLES]
    show_problems([*outcome.notes, *shown])
    if hidden := outcome.total("refused") - len(shown):
        output.echo(f"and {counted(hidden, 'more row')} not valid", err=True)
    for kind, words in _EXAMPLES.items():
        examples = outcome.examples.get(kind, [])[:_MAX_EXAMPLES]
        for example in examples:
            line = f"{example.where}: {example.address} {words.format(value=example.value)}"
            output.echo(line, err=True)
        if (hidden := outcome.counts[kind] - len(examples)) > 0 and examples:
            output.echo(f"and {counted(hidden, 'more row')} {_DETAILS[kind]}", err=True)
        if examples and kind == ("kept out", "unknown_state"):
            output.echo(_UNKNOWN_STATE_FIX, err=True)
    show_heading(_verdict(outcome, dry_run), "yellow" if dry_run else "")
    for label, result in _LABELS:
        if number := outcome.total(result):
            show_number(label, f"{number:,}", [", ".join(_details(outcome, result))])
    output.echo()
    if dry_run and outcome.rows:
        output.echo("  To import them, run the same command without --dry-run.")
    return bool(outcome.total("refused") or outcome.counts["kept out", "unknown_state"])


def _verdict(outcome: "ImportOutcome", dry_run: bool) -> str:
    read = f"{counted(outcome.rows, 'ROW', 'ROWS')} READ" if outcome.rows else "NO SUBSCRIBERS FOUND"
    return f"DRY RUN, NOTHING CHANGED: {read}" if dry_run else read


def _details(outcome: "ImportOutcome", result: "Result") -> Iterator[str]:
    for (of, detail), words in _DETAILS.items():
        if of == result and (number := outcome.counts[of, detail]):
            yield words if number == outcome.total(of) else f"{number:,} {words}"
