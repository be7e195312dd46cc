"""A newsletter for tests of the archive: any number of issues, and sends in its ledger."""

from pathlib import Path

from sqlalchemy import insert

from newsletter.config.loader import Newsletter
from newsletter.store.database import open_database
from newsletter.store.schema import chunk_table, recipient_table, send_table
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.address import parse
from tests import samples

PNG = samples.png(3, 2)

_ISSUE = """\
subject: {subject}
preheader: A soup for the first cold evening of the year, {name}.
{fields}opening:
  - heading: Hello
    text: It is **cold** outside.
stories:
  - title: Leek and potato soup
    link: https://soup.example.com/leek?size=4&time=30
    text: >-
      {text}
"""


def soup(
    folder: Path, *names: str, site: str = "site: https://soup.example.com\n", extra: str = ""
) -> Newsletter:
    """Write and load a newsletter with an issue for each name."""
    samples.write(folder, extra=site + extra)
    (folder / "issues" / "2026-04-27.yml").unlink()
    newsletter = samples.load(folder)
    for name in names:
        add(newsletter, name)
    return newsletter


def add(
    newsletter: Newsletter,
    name: str,
    *,
    subject: str = "",
    fields: str = "ready: true\n",
    text: str = "Cut, cook, blend.",
) -> None:
    """Write an issue; `fields` are lines after the preheader."""
    subject = subject or f"Leek & potato of {name}"
    content = _ISSUE.format(subject=subject, name=name, fields=fields, text=text)
    (newsletter.issues / f"{name}.yml").write_text(content, encoding="utf-8")


def own_template(newsletter: Newsletter, name: str, text: str) -> None:
    """Write a template of the archive into the newsletter's own folder."""
    file = newsletter.folder / "templates" / "archive" / name
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")


def people(newsletter: Newsletter, address: str) -> None:
    """Add a subscriber to the store."""
    with open_database(newsletter) as database:
        Subscribers(database).add(parse(address))


def records(
    newsletter: Newsletter,
    issue: str,
    *,
    state: str = "open",
    delivered: int = 1,
    list_name: str = "subscribers",
    address: str = "ada@home.example",
) -> None:
    """Write a send to one subscriber into the ledger, to whom it was delivered or not."""
    people(newsletter, address)
    with open_database(newsletter) as database, database.writing() as connection:
        send = {"id": 1, "issue": issue, "list": list_name, "content_sha256": "", "provider": "smtp"}
        connection.execute(
            insert(send_table).values(**send, recipients=1, state=state, started_at=samples.NOW)
        )
        connection.execute(insert(recipient_table).values(send_id=1, number=1, subscriber_id=1))
        chunk_state = "accepted" if delivered else "cancelled"
        connection.execute(insert(chunk_table).values(send_id=1, first=1, last=1, state=chunk_state))
