"""A small newsletter for tests: files as an editor would write them, and what they become."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.issue import files
from newsletter.mail import message
from newsletter.mail.message import Batch, Mailing, Personalizer, Recipient, ScheduledSend
from newsletter.render.model import Rendered
from newsletter.render.pipeline import render
from newsletter.sending.interfaces import Provider
from newsletter.sending.outcomes import Outcome
from newsletter.subscribers.model import Subscriber

SECRET = "only for tests, and long enough"
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)

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
    """Writes a newsletter with one issue into a folder; `extra` goes to the end of newsletter.yml."""
    (folder / "issues").mkdir(parents=True, exist_ok=True)
    (folder / "newsletter.yml").write_text(NEWSLETTER + extra, encoding="utf-8")
    (folder / "issues" / f"{name}.yml").write_text(issue, encoding="utf-8")
    return folder


def newsletter(folder: Path, *, extra: str = "", **environment: str) -> Newsletter:
    """A written newsletter, loaded with nothing in its environment but what is given."""
    return loader.load(write(folder, extra=extra), {"NEWS_SECRET_KEY": SECRET, **environment})


def mailing(folder: Path, *, extra: str = "") -> Mailing:
    """The sample issue as a mailing."""
    loaded = newsletter(folder, extra=extra)
    issue = files.load(files.find(loaded.issues))
    return replace(message.mailing(issue, render(issue, loaded.site), loaded), date=NOW)


def plain_mailing(subject: str = "Soup", name: str = "The Soup Letter", **parts: str) -> Mailing:
    """A mailing with nothing rendered in it."""
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


def batch(of: Mailing, *people: Subscriber, scheduled: ScheduledSend | None = None) -> Batch:
    """A batch to people, numbered from 1; to Ada unless named."""
    addresser = Personalizer(of, SECRET)
    people = people or (Subscriber(1, "ada@example.com", "Ada Example"),)
    return Batch(of, [addresser(one._replace(number=n)) for n, one in enumerate(people, 1)], scheduled)


class SubmissionLog:
    """What a provider says while a batch is under way; lets the first `most` messages begin."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.most = most
        self.begun: list[Recipient] = []
        self.ended: dict[int, Outcome] = {}

    def starting(self, recipient: Recipient) -> bool:
        if len(self.begun) == self.most:
            return False
        self.begun.append(recipient)
        return True

    def finished(self, recipient: Recipient, outcome: Outcome) -> None:
        assert recipient.number not in self.ended
        self.ended[recipient.number] = outcome


def outcomes(provider: Provider, of: Batch, most: int = 1_000_000) -> list[Outcome]:
    """What became of each recipient of a batch, in order."""
    submissions = SubmissionLog(most)
    rest = provider.submit(of, submissions)
    return [submissions.ended.get(one.number, rest) for one in of.recipients]
