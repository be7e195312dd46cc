"""Keep what this machine last saw on the state ref, so that it does not work with an older state."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from newsletter.disk import reading
from newsletter.disk.failures import cannot_be, read_hint, write_hint
from newsletter.disk.writing import write_atomically
from newsletter.display import display_path
from newsletter.errors import StateError
from newsletter.state.archive import utc_time
from newsletter.state.state_commit import checked_object

FILE = "ref.json"
_MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class LastSaved:
    """The state on the ref that this machine's database contains, or is newer than.

    `place` names the remote and the ref, `commit` the state on it ("" for none yet), and `generation` the
    number of its save. `pending` is a commit that this machine began to save, and that may have arrived.

    If another machine saved the state, `saved_by` names its process, which may send until `deadline`. If a
    process of this machine sends, `own_chunks` are the chunks that are intended in the saved copy, as the
    fields of NextChunk, and `own_deadline` is its deadline.
    """

    place: str
    commit: str = ""
    generation: int = 0
    pending: str = ""
    saved_by: str = ""
    deadline: datetime | None = None
    own_chunks: tuple[tuple[int, int, int, int | None], ...] = ()
    own_deadline: datetime | None = None


def read(folder: Path) -> LastSaved | None:
    """Return what is kept in the folder of a state; None if nothing is. Raise StateError if it is invalid."""
    file = folder / FILE
    try:
        values = json.loads(reading.read(file, _MAX_BYTES, root=folder))
        return LastSaved(
            str(values["place"]),
            _commit(values["commit"]),
            int(values["generation"]),
            _commit(values["pending"]),
            str(values["saved_by"]),
            _time(values["deadline"]),
            tuple(
                (int(send), int(first), int(last), batch) for send, first, last, batch in values["own_chunks"]
            ),
            _time(values["own_deadline"]),
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as failure:
        fix = read_hint(failure, "check the permissions of the file and its folder")
        raise StateError.of(display_path(file), cannot_be("read", failure), fix) from failure
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as failure:
        what = "does not name the state that this machine last saw on its ref"
        fix = "delete it, then take the state from the ref: news state pull --replace"
        raise StateError.of(display_path(file), what, fix) from failure


def write(folder: Path, last: LastSaved) -> None:
    """Keep what this machine saw; raise StateError if it cannot be written."""
    file = folder / FILE
    times = {name: _text(getattr(last, name)) for name in ("deadline", "own_deadline")}
    try:
        write_atomically(file, f"{json.dumps(asdict(last) | times)}\n".encode(), replace=True)
    except OSError as failure:
        fix = write_hint(failure, "check the permissions of the folder and the disk's free space")
        raise StateError.of(display_path(file), cannot_be("written", failure), fix) from failure


def _commit(name: str) -> str:
    return checked_object(name) if name else ""


def _time(text: str | None) -> datetime | None:
    return utc_time(text) if text else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
