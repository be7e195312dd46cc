"""Import subscribers from the files of other tools, or tell what an import would change."""

from collections.abc import Sequence
from pathlib import Path

from newsletter.config.loader import Newsletter
from newsletter.services.open_state import change_database, open_to_read
from newsletter.store.import_outcome import ImportOutcome
from newsletter.store.staged_import import StagedImport
from newsletter.subscribers.formats.options import ImportOptions
from newsletter.subscribers.formats.reader import read
from newsletter.subscribers.table_file import open_tables


def import_files(
    newsletter: Newsletter, paths: Sequence[Path], options: ImportOptions, *, dry_run: bool = False
) -> ImportOutcome:
    """Import the subscribers of all files; return the number of rows by result. Change nothing if `dry_run`.

    Raise SubscriberError, before anything is imported, if one of the files cannot be understood, and the
    errors of `change_database`.
    """
    with StagedImport(newsletter) as staged:
        for path in paths:
            with open_tables(path, options.encoding) as tables:
                for table in tables:
                    staged.add(read(table, options), _source(path, table.name))
        if dry_run:
            with open_to_read(newsletter) as state:
                return staged.compare(state.database)
        # Another machine may save the same state meanwhile: then the files need not be read again.
        return change_database(newsletter, staged.apply)


def _source(path: Path, name: str) -> str:
    """Return the origin of the consent of a file's people; the name of a pipe would say nothing."""
    return name if path.is_file() else "standard input"
