"""Examine the provider: its own report, and the free slots for held batches."""

from collections.abc import Iterator
from contextlib import closing

from newsletter.config.loader import Newsletter
from newsletter.display import counted
from newsletter.errors import NewsError
from newsletter.findings import Finding, ProviderReport
from newsletter.providers.factory import open_provider
from newsletter.sending.interfaces import Examinable, Provider
from newsletter.sending.outcomes import NotSent
from newsletter.store.inspection import DatabaseStatus


def examine(
    newsletter: Newsletter, timeout: float, *, online: bool
) -> tuple[ProviderReport, int | NotSent | None]:
    """Return the provider's report, and the number of held batches that its account can still recall.

    The number is a NotSent if the provider does not report it, and None if it was not requested. If `online`
    is False, a provider that sends mail to other machines is examined without a connection. `timeout` is for
    one request, in seconds.
    """
    with closing(open_provider(newsletter, timeout)) as provider:
        if not online and provider.capabilities.leaves_machine:
            problems = tuple(map(Finding.of, provider.check()))
            return ProviderReport(
                (*problems, Finding(provider.name, "skipped", "not asked: --offline"))
            ), None
        report = _report(provider, newsletter)
        works = any(finding.state == "ok" for finding in report.findings)
        needs_slots = newsletter.config.send.undo_window_seconds > 0 and works
        return report, provider.recallable.free_slots() if provider.recallable and needs_slots else None


def leaves_machine(newsletter: Newsletter) -> bool:
    """Return True if the newsletter's provider sends mail to other machines."""
    with closing(open_provider(newsletter)) as provider:
        return provider.capabilities.leaves_machine


def slots(free: int | NotSent | None, status: DatabaseStatus | NewsError | None) -> Iterator[Finding]:
    """Compare the account's free slots with the ledger's held batches; yield a finding unless `free` is None.

    `free` is the number from `examine`, `status` the status of the database.
    """
    label = "undo"
    if free is None:
        return
    if isinstance(free, NotSent):
        yield Finding(label, "skipped", f"free cancel slots not known: {free.reason}", "try again later")
        return
    held_batches = status.held_batches if isinstance(status, DatabaseStatus) else None
    held = f"; the ledger has {held_batches or 'none'} now" if held_batches is not None else ""
    what = f"{counted(free, 'more held batch', 'more held batches')} can be recalled{held}"
    if free <= (held_batches or 0):
        fix = "wait until the held batches are sent, or send without the undo window: --now"
        yield Finding(label, "error", f"a further send could not be cancelled: {what}", fix)
    elif free - (held_batches or 0) == 1:
        yield Finding(label, "note", what, "a large list uses up to five held batches if they are free")
    else:
        yield Finding(label, "ok", what)


def _report(provider: Provider, newsletter: Newsletter) -> ProviderReport:
    if isinstance(provider, Examinable):
        return provider.examine(newsletter.config)
    problems = tuple(map(Finding.of, provider.check()))
    return ProviderReport(
        problems or (Finding(provider.name, "skipped", "not looked at: this provider has no check for it"),)
    )
