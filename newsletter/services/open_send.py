"""Open the service of a newsletter's sends: its state, its provider, its clock."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.errors import SendRefused
from newsletter.limits.process import Limiter, run_limited
from newsletter.providers.factory import open_provider
from newsletter.sending.clock import SystemClock
from newsletter.sending.interfaces import Provider
from newsletter.sending.model import SUBSCRIBERS, Send
from newsletter.services.open_state import OnWait, OpenState, ignore_wait, open_local, open_state
from newsletter.services.pull import PullReport, pull_into
from newsletter.services.pull_sources import has_sources
from newsletter.services.send import SendService
from newsletter.state.process_lock import require_locks
from newsletter.store.database import refuse_lost_with_machine
from newsletter.store.ledger_queries import LedgerQueries

log = logging.getLogger(__name__)

OnPull = Callable[[PullReport], None]


def ignore_pull(report: PullReport) -> None:
    """Do nothing about a pull."""


@contextmanager
def open_service(
    newsletter: Newsletter,
    provider_name: str | None = None,
    *,
    to_send: bool = True,
    for_test: bool = False,
    limited: Limiter = run_limited,
    on_wait: OnWait | None = ignore_wait,
    on_pull: OnPull = ignore_pull,
) -> Iterator[SendService]:
    """Open the store and the provider; yield the service, and close it after the block.

    If newsletter.yml names a state ref and mail would leave this machine, the state is taken from there
    first. While another machine may be sending, wait and call `on_wait`; with None, do not wait. Before a
    send is planned, those who unsubscribed elsewhere are read, and `on_pull` is called with the counts.

    `to_send`: raise SendRefused if mail would leave this machine while the ledger would be deleted with
    the machine (in CI). `for_test`: only test messages are sent, which need no list. Raise Unavailable on
    a system without the locks that prevent two processes from sending the same issue. `limited` runs the
    build and the checks of an issue.
    """
    require_locks()
    newsletter = loader.with_provider(newsletter, provider_name)
    with closing(open_provider(newsletter)) as provider:
        leaves_machine = provider.capabilities.leaves_machine
        if newsletter.config.state and leaves_machine and not for_test:
            opened = open_state(newsletter, for_test=not to_send)
        else:
            opened = open_local(newsletter, to_last=to_send and leaves_machine, for_test=not to_send)
        with opened as state:
            if to_send and on_wait:
                state.wait_until_free(on_wait)
            pulls = on_pull if to_send else None
            with _service_over(newsletter, state, provider, on_wait, pulls, limited) as service:
                yield service


@contextmanager
def open_started(
    newsletter: Newsletter,
    issue: str,
    on_wait: OnWait | None = ignore_wait,
    on_pull: OnPull = ignore_pull,
) -> Iterator[tuple[SendService, Send]]:
    """Open the service with the provider of an issue's send; yield the service and the send.

    `on_wait` and `on_pull` are those of `open_service`. Raise SendRefused if the issue was never sent.
    """
    require_locks()
    with open_state(newsletter) as state:
        send = LedgerQueries(state.database).newest(issue, SUBSCRIBERS)
        if send is None or send.state == "superseded":
            raise SendRefused(f"{issue} was never sent", f"news send {issue}")
        newsletter = loader.with_provider(newsletter, send.provider)
        with closing(open_provider(newsletter)) as provider:
            if provider.capabilities.leaves_machine:
                if state.sync is None:
                    refuse_lost_with_machine(newsletter)
                if on_wait:
                    state.wait_until_free(on_wait)
            with _service_over(newsletter, state, provider, on_wait, on_pull) as service:
                yield service, service.reread(send)  # another machine may have changed it meanwhile


@contextmanager
def _service_over(
    newsletter: Newsletter,
    state: OpenState,
    provider: Provider,
    on_wait: OnWait | None,
    on_pull: OnPull | None,
    limited: Limiter = run_limited,
) -> Iterator[SendService]:
    """Yield the service over an open state and provider; a rehearsal uses no state ref and no pull."""
    clock_offset = state.database.clock_offset()
    fields = {"provider": provider.name, "clock_offset": clock_offset.total_seconds()}
    log.info("provider opened", extra=fields)
    is_real = provider.capabilities.leaves_machine
    service = SendService(
        newsletter,
        state.database,
        provider,
        SystemClock(clock_offset),
        limited=limited,
        sync=state.sync if is_real else None,
        pull=_pull_of(newsletter, state, on_pull) if on_pull and is_real else None,
        on_wait=on_wait or ignore_wait,
    )
    with closing(service):
        yield service


def _pull_of(newsletter: Newsletter, state: OpenState, on_pull: OnPull) -> Callable[[], PullReport] | None:
    """Return the pull of the newsletter, which reports itself; None if no place is configured."""
    if not has_sources(newsletter):
        return None

    def pull() -> PullReport:
        report = pull_into(newsletter, state)
        on_pull(report)
        return report

    return pull
