"""Read the reports of mail servers from the mailbox `bounces`, and change the states of their subscribers."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from newsletter.config.loader import Newsletter
from newsletter.constants import DeliveryEventKind
from newsletter.disk.boundary import root_of
from newsletter.errors import ConfigError, Unavailable
from newsletter.mail.bounce_report import Report, read_report
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.mailboxes.imap_account import configured_account
from newsletter.mailboxes.model import MAX_MAIL_BYTES, Mailbox
from newsletter.services.open_state import change_database, open_to_read
from newsletter.state.secret_key import all_secret_keys, find_secret_key
from newsletter.store.database import Database
from newsletter.store.delivery_events import Recorded, record
from newsletter.store.subscriber_search import find_by_digits
from newsletter.subscribers.delivery_event import MAX_ID, DeliveryEvent

SOURCE = "report"
MAX_MAILS, MAX_SECONDS = 10_000, 300.0
"""The limits of one pull; the next one continues."""

Unused = Literal[
    "malformed",  # called a report, but cannot be understood
    "no_failure",  # tells nothing that matters, such as a delay
    "not_ours",  # has neither a valid token nor a valid Message-ID of this newsletter
]


@dataclass(frozen=True)
class PulledBounces:
    """The number of reports that were read, by what they tell or by why they were not used.

    `has_more`: a limit ended the pull, and further reports wait.
    """

    reports: int
    kinds: Counter[DeliveryEventKind]
    unused: Counter[Unused]
    recorded: Recorded
    has_more: bool


class _Read(NamedTuple):
    """The reports of a mailbox; `keys` are those of all mails that were read."""

    keys: list[str]
    reports: list[tuple[Report, datetime]]
    unused: Counter[Unused]
    has_more: bool


class _RolledBack(Exception):
    """Ends a transaction without a change."""


_NOTHING = Recorded(0, 0, 0, 0, 0)


def pull_bounces(
    newsletter: Newsletter,
    now: datetime,
    *,
    dry_run: bool = False,
    most: int = MAX_MAILS,
    seconds: Callable[[], float] = time.monotonic,
) -> PulledBounces:
    """Read the reports, store what they tell, and mark them; if `dry_run`, change and mark nothing.

    The state is saved on its ref, if there is one, before the mails are marked: after an interruption the
    same reports are read again, and change nothing more. Raise ConfigError without a mailbox, Unavailable if
    it cannot be read, and the errors of `change_database`.
    """
    with open_mailbox(newsletter, dry_run=dry_run) as mailbox:
        read = _read(mailbox, most, seconds)
        proofs = _Proofs(newsletter)

        def change(database: Database) -> tuple[list[DeliveryEvent], Recorded]:
            events = proofs.events(database, read.reports)
            return events, _record(database, events, now, is_kept=not dry_run)

        events, recorded = list[DeliveryEvent](), _NOTHING
        if read.reports and dry_run:
            with open_to_read(newsletter) as state:
                events, recorded = change(state.database)
        elif read.reports:
            events, recorded = change_database(newsletter, change)
        if not dry_run:
            mailbox.mark_read(read.keys)
    kinds = Counter(event.kind for event in events)
    read.unused["not_ours"] += len(read.reports) - len(events)
    return PulledBounces(len(read.keys), kinds, +read.unused, recorded, read.has_more)


def _record(database: Database, events: Sequence[DeliveryEvent], now: datetime, *, is_kept: bool) -> Recorded:
    """Store events, and change the states of their people; unless `is_kept`, only tell the changes."""
    recorded = _NOTHING
    with suppress(_RolledBack), database.writing() as connection:
        recorded = record(connection, events, now)
        if not is_kept:
            raise _RolledBack
    return recorded


@contextmanager
def open_mailbox(newsletter: Newsletter, *, dry_run: bool) -> Iterator[Mailbox]:
    """Open the mailbox; raise ConfigError without one, or without its password, and Unavailable."""
    settings = newsletter.config.bounces
    if settings is None:
        fix = "add `bounces: {maildir: path}` or `bounces: {imap: …}`, and have bounces sent to that mailbox"
        raise ConfigError.of(newsletter.where(), "`bounces` is missing: it names the mailbox", fix)
    if settings.imap is None:
        from newsletter.mailboxes.maildir import Maildir

        folder = newsletter.folder / str(settings.maildir)
        yield Maildir(folder, root_of(folder, newsletter.folder))
        return
    if (account := configured_account(newsletter, "bounces")) is None:
        fix = "set it in the environment, together with IMAP_HOST (never in newsletter.yml)"
        raise Unavailable("is not set, and `bounces.imap` needs it", fix, where="IMAP_PASSWORD")
    from newsletter.mailboxes.imap import open_folder
    from newsletter.mailboxes.imap_connection import ImapLimits

    # Reading ends after MAX_SECONDS; the rest is for storing what was read, and for marking it.
    limits = ImapLimits(bytes_each=MAX_MAIL_BYTES, seconds=3 * MAX_SECONDS, timeout=60)
    with open_folder(account, limits, readonly=dry_run) as opened:
        yield opened


def _read(mailbox: Mailbox, most: int, seconds: Callable[[], float]) -> _Read:
    """Read the reports of a mailbox, `most` of them, for MAX_SECONDS at most."""
    read = _Read([], [], Counter(), False)
    deadline = seconds() + MAX_SECONDS
    for mail in mailbox.unread_reports():
        if len(read.keys) == most or seconds() > deadline:
            return read._replace(has_more=True)
        read.keys.append(mail.key)
        report = read_report(mail.content)
        if report is None:
            read.unused["malformed"] += 1
        elif report.kind is None:
            read.unused["no_failure"] += 1
        else:
            # A server's clock may be ahead; a mail that was moved here has a later time than its report.
            read.reports.append((report, min(report.at or mail.received_at, mail.received_at)))
    return read


class _Proofs:
    """Verify the proofs in reports with the keys of a newsletter."""

    def __init__(self, newsletter: Newsletter) -> None:
        # Without a key, no mail was ever sent.
        keys = all_secret_keys(newsletter, leaves_machine=False) if find_secret_key(newsletter) else []
        # A send that an older version began has tokens of version 1.
        self._tokens = [
            UnsubscribeTokens(key, newsletter.list_id, version=version) for key in keys for version in (1, 2)
        ]
        self._links = SignedLinks(keys, newsletter.list_id)

    def events(self, database: Database, reports: Sequence[tuple[Report, datetime]]) -> list[DeliveryEvent]:
        """Return the events of the reports with a valid proof.

        Subscribers are searched by their Message-IDs only for reports without a valid token.
        """
        people = [self._by_token(report) for report, _ in reports]
        searched = {
            digits
            for person, (report, _) in zip(people, reports, strict=True)
            if person is None
            for _, digits in report.message_ids
        }
        by_digits = find_by_digits(database, searched, self._digits) if self._tokens else {}
        events = []
        for person, (report, at) in zip(people, reports, strict=True):
            found = person or next((by_digits[d] for _, d in report.message_ids if d in by_digits), None)
            if report.kind and found:
                events.append(self._event(report, report.kind, found, at))
            elif report.kind and (sign_up_id := self._sign_up(report)):
                event = DeliveryEvent(
                    SOURCE, "", report.kind, at, sign_up_id=sign_up_id, status=report.status
                )
                events.append(event)
        return events

    def _by_token(self, report: Report) -> int | None:
        """Return the subscriber of the first valid token."""
        for token in report.tokens:
            for tokens in self._tokens:
                if (found := tokens.subscriber_id(token)) and found <= MAX_ID:
                    return found
        return None

    def _sign_up(self, report: Report) -> int | None:
        """Return the sign-up whose confirmation mail is returned."""
        ids = filter(None, map(self._links.sign_up_id, report.confirm_tokens))
        return next((found for found in ids if found <= MAX_ID), None)

    def _digits(self, subscriber_id: int) -> list[str]:
        return [tokens.signed(subscriber_id)[1] for tokens in self._tokens]

    def _event(self, report: Report, kind: DeliveryEventKind, person: int, at: datetime) -> DeliveryEvent:
        """Return the event; it is about an issue only if the Message-ID is that of the same person."""
        own = self._digits(person)
        issue, digits = next(((i, d) for i, d in report.message_ids if d in own), ("", ""))
        return DeliveryEvent(
            source=SOURCE,
            message=f"{issue}.{digits}",
            kind=kind,
            at=at,
            subscriber_id=person,
            issue=issue,
            status=report.status,
        )
