"""Write the copy of the database that is published, from which another machine can continue.

The copy states at least as much as this machine does before the next copy: chunks that it may claim until
then are intended in the copy. A reader may rely on it that nobody has tried a recipient who is waiting there.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import (
    URL,
    Connection,
    NullPool,
    create_engine,
    insert,
    literal,
    null,
    select,
    update,
)

from newsletter.sending.model import NextChunk
from newsletter.store.database import Database, translate_db_errors
from newsletter.store.schema import attempt_table, chunk_table, send_table


def write_published_copy(
    database: Database,
    file: Path,
    next_chunks: Sequence[NextChunk],
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Copy a SQLite database to a new private file, and record in the copy that `next_chunks` are intended.

    The copy names no process that sends: a lease ends when its deadline is published, and only this machine
    can read the notes of its processes. Raise StoreError if the file cannot be written.
    """
    database.copy_to(file)
    with _writing(file) as connection:
        connection.execute(update(send_table).values(lease_holder=None, lease_until=None))
        intended = update(attempt_table).where(attempt_table.c.state == "intended")
        connection.execute(intended.values(process=None))
        for chunk in next_chunks:
            _intend(connection, chunk, clock())


def _intend(connection: Connection, chunk: NextChunk, now: datetime) -> None:
    """Record an attempt for the recipients of a range who are still waiting.

    They are in several chunks if the range was split after a refusal.
    """
    waiting = (
        chunk_table.c.send_id == chunk.send_id,
        chunk_table.c.first.between(chunk.first, chunk.last),
        chunk_table.c.state == "waiting",
    )
    values = {
        "send_id": chunk_table.c.send_id,
        "first": chunk_table.c.first,
        "last": chunk_table.c.last,
        "held_batch": literal(chunk.held_batch),
        "process": null(),
        "state": literal("intended"),
        "intended_at": literal(now, attempt_table.c.intended_at.type),
    }
    columns = [attempt_table.c[key] for key in values]
    connection.execute(insert(attempt_table).from_select(columns, select(*values.values()).where(*waiting)))
    intended = update(chunk_table).where(*waiting)
    connection.execute(intended.values(state="intended", held_batch=chunk.held_batch))


@contextmanager
def _writing(file: Path) -> Iterator[Connection]:
    """Open a transaction on a copy, which leaves no other file beside it."""
    engine = create_engine(URL.create("sqlite", database=str(file)), poolclass=NullPool, hide_parameters=True)
    with translate_db_errors(engine.url), engine.connect() as connection:
        # Without a rollback journal on the disk, and without waits for the disk: nobody uses a copy that is
        # not complete.
        connection.exec_driver_sql("pragma journal_mode=MEMORY")
        connection.exec_driver_sql("pragma synchronous=OFF")
        yield connection
        connection.commit()
