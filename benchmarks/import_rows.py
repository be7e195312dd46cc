"""The processes of `imports.py`: `python benchmarks/import_rows.py FOLDER WHAT ROWS`.

WHAT is `prepare` (make a newsletter, and a file with ROWS rows), `write` (write into its store until the
standard input ends, and print the longest waits), `file` (import that file), or `import`, `rename` and
`compare` (import generated rows). Imports print the seconds of both phases.
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
from newsletter.subscribers.formats.options import ImportOptions
from newsletter.subscribers.formats.reader import Result, read
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.table_file import open_tables
from tests import samples

_START = datetime(2020, 1, 1, tzinfo=UTC)
_PRIME = 7_919
_WRITER = parse("writer@example.org")
_FILE = "list.csv"
_HEADER = (
    "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,"
    "LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS\n"
)
_NAMES = {"import": "Reader", "rename": "New", "compare": "Reader"}


def main(folder: Path, what: str, rows: int) -> None:
    newsletter = samples.newsletter(folder) if what == "prepare" else samples.load(folder)
    with open_database(newsletter) as database:
        if what == "prepare":
            Subscribers(database).add(_WRITER)
            write_file(folder / _FILE, rows)
        elif what == "write":
            print(json.dumps(write(database)))
        else:
            read = rows_of_file(folder / _FILE) if what == "file" else generated(rows, _NAMES[what])
            print(json.dumps(run_import(newsletter, database, what, rows, read)))


def run_import(
    newsletter: Newsletter, database: Database, what: str, rows: int, read_rows: Iterator[Result]
) -> dict[str, float]:
    """Import or compare rows; return the seconds of both phases."""
    tune_gc()
    start = time.perf_counter()
    with StagedImport(newsletter) as staged:
        staged.add(read_rows, _FILE)
        staged_at = time.perf_counter()
        outcome = staged.compare(database) if what == "compare" else staged.apply(database)
        end = time.perf_counter()
    if outcome.rows != rows or sum(outcome.counts.values()) != rows:
        raise SystemExit(f"not all rows were counted: {outcome.counts}")
    return {"read": staged_at - start, "apply": end - staged_at}


def write_file(file: Path, rows: int) -> None:
    """Write an export of Mailchimp with its twenty columns, in the order of `generated`."""
    with file.open("w", encoding="utf-8") as text:
        text.write(_HEADER)
        for number in range(rows):
            address = f"Reader{number * _PRIME % rows}@mail{number % 5000}.example.com"
            joined = f'"{_START + timedelta(seconds=number):%Y-%m-%d %H:%M:%S}"'
            text.write(
                f"{address},Reader,Number{number},2,,,{joined},192.0.2.1,52.5,13.4,1,2,Europe/Berlin,DE,BE,"
                f'{joined},{number},{number:010x},,"""Customer"""\n'
            )


def rows_of_file(file: Path) -> Iterator[Result]:
    """Yield the rows of a file as `news subscribers import` reads them."""
    with open_tables(file) as tables:
        for table in tables:
            yield from read(table, ImportOptions())


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
