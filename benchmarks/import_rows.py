"""The processes of `imports.py`: `python benchmarks/import_rows.py FOLDER WHAT ROWS`.

WHAT is `prepare` (make a newsletter), `write` (write into its store until the standard input ends, and print
the longest waits), or `import`, `rename` and `compare` (import generated rows, and print the seconds).
"""

import json
import select
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import update

from newsletter.cli.gc_tuning import tune_gc
from newsletter.config.loader import Newsletter
from newsletter.store.database import Database, open_database
from newsletter.store.schema import subscriber_table
from newsletter.store.staged_import import StagedImport
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.address import Address, parse
from newsletter.subscribers.import_row import ImportRow
from tests import samples

_START = datetime(2020, 1, 1, tzinfo=UTC)
_PRIME = 7_919
_WRITER = parse("writer@example.org")


def main(folder: Path, what: str, rows: int) -> None:
    newsletter = samples.newsletter(folder) if what == "prepare" else samples.load(folder)
    with open_database(newsletter) as database:
        if what == "prepare":
            Subscribers(database).add(_WRITER)
        elif what == "write":
            print(json.dumps(write(database)))
        else:
            print(json.dumps(run_import(newsletter, database, what, rows)))


def run_import(newsletter: Newsletter, database: Database, what: str, rows: int) -> dict[str, float]:
    """Import or compare rows; return the seconds of both phases."""
    tune_gc()
    start = time.perf_counter()
    with StagedImport(newsletter) as staged:
        staged.add(generated(rows, "New" if what == "rename" else "Reader"), "list.csv")
        read = time.perf_counter()
        outcome = staged.compare(database) if what == "compare" else staged.apply(database)
        end = time.perf_counter()
    if outcome.rows != rows or sum(outcome.counts.values()) != rows:
        raise SystemExit(f"not all rows were counted: {outcome.counts}")
    return {"read": read - start, "apply": end - read}


def generated(rows: int, name: str) -> Iterator[ImportRow]:
    """Yield rows in an order that is not that of the addresses; each tenth person has left."""
    for number in range(rows):
        key = f"reader{number * _PRIME % rows}@mail{number % 5000}.example.com"
        joined = _START + timedelta(seconds=number)
        state, left_at = ("active", None) if number % 10 else ("unsubscribed", joined)
        where = f"list.csv:{number + 2}"
        yield ImportRow(where, Address(key, key), f"{name} {number}", state, joined, left_at)  # type: ignore[arg-type]


def write(database: Database) -> dict[str, float]:
    """Write small transactions until the standard input ends; return the longest wait and transaction."""
    wait = whole = writes = 0.0
    query = update(subscriber_table).where(subscriber_table.c.address_key == _WRITER.key)
    while not select.select([sys.stdin], [], [], 0.002)[0]:
        start = time.perf_counter()
        with database.writing() as connection:
            wait = max(wait, time.perf_counter() - start)
            connection.execute(query.values(name=str(start)))
        whole = max(whole, time.perf_counter() - start)
        writes += 1
    return {"wait": wait, "whole": whole, "writes": int(writes)}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
