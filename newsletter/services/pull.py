"""Take the people off the list who unsubscribed elsewhere: at SendGrid, by mail, or through the worker.

The departures of a page and the position after it are one transaction. A page that is read twice, because a
process ended in between, changes nothing the second time.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.config.loader import Newsletter
from newsletter.errors import NewsError, SaveLost, SendRefused, Unavailable
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens, is_test
from newsletter.services.mail_sign_up import read_sign_ups
from newsletter.services.open_state import OpenState, change_database, open_to_read
from newsletter.services.pull_sign_ups import SOURCE as SIGN_UPS
from newsletter.services.pull_sign_ups import SignUpResult
from newsletter.services.pull_source import ListedDeparture, Page, Source, TokenDeparture
from newsletter.services.pull_sources import open_sources, source_names
from newsletter.state.secret_key import all_secret_keys, find_secret_key
from newsletter.store import delivery_events, pulls
from newsletter.store.database import Database, refuse_lost_with_machine
from newsletter.store.pulls import PullState
from newsletter.subscribers.delivery_event import DeliveryEvent

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

MAX_AGE = timedelta(hours=1)
"""The age of a pull from which a send refuses to start."""
_TRIES = 3


@dataclass(frozen=True)
class SourceResult:
    """The counts of one place; `failure` is the error that ended its visit.

    `left` people were taken off the list. `noise` are tokens that were not signed for this list, `tests`
    those of test messages. The other counts are those of `Page`.
    """

    source: str
    read: int = 0
    left: int = 0
    noise: int = 0
    tests: int = 0
    needs_person: int = 0
    automatic: int = 0
    failure: NewsError | None = None


@dataclass(frozen=True)
class PullReport:
    """The results of a pull, in the order of the configuration; `sign_ups` is None if none come by mail."""

    results: tuple[SourceResult, ...] = ()
    sign_ups: SignUpResult | None = None

    @property
    def failures(self) -> list[tuple[str, NewsError]]:
        """Return the name and the error of each place that could not be read to its end."""
        found = [(result.source, result.failure) for result in self.results]
        found += [(SIGN_UPS, self.sign_ups.failure)] if self.sign_ups else []
        return [(name, failure) for name, failure in found if failure]

    @property
    def left(self) -> int:
        """Return the number of people who were taken off the list."""
        return sum(result.left for result in self.results)


class _DryRun(Exception):
    """End a transaction without its changes."""


class Pull:
    """The pull of one newsletter into an open database; with `dry_run` nothing changes, here and outside."""

    def __init__(
        self, database: Database, tokens: UnsubscribeTokens | None, now: datetime, *, dry_run: bool = False
    ) -> None:
        self._database, self._tokens, self._now, self._dry_run = database, tokens, now, dry_run

    def run(self, sources: Sequence[Source]) -> PullReport:
        """Read every place; the failure of one does not keep the others from being read."""
        return PullReport(tuple(map(self._run_source, sources)))

    def _run_source(self, source: Source) -> SourceResult:
        counts = Counter[str]()
        failure: NewsError | None = None
        with self._database.reading() as connection:
            state = pulls.find_state(connection, source.name)
        try:
            for page in source.pages(state.position):
                state = replace(state, position=page.position)
                self._commit(source.name, page, state, counts)
            self._finish(source.name, replace(state, pulled_at=self._now))
        except Unavailable as unavailable:
            failure = unavailable
        fields = {"source": source.name, **counts, "failed": failure is not None}
        log.info("pulled", extra=fields)
        return SourceResult(source.name, **counts, failure=failure)

    def _commit(self, name: str, page: Page, state: PullState, counts: "Counter[str]") -> None:
        found = Counter(read=page.read, needs_person=page.needs_person, automatic=page.automatic)
        try:
            with self._database.writing() as connection:
                for departure in page.tokens:
                    found[self._leave(connection, departure)] += 1
                found["left"] += self._record(connection, page.listed)
                pulls.record_state(connection, name, state)
                if self._dry_run:
                    raise _DryRun
        except _DryRun:
            pass
        del found["nothing"]
        counts.update(found)

    def _finish(self, name: str, state: PullState) -> None:
        if not self._dry_run:
            with self._database.writing() as connection:
                pulls.record_state(connection, name, state)

    def _leave(self, connection: "Connection", departure: TokenDeparture) -> str:
        """Take a person off the list; return the name of the count to which the token belongs."""
        if is_test(departure.token):
            return "tests"
        number = self._tokens.subscriber_id(departure.token) if self._tokens else None
        if number is None:
            return "noise"
        at = min(departure.at, self._now)
        return "left" if pulls.leave(connection, number, departure.how, at) else "nothing"

    def _record(self, connection: "Connection", listed: Sequence[ListedDeparture]) -> int:
        """Record what a provider lists about subscribers; return the number of changed ones."""
        ids = pulls.subscribers_by_key(connection, [departure.address_key for departure in listed])
        events = [
            DeliveryEvent("sendgrid list", "", found.kind, min(found.at, self._now), ids[found.address_key])
            for found in listed
            if found.address_key in ids
        ]
        return delivery_events.record(connection, events, self._now).changed_subscribers


def pull_unsubscribes(newsletter: Newsletter, *, dry_run: bool = False) -> PullReport:
    """Read the configured places, and save the state on its ref if there is one.

    With `dry_run` nothing changes. Raise SendRefused if no place is configured, and while another machine is
    sending.
    """
    refuse_no_source(newsletter)
    if dry_run:
        with open_to_read(newsletter) as state:
            return _run(newsletter, state.database, dry_run=True)
    if newsletter.config.state is None:
        refuse_lost_with_machine(newsletter)  # the worker forgets what was read
    return change_database(newsletter, lambda database: _run(newsletter, database))


def pull_into(newsletter: Newsletter, state: OpenState) -> PullReport:
    """Read the configured places for a send that has the state open; save the state on its ref.

    If another machine saves at the same time, take its state and read again. Raise SaveLost if that happens
    each time.
    """
    for tries_left in reversed(range(_TRIES)):
        report = _run(newsletter, state.database)
        try:
            if state.sync:
                state.sync.save()
        except SaveLost:
            if not (state.sync and tries_left):
                raise
            state.sync.pull()
        else:
            return report
    raise AssertionError("the last try returns or raises")


def refuse_no_source(newsletter: Newsletter) -> None:
    """Raise SendRefused if newsletter.yml names no place to read."""
    if not source_names(newsletter):
        fix = "write `pull:` into newsletter.yml: docs/without-a-server.md"
        raise SendRefused("newsletter.yml names no place from which people leave", fix)


def refuse_failed(report: PullReport) -> None:
    """Raise SendRefused if a place could not be read: somebody who left there would get the issue."""
    if report.failures:
        failure = report.failures[0][1]
        names = ", ".join(name for name, _ in report.failures)
        raise SendRefused(f"the people who left could not be read ({names}): {failure}", failure.hint)


def refuse_old(newsletter: Newsletter, database: Database, now: datetime) -> None:
    """Raise SendRefused if a configured place was last read to its end too long ago."""
    with database.reading() as connection:
        names = [*source_names(newsletter), *([SIGN_UPS] if newsletter.config.sign_up else [])]
        ages = [now - pulls.find_state(connection, name).pulled_at for name in names]
    if max(ages, default=timedelta()) > MAX_AGE:
        what = "the people who left were read more than an hour ago"
        raise SendRefused(what, "run the same command again, which reads them first")


def verifying_tokens(newsletter: Newsletter) -> UnsubscribeTokens | None:
    """Return the keys that verify the tokens of this list; None if no mail was ever signed."""
    if find_secret_key(newsletter) is None:
        return None
    secret, *old = all_secret_keys(newsletter, leaves_machine=False)
    return UnsubscribeTokens(secret, newsletter.list_id, old_secrets=old)


def _run(newsletter: Newsletter, database: Database, *, dry_run: bool = False) -> PullReport:
    """Read the sign-ups first: a person may have confirmed one and left since."""
    tokens = verifying_tokens(newsletter)
    with open_sources(newsletter, tokens, keeps=dry_run) as sources:
        has_sign_ups = newsletter.config.sign_up is not None
        sign_ups = read_sign_ups(newsletter, database, dry_run=dry_run) if has_sign_ups else None
        now = datetime.now(UTC) + database.clock_offset()
        report = Pull(database, tokens, now, dry_run=dry_run).run(sources)
    return replace(report, sign_ups=sign_ups)
