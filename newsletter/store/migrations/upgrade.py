"""Run Alembic inside a transaction of the store; imported only to migrate."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from newsletter.errors import StoreError
from newsletter.store.new_tables import lock_tables


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, with the folder of this package's migrations."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings


def head() -> str | None:
    """Return the revision of the newest migration."""
    return ScriptDirectory.from_config(config()).get_current_head()


def known(revision: str) -> bool:
    """Return True if this version has the migration, False if only a newer version has it."""
    scripts = ScriptDirectory.from_config(config()).walk_revisions()
    return revision in {script.revision for script in scripts}


def upgrade(connection: Connection) -> None:
    """Migrate the tables to the newest revision; processes that start together wait for each other.

    Raise StoreError if a newer version has migrated the database.
    """
    lock_tables(connection)
    try:
        command.upgrade(config(connection), "head")
    except (CommandError, ResolutionError) as failure:
        raise StoreError(
            f"a newer version of news has migrated the database ({failure})",
            "use that version, or a newer one",
        ) from failure
