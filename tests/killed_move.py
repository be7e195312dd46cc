"""Move states out of the work tree, in processes that kill themselves.

`python -m tests.killed_move WAY STEP FOLDER`: a process kills itself before its Nth call that opens, renames
or deletes something (seen by an audit hook); N grows by STEP until a process ends by itself. WAY is `rename`
or `copy`; for `copy` both places seem to be on different file systems. Each line of the output is a case as
JSON. The program forks, so that a case takes milliseconds.
"""

import errno
import json
import os
import signal
import sqlite3
import sys
import tempfile
from contextlib import closing
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from newsletter.state.location import StateLocation, locate
from newsletter.state.migration import move_old_state

FILES = {
    ".gitignore": "*\n",
    "secret": "a key\n",
    "links.json": "{}",
    "mine/backup.txt": "a file of the user",
    "runs/somewhere_1_abcd/alive": "boot",
    "runs/somewhere_1_abcd/1-1000": "1\tbegun\t\n",
}
ROWS = [(1,), (2,)]


def newsletter(folder: Path) -> StateLocation:
    """Make a repository with an old state, whose database has a row only in its `-wal`."""
    for part in ("objects", "refs"):
        (folder / ".git" / part).mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    for name, content in FILES.items():
        file = folder / ".news" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    for name, content in _database().items():
        (folder / ".news" / name).write_bytes(content)
    return locate(folder)


@cache
def _database() -> dict[str, bytes]:
    """Return the files of a database with a row that is only in its `-wal`."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(file := Path(folder) / "news.db", isolation_level=None)) as connection,
    ):
        for statement in ("pragma journal_mode=wal", "create table t (n)", "insert into t values (1)"):
            connection.execute(statement)
        connection.execute("pragma wal_checkpoint(truncate)")
        connection.execute("insert into t values (2)")
        return {name: file.with_name(name).read_bytes() for name in ("news.db", "news.db-wal")}


def in_fork(location: StateLocation, way: str, kill_at: int | None = None) -> tuple[int, str]:
    """Move the state in a fork; return its exit code, negative after a signal, and what it said."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            if kill_at is not None:
                sys.addaudithook(_killing(kill_at))
            said = move_old_state(location, rename=os.rename if way == "rename" else _other_file_system)
            os.write(writing, (said or "").encode())
            os._exit(0)
        except BaseException as failure:
            os.write(writing, repr(failure).encode())
            os._exit(1)
    os.close(writing)
    with open(reading, encoding="utf-8") as output:
        said = output.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def _killing(kill_at: int) -> Any:
    calls = count(1)

    def hook(event: str, _: object) -> None:
        changes = event.startswith(("os.", "open", "sqlite3.connect")) and not event.startswith("os.fork")
        if changes and next(calls) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def _other_file_system(source: Path, target: Path) -> None:
    raise OSError(errno.EXDEV, "Invalid cross-device link")


def result(location: StateLocation) -> dict[str, Any]:
    """Return where the state is now, and its content."""
    new = location.folder
    files = [name for name in FILES if (new / name).is_file() and (new / name).read_text() == FILES[name]]
    rows: list[Any] = []
    if (new / "news.db").exists():
        connection = sqlite3.connect(new / "news.db")
        rows = connection.execute("select n from t order by n").fetchall()
        connection.close()
    left = sorted(entry.name for entry in new.parent.iterdir() if entry != new)
    return {"old": location.old.exists(), "files": files, "rows": rows, "left": left}


def main(way: str, step: int, folder: Path) -> None:
    """Print a case for each kill, and one without a kill."""
    for number in count(1, step):
        location = newsletter(folder / str(number))
        killed, _ = in_fork(location, way, number)
        in_fork(location, way, number // 2 + 1)  # the next process may be killed too
        code, said = in_fork(location, way)
        case = {"killed": killed, "code": code, "said": said, **result(location)}
        print(json.dumps(case), flush=True)
        if killed == 0:
            break


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
