"""Read the mail of people who sign up: one mail asks for it, and their answer to ours confirms it.

The answer carries a signed token that only the owner of the address has seen; the name in From proves
nothing.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from newsletter.errors import NewsError, Unavailable
from newsletter.mail.incoming_mail import IncomingMail, read_mail
from newsletter.mail.signed_links import SignedLinks
from newsletter.mailboxes.imap import ImapFolder, open_folder
from newsletter.mailboxes.imap_account import ImapAccount
from newsletter.mailboxes.model import FoundMail
from newsletter.services.pull_mailbox import mail_pages
from newsletter.store import pulls, sign_ups
from newsletter.store.database import Database
from newsletter.store.pulls import PullState
from newsletter.subscribers.address import Address, BadAddress, parse
from newsletter.subscribers.origins import SIGN_UP_MAIL

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

SOURCE = "imap sign-ups"
"""The name by which the database knows how far the mailbox was read."""


@dataclass(frozen=True)
class SignUpResult:
    """The numbers of messages: all that were `read`, those that asked, and those that confirmed.

    `late` ones confirmed a sign-up that has expired; a person has to read `needs_person`. `failure` is the
    error that ended the visit.
    """

    read: int = 0
    asked: int = 0
    confirmed: int = 0
    late: int = 0
    needs_person: int = 0
    automatic: int = 0
    failure: NewsError | None = None


@dataclass(frozen=True)
class _Request:
    """A request in a message: to sign up with an address, or to confirm a sign-up."""

    key: str
    at: datetime
    address: Address | None = None
    sign_up_id: int = 0


class SignUpPull:
    """The pull of sign-ups from a mailbox; with `dry_run` nothing changes, here and there."""

    def __init__(
        self,
        account: ImapAccount,
        links: SignedLinks,
        wording: str,
        now: datetime,
        *,
        dry_run: bool = False,
    ) -> None:
        """Take the mailbox, the keys of the tokens, and the words with which people are asked."""
        self._account, self._links, self._wording = account, links, wording
        self._now, self._dry_run = now, dry_run

    def run(self, database: Database) -> SignUpResult:
        """Read the mailbox after the last message that was read; a page of messages is a transaction."""
        counts = Counter[str]()
        failure: NewsError | None = None
        with database.reading() as connection:
            state = pulls.find_state(connection, SOURCE)
        try:
            with open_folder(self._account, readonly=self._dry_run) as folder:
                for position, mails in mail_pages(folder, state.position):
                    state = replace(state, position=position)
                    self._page(database, folder, mails, state, counts)
            self._record(database, replace(state, pulled_at=self._now))
        except Unavailable as unavailable:
            failure = unavailable
        log.info("sign-ups pulled", extra={**counts, "failed": failure is not None})
        return SignUpResult(**counts, failure=failure)

    def _page(
        self,
        database: Database,
        folder: ImapFolder,
        mails: Sequence[FoundMail],
        state: PullState,
        counts: "Counter[str]",
    ) -> None:
        read = [(mail, read_mail(mail.content)) for mail in mails]
        requests = [request for mail, found in read if (request := self._request(mail, found))]
        done = {request.key for request in requests}
        others = [found for mail, found in read if mail.key not in done]
        counts["read"] += len(mails)
        counts["automatic"] += sum(found.automatic != "" for found in others)
        counts["needs_person"] += sum(map(_needs_person, others))
        if self._dry_run:
            counts.update("asked" if request.address else "confirmed" for request in requests)
            return
        # Before the commit: a message that is read again after an interruption changes nothing.
        folder.mark_read([request.key for request in requests])
        with database.writing() as connection:
            for request in requests:
                counts[self._handle(connection, request)] += 1
            pulls.record_state(connection, SOURCE, state)

    def _request(self, mail: FoundMail, found: IncomingMail) -> _Request | None:
        """Return what a message asks for; None for one that no program may act on (RFC 3834)."""
        if found.automatic:
            return None
        at = min(mail.received_at, self._now)
        ids = {number for token in found.confirm_tokens if (number := self._links.sign_up_id(token))}
        if len(ids) == 1:
            return _Request(mail.key, at, sign_up_id=ids.pop())
        # An old request comes again if the mailbox gets new numbers: its author may have left since.
        is_new = mail.received_at > self._now - sign_ups.CONFIRMATION_LIFETIME
        if not ids and found.asks_to_subscribe and is_new and (address := _address(found.sender)):
            return _Request(mail.key, at, address)
        return None

    def _handle(self, connection: "Connection", request: _Request) -> Literal["asked", "confirmed", "late"]:
        if request.address:
            sign_ups.ask(connection, request.address, self._wording, SIGN_UP_MAIL, self._now)
            return "asked"
        # The time of arrival is that of the consent: a request to leave may have come after it.
        return "confirmed" if sign_ups.confirm(connection, request.sign_up_id, request.at) else "late"

    def _record(self, database: Database, state: PullState) -> None:
        if not self._dry_run:
            with database.writing() as connection:
                pulls.record_state(connection, SOURCE, state)


def _needs_person(mail: IncomingMail) -> bool:
    """Return True for a message that no pull acts on: `news unsubscribes pull` reads the others."""
    return not (mail.automatic or mail.leave_tokens or mail.is_test)


def _address(sender: str) -> Address | None:
    try:
        return parse(sender)
    except BadAddress:
        return None
