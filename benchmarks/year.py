"""Subscribers with random addresses, and sends of a list that changes a little each week, in a ledger."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from string import ascii_lowercase

from sqlalchemy import insert, select, update

from newsletter.config.loader import Newsletter
from newsletter.issue import files
from newsletter.mail import message
from newsletter.mail.message import Mailing
from newsletter.render.pipeline import render
from newsletter.sending.content_diff import snapshot
from newsletter.sending.model import SUBSCRIBERS, ChunkResult, NewSend, Transition
from newsletter.sending.outcomes import Accepted
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.schema import subscriber_table

CHUNK_SIZE = 1000
# The share of the list that leaves each week, and that joins.
WEEKLY_CHANGE = 0.003
_YEARS, _LEASE = 3, timedelta(minutes=2)


class Year:
    """A newsletter in a database, to which subscribers and sends are added; a seed makes it reproducible."""

    def __init__(self, newsletter: Newsletter, database: Database, start: datetime) -> None:
        self._newsletter, self._database, self._now = newsletter, database, start
        self._random = Random(20260427)
        self._mailing = self._first_mailing()

    def add(self, people: int) -> None:
        """Add subscribers, who gave their consent at some time in the last three years."""
        if rows := list(self._people(people)):
            with self._database.writing() as connection:
                connection.execute(insert(subscriber_table), rows)

    def send(self, people: int, issues: int = 1) -> None:
        """Record complete sends to about `people` subscribers, one a week."""
        with SendProcess(self._newsletter.runs) as process:
            ledger = Ledger(self._database, process, lambda: self._now)
            for number in range(issues):
                self._send(ledger)
                if number + 1 < issues:
                    self._change(round(people * WEEKLY_CHANGE))

    def _people(self, count: int) -> Iterator[dict[str, object]]:
        chance = self._random
        for _ in range(count):
            first, last = ("".join(chance.choices(ascii_lowercase, k=6)) for _ in range(2))
            since = self._now - timedelta(seconds=chance.randrange(round(_YEARS * 365.25 * 86400)))
            address = f"{first}.{last}{chance.randrange(10_000)}@{chance.choice('abcdef')}.example.com"
            yield {
                "address": address,
                "address_key": address,
                "name": f"{first.title()} {last.title()}",
                "state": "active",
                "consent_at": since,
                "consent_how": "imported",
                "consent_source": "list.csv",
                "changed_at": since,
            }

    def _send(self, ledger: Ledger) -> None:
        issue = self._now.strftime("%Y-%m-%d")
        mailing = replace(
            self._mailing,
            issue=issue,
            rendered=replace(self._mailing.rendered, subject=f"The week to {issue}"),
        )
        new = NewSend(issue, SUBSCRIBERS, mailing.sha256, snapshot(mailing), "sendgrid", CHUNK_SIZE)
        if (send := ledger.plan(new)) is None:
            raise SystemExit(f"{issue} was sent already")
        ledger.acquire_lease(send, _LEASE)
        while claimed := ledger.claim(send, 100, 100 * CHUNK_SIZE, None, _LEASE, with_journal=False):
            ledger.settle(
                [
                    ChunkResult(
                        chunk,
                        Accepted(secrets.token_urlsafe(16)),
                        (Transition(chunk.first, chunk.last, "accepted"),),
                    )
                    for chunk in claimed
                ]
            )
        ledger.finish(send)
        ledger.release_lease(send)
        self._now += timedelta(weeks=1)

    def _change(self, people: int) -> None:
        """Unsubscribe some people, and add as many others."""
        with self._database.writing() as connection:
            ids = connection.scalars(
                select(subscriber_table.c.id).where(subscriber_table.c.state == "active")
            ).all()
            leaving = self._random.sample(list(ids), people)
            leave = update(subscriber_table).where(subscriber_table.c.id.in_(leaving))
            connection.execute(leave.values(state="unsubscribed", changed_at=self._now))
        self.add(people)

    def _first_mailing(self) -> Mailing:
        issue = files.load(files.find(self._newsletter.issues))
        mailing = message.mailing(issue, render(issue, self._newsletter.site), self._newsletter)
        return replace(mailing, date=datetime.now(UTC))
