"""The server of `sign_ups.py` and `public.py`: `python benchmarks/slow_server.py FOLDER COMMIT_MS`.

It serves a newsletter with a commit that takes longer, prints its port, and when the standard input ends,
what the database has. `--readers` adds subscribers first; `--webhook-key` is the key of SendGrid's webhook.
"""

import argparse
import json
import resource
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from sqlalchemy import event, func, insert, select

from newsletter.network.listening import listen
from newsletter.store.database import Database
from newsletter.store.schema import (
    delivery_event_table,
    service_mail_table,
    sign_up_table,
    subscriber_table,
)
from newsletter.web.app import app
from newsletter.web.public_address import public_address
from newsletter.web.server import open_context
from tests import samples

_CONFIG = """\
serve: {rate: 999k/s, rate_per_network: 999k/s}
"""
# A server that closes a connection while a request is on its way would look like an error.
_KEEP_ALIVE_SECONDS = 3600
_TABLES = {
    "sign_ups": sign_up_table,
    "mails": service_mail_table,
    "events": delivery_event_table,
    "subscribers": subscriber_table,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("commit_ms", type=float)
    parser.add_argument("--readers", type=int, default=0)
    parser.add_argument("--webhook-key", default="")
    options = parser.parse_args()
    webhook = f"sendgrid: {{webhook_key: {options.webhook_key}}}\n" if options.webhook_key else ""
    newsletter = samples.newsletter(
        options.folder, extra=_CONFIG + webhook, unsubscribe="https://soup.example.com/unsubscribe/{token}"
    )
    commits = 0

    def slow_commit(connection: object) -> None:
        nonlocal commits
        commits += 1
        time.sleep(options.commit_ms / 1000)

    with open_context(newsletter, public_address(newsletter, 8080)) as shared:
        add_readers(shared.database, options.readers)
        event.listen(shared.database._engine, "commit", slow_commit)
        config = uvicorn.Config(
            app(shared),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        server = uvicorn.Server(config)
        listening = listen("127.0.0.1", 0, default_port=8080)
        print(listening.getsockname()[1], flush=True)
        threading.Thread(target=_stop_after_input, args=[server], daemon=True).start()
        server.run([listening])
        with shared.database.reading() as connection:
            counts = {
                name: connection.scalar(select(func.count()).select_from(table))
                for name, table in _TABLES.items()
            }
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    print(json.dumps({**counts, "commits": commits, "cpu": cpu, "peak": usage.ru_maxrss}))


def add_readers(database: Database, number: int) -> None:
    """Add subscribers with the ids from 1 on."""
    now = datetime.now(UTC)
    same = {
        "name": "",
        "state": "active",
        "consent_at": now,
        "consent_how": "added by hand",
        "changed_at": now,
    }
    addresses = [f"old{reader}@example.org" for reader in range(number)]
    if rows := [
        {"address": address, "address_key": address, "changed_at": now, **same} for address in addresses
    ]:
        with database.writing() as connection:
            connection.execute(insert(subscriber_table), rows)


def _stop_after_input(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True


if __name__ == "__main__":
    main()
