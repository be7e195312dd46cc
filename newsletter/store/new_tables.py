"""Make the tables of a new database at once, as the migrations make them one after another.

Only an older database needs the migrations, whose library takes longer to import than a short command.
"""

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, text

from newsletter.store.schema import REVISION, metadata

_LOCK = 0x6E657773  # "news"; an arbitrary number, the same for all processes

# As Alembic makes it.
_revision_table = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def lock_tables(connection: Connection) -> None:
    """Wait until no other process makes or migrates the tables; SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def make_tables(connection: Connection) -> bool:
    """Make the tables of an empty database; return False, and change nothing, if it has tables."""
    lock_tables(connection)
    if inspect(connection).get_table_names():
        return False
    metadata.create_all(connection, checkfirst=False)
    _revision_table.create(connection, checkfirst=False)
    connection.execute(_revision_table.insert().values(version_num=REVISION))
    return True
