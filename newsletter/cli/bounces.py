"""`news bounces pull`: read the reports of mail servers about bounces and complaints."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output
from newsletter.cli.command import Group
from newsletter.cli.gc_tuning import tune_gc
from newsletter.cli.layout import show_command, show_heading, show_number
from newsletter.cli.newsletter import load
from newsletter.constants import INCOMPLETE
from newsletter.display import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.constants import DeliveryEventKind
    from newsletter.services.pull_bounces import PulledBounces, Unused

_KINDS: "dict[DeliveryEventKind, tuple[str, str]]" = {
    "complained": ("Complained", "reported the mail as spam"),
    "unsubscribed": ("Unsubscribed", "through their mail provider"),
    "bounced": ("Bounced", "the address accepts no mail"),
    "soft": ("Soft", "may pass; three in a row over seven days stop the mail"),
}
_UNUSED: "dict[Unused, tuple[str, str]]" = {
    "no_failure": ("No failure", "a delay, or nothing about a reader"),
    "not_ours": ("Not ours", "without a valid link or Message-ID of this newsletter"),
    "malformed": ("Malformed", "cannot be understood"),
}


@click.group(cls=Group)
def bounces() -> None:
    """Take bounces and complaints from a mailbox."""


@bounces.command()
@click.option("--dry-run", is_flag=True, help="Show the same numbers; change nothing, and mark no mail.")
@click.pass_obj
def pull(folder: Path, dry_run: bool) -> None:
    """Read the reports in the mailbox `bounces`, and take people off the list whose mail bounces.

    The exit code is 3 if reports are left for another run.
    """
    from newsletter.services.pull_bounces import pull_bounces

    tune_gc()
    pulled = pull_bounces(load(folder), datetime.now(UTC), dry_run=dry_run)
    show_pulled(pulled, dry_run=dry_run)
    sys.exit(INCOMPLETE if pulled.has_more else 0)


def show_pulled(pulled: "PulledBounces", *, dry_run: bool) -> None:
    """Show the numbers of reports and of changed subscribers, and never an address."""
    verdict = f"{counted(pulled.reports, 'REPORT', 'REPORTS')} READ" if pulled.reports else "NO NEW REPORTS"
    show_heading(f"DRY RUN: {verdict}, NOTHING CHANGED" if dry_run else verdict, "yellow" if dry_run else "")
    for number, (label, note) in _rows(pulled, dry_run):
        if number:
            show_number(label, f"{number:,}", [note])
    if pulled.has_more:
        output.echo()
        show_command("More reports wait", "news bounces pull")


def _rows(pulled: "PulledBounces", dry_run: bool) -> "Iterator[tuple[int, tuple[str, str]]]":
    """Yield each number with its label and its note."""
    for kind, words in _KINDS.items():
        yield pulled.kinds[kind], words
    for cause, words in _UNUSED.items():
        yield pulled.unused[cause], words
    recorded = pulled.recorded
    yield recorded.repeated, ("Known", "were read before")
    yield recorded.nobody, ("Not here", "about people who are not in the store any more")
    yield recorded.ended_sign_ups, ("Ended", "sign-ups whose confirmation mail came back")
    changed = recorded.changed_subscribers
    has = "would have" if dry_run else "has" if changed == 1 else "have"
    yield changed, ("Changed", f"subscriber{'' if changed == 1 else 's'} {has} another state")
