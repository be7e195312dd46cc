"""Whether the provider lets us in, as it says itself, and whether it could still call mail back."""

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
    """What the provider says of itself, and how many cancel slots it has free, where it has such.

    Without `online`, only what it knows without a connection.
    """
    with closing(open_provider(newsletter, timeout)) as provider:
        if not online and provider.capabilities.leaves_machine:
            problems = tuple(map(Finding.of, provider.check()))
            return ProviderReport(
                (*problems, Finding(provider.name, "skipped", "not asked: --offline"))
            ), None
        examined = _examined(provider, newsletter)
        works = any(one.state == "ok" for one in examined.findings)
        asks = newsletter.config.send.undo_window_seconds > 0 and works
        return examined, provider.recallable.free_slots() if provider.recallable and asks else None


def leaves_machine(newsletter: Newsletter) -> bool:
    """Whether what is sent goes out into the world."""
    with closing(open_provider(newsletter)) as provider:
        return provider.capabilities.leaves_machine


def slots(free: int | NotSent | None, found: DatabaseStatus | NewsError | None) -> Iterator[Finding]:
    """Whether another send could be called back: the account's free slots against the ledger's lanes."""
    label = "undo"
    if free is None:
        return
    if isinstance(free, NotSent):
        yield Finding(label, "skipped", f"free cancel slots not known: {free.reason}", "try again later")
        return
    held_batches = found.held_batches if isinstance(found, DatabaseStatus) else None
    held = f"; {held_batches or 'none'} held back now, by the ledger" if held_batches is not None else ""
    what = f"{counted(free, 'batch', 'batches')} of mail can be called back{held}"
    if free <= (held_batches or 0):
        fix = "wait until what is held back has left, or send without the undo window: --now"
        yield Finding(label, "error", f"a further send could not be called back: {what}", fix)
    elif free - (held_batches or 0) == 1:
        yield Finding(label, "note", what, "a large list is held back in up to five, if there are")
    else:
        yield Finding(label, "ok", what)


def _examined(provider: Provider, newsletter: Newsletter) -> ProviderReport:
    if isinstance(provider, Examinable):
        return provider.examine(newsletter.config)
    problems = tuple(map(Finding.of, provider.check()))
    return ProviderReport(problems or (Finding(provider.name, "skipped", "has no way to be looked at"),))
