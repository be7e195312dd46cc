"""A small newsletter for tests: its files, and the mailings and batches made from them."""

import struct
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.config.provider_facts import Tracking
from newsletter.issue import files
from newsletter.mail import message
from newsletter.mail.message import Batch, Mailing, Personalizer, Recipient, ScheduledSend
from newsletter.render.model import Rendered
from newsletter.render.pipeline import render
from newsletter.sending.interfaces import Provider
from newsletter.sending.outcomes import Outcome
from newsletter.subscribers.model import Subscriber

SECRET = "only for tests, and long enough"
# The hosts that the keys are for: the fake providers run on this machine.
KEY_HOSTS = {"SENDGRID_HOST": "127.0.0.1", "SMTP_HOST": "127.0.0.1"}
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
NO_TRACKING = Tracking("none", "none")

UNSUBSCRIBE = "https://soup.example.com/leave/{token}"
NEWSLETTER = """\
name: The Soup Letter
sender: {name: The Soup Letter, email: soup@example.com}
reply_to: cook@example.com
postal_address: 1 Kitchen Road, Example City
unsubscribe: {url: "https://soup.example.com/leave/{token}", mailto: leave@example.com}
"""

ISSUE = """\
subject: Leek & potato
preheader: A soup for the first cold evening of the year.
ready: true
opening:
  - heading: Hello
    text: It is **cold** outside.
stories:
  - title: Leek and potato soup
    link: https://soup.example.com/leek?size=4&time=30
    passages:
      - heading: How
        text: Cut, cook, [blend](https://soup.example.com/blend).
"""


def write(folder: Path, *, extra: str = "", issue: str = ISSUE, name: str = "2026-04-27") -> Path:
    """Write a newsletter with one issue to a folder; `extra` is added at the end of newsletter.yml."""
    (folder / "issues").mkdir(parents=True, exist_ok=True)
    (folder / "newsletter.yml").write_text(NEWSLETTER + extra, encoding="utf-8")
    (folder / "issues" / f"{name}.yml").write_text(issue, encoding="utf-8")
    return folder


def newsletter(folder: Path, *, extra: str = "", unsubscribe: str = "", **environment: str) -> Newsletter:
    """Write and load a newsletter with only the given variables in its environment.

    `unsubscribe` replaces the address of its unsubscribe links.
    """
    write(folder, extra=extra)
    if unsubscribe:
        file = folder / "newsletter.yml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(UNSUBSCRIBE, unsubscribe), encoding="utf-8")
    return load(folder, **environment)


def load(folder: Path, **environment: str) -> Newsletter:
    """Load a newsletter that was written before, as `newsletter` does."""
    return loader.load(folder, {"NEWS_SECRET_KEY": SECRET, **KEY_HOSTS, **environment})


def mailing(folder: Path, *, extra: str = "") -> Mailing:
    """Return the sample issue as a mailing."""
    loaded = newsletter(folder, extra=extra)
    issue = files.load(files.find(loaded.issues))
    return replace(message.mailing(issue, render(issue, loaded.site), loaded), date=NOW)


def with_subject(text: str) -> str:
    """Return the text of a new issue with a subject and a preheader, which an editor fills in first."""
    return text.replace('subject: ""', "subject: Soup").replace('preheader: ""', "preheader: A soup")


def png(width: int, height: int) -> bytes:
    """Return the start of a picture in the format PNG, which is enough to tell its kind and its size."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x06\0\0\0"


def plain_mailing(subject: str = "Soup", name: str = "The Soup Letter", **parts: str) -> Mailing:
    """Return a mailing with minimal content."""
    content = {"html": "<p>[[unsubscribe_url]]</p>\n", "text": "[[unsubscribe_url]]\n", **parts}
    return Mailing(
        issue="2026-04-27",
        rendered=Rendered(subject, "A soup.", **content),
        sender=(name, "soup@example.com"),
        reply_to=None,
        list_id=(name, "soup.example.com"),
        unsubscribe_url="https://soup.example.com/leave/{token}",
        unsubscribe_mailto=None,
        date=NOW,
    )


def batch(mailing: Mailing, *subscribers: Subscriber, scheduled: ScheduledSend | None = None) -> Batch:
    """Return a batch to subscribers, numbered from 1; by default to Ada."""
    personalize = Personalizer(mailing, SECRET)
    subscribers = subscribers or (Subscriber(1, "ada@example.com", "Ada Example"),)
    recipients = [personalize(person._replace(number=n)) for n, person in enumerate(subscribers, 1)]
    return Batch(mailing, recipients, scheduled)


class SubmissionLog:
    """The callbacks of a provider during a batch; they allow the first `limit` messages to start."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self.limit = limit
        self.begun: list[Recipient] = []
        self.ended: dict[int, Outcome] = {}

    def starting(self, recipient: Recipient) -> bool:
        if len(self.begun) == self.limit:
            return False
        self.begun.append(recipient)
        return True

    def finished(self, recipient: Recipient, outcome: Outcome) -> None:
        assert recipient.number not in self.ended
        self.ended[recipient.number] = outcome


def outcomes(provider: Provider, batch: Batch, limit: int = 1_000_000) -> list[Outcome]:
    """Submit a batch; return the outcome of each recipient, in order."""
    submissions = SubmissionLog(limit)
    batch_outcome = provider.submit(batch, submissions)
    return [submissions.ended.get(recipient.number, batch_outcome) for recipient in batch.recipients]
