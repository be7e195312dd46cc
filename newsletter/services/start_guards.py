"""The guards that ask the provider before a send starts: tracking by its account, its clock, free slots."""

from datetime import datetime
from typing import NoReturn

from newsletter.config.model import Config
from newsletter.errors import SendRefused
from newsletter.findings import CORRECT_CLOCK
from newsletter.sending import guards
from newsletter.sending.interfaces import Provider, TellsTime, TracksByAccount
from newsletter.sending.model import StartSettings
from newsletter.sending.outcomes import NotSent
from newsletter.sending.repeats import clock_difference
from newsletter.store.ledger_queries import LedgerQueries


def check_account_tracking(provider: Provider, config: Config) -> bool:
    """Ask the provider whether the account tracks readers unasked; return False if its key cannot read it.

    Raise SendRefused if the account does. A key that may only send is not refused: `news doctor` tells what
    to look at.
    """
    if not isinstance(provider, TracksByAccount):
        return True
    switched_on = provider.account_tracking(config)
    if switched_on is None:
        return False
    if isinstance(switched_on, NotSent):
        _refuse_at_provider(provider, "whether the account tracks readers", switched_on)
    guards.refuse_account_tracking(provider.name, switched_on, config.tracking.wanted)
    return True


def refuse_wrong_clock(provider: Provider, now: datetime) -> None:
    """Raise SendRefused if calls would be recorded with a wrong time, and so repeated too late."""
    if not isinstance(provider, TellsTime) or (theirs := provider.server_time()) is None:
        return
    if difference := clock_difference(now, theirs):
        raise SendRefused(difference, CORRECT_CLOCK)


def refuse_missing_slots(
    provider: Provider, settings: StartSettings, queries: LedgerQueries, now: datetime
) -> None:
    """Raise SendRefused if mail would be held back and the account has no free slot for its recall."""
    if not settings.undo_window_seconds or not provider.recallable:
        return
    slots = provider.recallable.free_slots()
    if isinstance(slots, NotSent):
        _refuse_at_provider(provider, "how many batches of mail the account can recall", slots)
    if slots <= queries.held_batches_in_use(now):
        hint = "wait until held mail has left, or send without the undo window: --now"
        raise SendRefused("the account can recall no more batches of mail", hint)


def _refuse_at_provider(provider: Provider, question: str, answer: NotSent) -> NoReturn:
    """Raise SendRefused because the provider does not answer a question before the send."""
    what = f"{provider.name} does not say {question} ({answer.reason}); nothing was sent"
    raise SendRefused(what, "try again later, or look at: news doctor")
