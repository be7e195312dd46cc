"""Print the time of `news archive`: of the first build, of one without a change, and of one changed issue.

`--issues` is the number of issues (500). With `--cards`, the pictures for other sites are drawn in a build of
their own, by Chromium.
"""

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

import measure

from tests.archive.archive_sites import LARGE_SOURCES, write_newsletter

ISSUES, SECONDS = 500, 20
_COUNTS = re.compile(r"([0-9,]+) files? written, ([0-9,]+) unchanged, ([0-9,]+) deleted")


def main() -> None:
    """Run the builds; exit with 1 if one wrote more or fewer files than it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=ISSUES, help="their number, more than a feed has (500)")
    parser.add_argument("--cards", action="store_true", help="draw the pictures too")
    options = parser.parse_args()
    # As for users: Python compiles the modules once, not at each start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    other_load = measure.OtherLoad()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_newsletter(folder, "pictures", LARGE_SOURCES, options.issues)
        measure.row(f"news archive, {options.issues} issues", "seconds", "CPU", "written", "unchanged")
        aim = f"<= {SECONDS} s" if options.issues == ISSUES else ""
        faults = build(folder, "  first build", None, aim)
        faults += build(folder, "  second build", 0)
        change_one(folder)
        # Its page and its text; feeds have the newest issues alone.
        faults += build(folder, "  one changed issue", 2)
        if options.cards:
            cards(folder, options.issues)
    busy = f"{other_load.cores():.1f} of {os.cpu_count()} cores"
    print(f"\nMeanwhile other processes kept {busy} busy; under high load, only CPU seconds are meaningful.")
    sys.exit(faults > 0)


def build(folder: Path, title: str, expected: int | None, aim: str = "") -> int:
    """Build the archive and print its measurements; return 1 if another number of files was written."""
    ran = measure.run(measure.news(), "archive", "--no-cards", "-o", "site", cwd=folder)
    written, unchanged = counts(ran)
    is_wrong = expected is not None and written != expected
    measure.row(title, f"{ran.seconds:.1f} s", f"{ran.cpu:.1f} s", f"{written:,}", f"{unchanged:,}", aim)
    if is_wrong:
        print(f"    {written} files were written, not {expected}")
    return int(is_wrong)


def change_one(folder: Path) -> None:
    """Change a text in the oldest issue, which is in no feed."""
    oldest = min((folder / "issues").iterdir())
    text = oldest.read_text(encoding="utf-8")
    changed = text.rstrip("\n") + " And one more thing.\n"
    oldest.write_text(changed, encoding="utf-8")


def cards(folder: Path, issues: int) -> None:
    """Build the archive with drawn pictures; print their number in each second beyond those of a build."""
    without = measure.run(measure.news(), "archive", "--no-cards", "-o", "site", cwd=folder)
    ran = measure.run(measure.news(), "archive", "-o", "site", cwd=folder)
    drawn = len(list((folder / "site").rglob("card.png")))
    rate = drawn / max(0.1, ran.seconds - without.seconds)
    measure.row(
        f"  {drawn} pictures drawn",
        f"{ran.seconds:.1f} s",
        f"{ran.cpu:.1f} s",
        "",
        "",
        f"{rate:.0f} a second",
    )


def counts(ran: measure.Run) -> tuple[int, int]:
    """Return the numbers of files that were written, and of those that were not."""
    found = _COUNTS.search(ran.output)
    if not found:
        raise SystemExit(f"{ran.output}\nthe command has not said what it wrote")
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


if __name__ == "__main__":
    main()
