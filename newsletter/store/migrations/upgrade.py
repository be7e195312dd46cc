"""Run Alembic inside a transaction of ours; imported only when there is something to migrate."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from newsletter.errors import StoreError

_LOCK = 0x6E657773  # "news"; any number does that everybody agrees on


def config(connection: Connection | None = None) -> Config:
    """What Alembic needs to find the migrations of this package."""
    found = Config()
    found.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    found.attributes["connection"] = connection
    return found


def head() -> str | None:
    """The newest migration."""
    return ScriptDirectory.from_config(config()).get_current_head()


def known(revision: str) -> bool:
    """Whether this version has the migration; it has none that a newer one has made."""
    return revision in {one.revision for one in ScriptDirectory.from_config(config()).walk_revisions()}


def upgrade(connection: Connection) -> None:
    """Brings the tables up to date; two that start at once wait for each other."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    try:
        command.upgrade(config(connection), "head")
    except (CommandError, ResolutionError) as failure:
        raise StoreError(
            f"the database was made by a newer news ({failure})", "use that one, or a newer one"
        ) from failure
