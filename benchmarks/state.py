"""Print the size of the saved state, and the seconds to save it to a local remote and to take it from there.

Each argument is a number of subscribers, and after a colon the most seconds of a save. The command fails if
a save takes longer, the least of several, and other load does not explain it.
"""

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import measure
from year import Year

from newsletter.services.state import initialise
from newsletter.services.state_archive import make_archive
from newsletter.services.state_sync import StateSync
from newsletter.state.sealing import STATE, seal
from newsletter.store.compaction import compact_settled
from newsletter.store.database import Database, open_database
from tests.machines import Machines

SIZES = ("1000:0.3", "10000:0.8", "100000:4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=SIZES, metavar="SUBSCRIBERS[:SECONDS]")
    parser.add_argument("--times", type=int, default=5, help="saves and pulls of each size (5)")
    parser.add_argument("--issues", type=int, default=52, help="issues of a year (52)")
    parser.add_argument("--year-of", type=int, default=10_000, help="subscribers of that year (10000)")
    arguments = parser.parse_args()
    other_load = measure.OtherLoad()
    met = [save_and_pull(*_parse(size), arguments.times) for size in arguments.sizes]
    year(arguments.year_of, arguments.issues)
    busy = f"{other_load.cores():.1f} of {os.cpu_count()} cores"
    print(f"\nMeanwhile other processes kept {busy} busy; under high load, the times are too long.")
    sys.exit(not all(met))


def save_and_pull(subscribers: int, aim: float, times: int) -> bool:
    """Measure a state of one sent issue; return False if a save takes longer than `aim` seconds."""
    row(f"{subscribers:,} subscribers, one issue sent", "", "aim")
    with (
        _machines(subscribers, 1, datetime.now(UTC)) as machines,
        StateSync.open(machines.newsletter()) as sync,
    ):
        other_load = measure.OtherLoad()
        saved = _least(sync.save, times)
        slower = _slowdown(other_load.cores())
        row("  database", _size(_database_bytes(sync.database)))
        row("  sealed", _size(sync.saved_bytes))
        is_met = saved <= aim * slower
        verdict = "met" if saved <= aim else "missed, by load" if is_met else "MISSED"
        aims = (f"< {aim:g} s", verdict) if math.isfinite(aim) else ()
        row("  save: copy, seal, commit, push, read back", f"{saved:.2f} s", *aims)
        with StateSync.open(machines.newsletter("second")) as second:
            row("  pull: fetch, open, replace", f"{_least(lambda: second.pull(replace=True), times):.2f} s")
    print()
    return is_met


def year(subscribers: int, issues: int) -> None:
    """Measure the size of a state after many issues, without and with compaction."""
    row(f"{subscribers:,} subscribers, {issues} issues sent", "database", "sealed")
    begun = datetime.now(UTC) - timedelta(weeks=issues)
    with _machines(subscribers, issues, begun) as machines, open_database(machines.newsletter()) as database:
        row("  without compaction", *_sizes(machines, database))
        begin = time.perf_counter()
        recipients = compact_settled(database, datetime.now(UTC))
        seconds = time.perf_counter() - begin
        row("  with compaction", *_sizes(machines, database))
        row(f"  compaction of {recipients:,} recipients", f"{seconds:.2f} s")


@contextmanager
def _machines(subscribers: int, issues: int, begun: datetime) -> Iterator[Machines]:
    """Yield machines that share a state ref, the first with a list, and a send each week from `begun`."""
    with tempfile.TemporaryDirectory() as folder:
        machines = Machines(Path(folder) / "machines")
        newsletter = machines.newsletter()
        initialise(newsletter, public=False)
        with open_database(newsletter) as database:
            history = Year(newsletter, database, begun)
            history.add(subscribers)
            history.send(subscribers, issues)
        yield machines


def _least(action: Callable[[], object], times: int) -> float:
    """Return the least duration of `times` calls, in seconds."""
    durations = []
    for _ in range(times):
        begin = time.perf_counter()
        action()
        durations.append(time.perf_counter() - begin)
    return min(durations)


def _slowdown(other_cores: float) -> float:
    """Return the factor by which one busy process is slower beside others that keep some cores busy."""
    return max(1.0, (1 + other_cores) / (os.cpu_count() or 1))


def _sizes(machines: Machines, database: Database) -> tuple[str, str]:
    """Return the size of the database, and of the sealed state."""
    archive = make_archive(machines.newsletter(), database)
    return _size(_database_bytes(database)), _size(len(seal(archive.pack(), machines.key, STATE)))


def _database_bytes(database: Database) -> int:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        database.copy_to(copy)
        return copy.stat().st_size


def _parse(size: str) -> tuple[int, float]:
    subscribers, _, seconds = size.partition(":")
    return int(subscribers), float(seconds or math.inf)


def _size(number: int) -> str:
    return f"{number / 1e6:.2f} MB" if number >= 1e6 else f"{number / 1e3:.0f} KB"


def row(*cells: str) -> None:
    measure.row(*cells)


if __name__ == "__main__":
    main()
