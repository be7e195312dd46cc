"""A newsletter for benchmarks: a real issue, shortened to a message of 40 KB, with any number of subscribers.

`python benchmarks/letter.py FOLDER RECIPIENTS` makes it in a separate process. One SQL statement inserts the
subscribers: `news subscribers import` validates a million addresses in about a minute, which the benchmarks
do not measure.
"""

import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import measure

ISSUE = "2026-04-27"
SECRET = "only for the benchmark, and long enough"
STORIES, PASSAGES = 2, 1
# Requests and connections at the same time: the defaults of newsletter.yml.
REQUESTS, CONNECTIONS = 8, 4
# Overrides the environment of the machine; with CI set, news refuses SQLite as the ledger.
ENVIRONMENT = {
    "CI": "",
    "NEWS_DATABASE_URL": "",
    "NEWS_SECRET_KEY": SECRET,
    "SENDGRID_API_KEY": "SG.benchmark",
    "SENDGRID_HOST": "127.0.0.1",
}
_CONFIG = """\
name: Benchmark
sender: {name: Benchmark, email: benchmark@example.com}
reply_to: editor@example.com
postal_address: 1 Example Street
unsubscribe: {url: "https://benchmark.example.com/unsubscribe/{token}", mailto: leave@example.com}
"""
_SUBSCRIBERS = """\
with recursive one(n) as (select 1 union all select n + 1 from one where n < :recipients)
insert into subscriber
  (address, address_key, name, state, consent_at, consent_how, consent_source, changed_at)
select 'reader' || n || '@example.com', 'reader' || n || '@example.com', 'Reader ' || n, 'active',
  :now, 'imported', 'list.csv', :now
from one where :recipients > 0
"""


def make(folder: Path, recipients: int, database: str = "") -> None:
    """Make a newsletter in a folder, in a separate process; `database` is an address, empty for SQLite."""
    environment = ENVIRONMENT | {"NEWS_DATABASE_URL": database}
    measure.run(sys.executable, __file__, folder, str(recipients), cwd=folder.parent, **environment)


def configure(folder: Path, provider: str, port: int, concurrency: int) -> None:
    """Configure a newsletter to send to a sink, with `concurrency` requests or connections."""
    settings = {
        "sendgrid": f'{{host: "http://127.0.0.1:{port}", requests: {concurrency}}}',
        "smtp": f"{{port: {port}, security: none, connections: {concurrency}}}",
    }
    config = f"{_CONFIG}provider: {provider}\n{provider}: {settings[provider]}\n"
    (folder / "newsletter.yml").write_text(config)


def message_bytes(folder: Path) -> int:
    """Return the bytes of one message as it is sent."""
    return int(json.loads((folder / "letter.json").read_text())["message_bytes"])


def _make(folder: Path, recipients: int) -> None:
    (folder / "issues").mkdir(parents=True, exist_ok=True)
    configure(folder, "sendgrid", 1, 1)
    _write_issue(folder / "issues" / f"{ISSUE}.yml")
    _write_letter(folder)
    _subscribe(folder, recipients)


def _write_issue(file: Path) -> None:
    import yaml

    issue = yaml.safe_load((measure.REPOSITORY / "issues" / f"{ISSUE}.yml").read_text(encoding="utf-8"))
    issue["stories"] = issue["stories"][:STORIES]
    issue["opening"] = issue["opening"][:PASSAGES]
    file.write_text(yaml.safe_dump(issue, allow_unicode=True), encoding="utf-8")


def _write_letter(folder: Path) -> None:
    """Write letter.json, from which the peers make the same mail."""
    from newsletter.config import loader
    from newsletter.issue import files
    from newsletter.mail import message
    from newsletter.mail.mime import template
    from newsletter.render.pipeline import render
    from newsletter.subscribers.model import Subscriber

    newsletter = loader.load(folder, ENVIRONMENT)
    issue = files.load(folder / "issues" / f"{ISSUE}.yml")
    mailing = message.mailing(issue, render(issue, newsletter.site), newsletter)
    mailing = replace(mailing, date=datetime.now(UTC))
    recipient = message.Personalizer(mailing, SECRET)(
        Subscriber(123456, "reader123456@example.com", "Reader", 1)
    )
    letter = {
        "sender": mailing.sender,
        "reply_to": mailing.reply_to,
        "list_id": mailing.list_id[1],
        "subject": mailing.rendered.subject,
        "text": mailing.rendered.text,
        "html": mailing.rendered.html,
        "headers": mailing.personal_headers(),
        "unsubscribe_url": mailing.unsubscribe_url,
        "message_bytes": len(template(mailing).fill(recipient)),
    }
    (folder / "letter.json").write_text(json.dumps(letter))


def _subscribe(folder: Path, recipients: int) -> None:
    from sqlalchemy import text

    from newsletter.config import loader
    from newsletter.store.database import Database

    database = Database.open(loader.load(folder, os.environ))
    with database.writing() as connection:
        connection.execute(text(_SUBSCRIBERS), {"recipients": recipients, "now": datetime.now(UTC)})
    database.close()


if __name__ == "__main__":
    _make(Path(sys.argv[1]), int(sys.argv[2]))
