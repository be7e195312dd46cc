"""Print the speed and memory of an import, and the longest wait of another process that writes all the time.

The first import reads an export of Mailchimp as `news subscribers import` does; the rows of the others
are generated. `--rows` is the number of rows (1,000,000).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import measure

ROWS, SECONDS, MEGABYTES, WAIT = 1_000_000, 60, 200, 0.2
SCRIPT = Path(__file__).with_name("import_rows.py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    other_load = measure.OtherLoad()
    measure.row(f"import of {rows:,} rows beside another writer", "", "aim")
    for what in ("file", "import"):
        with tempfile.TemporaryDirectory() as name:
            first(Path(name), rows, what)
            if what == "import":
                again(Path(name), rows)
    busy = f"{other_load.cores():.1f} of {os.cpu_count()} cores"
    print(f"\nMeanwhile other processes kept {busy} busy; under high load, the times are too long.")


def first(folder: Path, rows: int, what: str) -> None:
    """Import a file or generated rows into an empty store."""
    ran, phases, writer = beside_writer(folder, what, rows)
    title = "a file of Mailchimp, the whole process" if what == "file" else "generated, the whole process"
    measure.row(f"  {title}", f"{ran.seconds:.1f} s", f"<= {SECONDS * rows / ROWS:g} s")
    measure.row("    of it, CPU", f"{ran.cpu:.1f} s")
    measure.row("    into the temporary file", f"{rows / phases['read']:,.0f} rows/s")
    measure.row("    into the store, with pauses", f"{rows / phases['apply']:,.0f} rows/s")
    measure.row("  peak memory", f"{ran.megabytes:.0f} MB", f"<= {MEGABYTES} MB")
    show_wait(writer)


def again(folder: Path, rows: int) -> None:
    """Import the same rows, each renamed, and then compare them."""
    _, phases, writer = beside_writer(folder, "rename", rows)
    measure.row("  the same people renamed, into the store", f"{rows / phases['apply']:,.0f} rows/s")
    show_wait(writer)
    _, phases, writer = beside_writer(folder, "compare", rows)
    measure.row("  dry run: compared", f"{rows / phases['apply']:,.0f} rows/s")
    show_wait(writer)


def show_wait(writer: dict[str, float]) -> None:
    measure.row("    longest wait of the other writer", f"{writer['wait']:.3f} s", f"<= {WAIT} s")
    measure.row(f"    its {writer['writes']:,} transactions, the longest", f"{writer['whole']:.3f} s")


def beside_writer(
    folder: Path, what: str, rows: int
) -> tuple[measure.Run, dict[str, float], dict[str, float]]:
    """Run an import; return its process, the seconds of its phases, and the waits of the other writer."""
    arguments = (sys.executable, str(SCRIPT), str(folder))
    subprocess.run(
        (*arguments, "prepare", str(rows if what == "file" else 0)),
        cwd=measure.REPOSITORY,
        env=environment(),
        check=True,
    )
    command = (*arguments, "write", "0")
    with subprocess.Popen(
        command, cwd=measure.REPOSITORY, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        ran = measure.run(*arguments, what, str(rows), PYTHONPATH=str(measure.REPOSITORY))
        printed, _ = writer.communicate()
    return ran, json.loads(ran.output), json.loads(printed)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(measure.REPOSITORY)}


if __name__ == "__main__":
    main()
