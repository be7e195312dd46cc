"""Check that Git tracks no file with secrets, addresses or mail."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from newsletter.checks.proof import Proof
from newsletter.config.loader import DOTENV, Newsletter
from newsletter.errors import Problem
from newsletter.state.database_files import COMPANIONS, file_of_url, with_companions
from newsletter.state.location import OLD
from newsletter.state.tracked import tracked_problems

_DATABASES = tuple(
    f"{suffix}{ending}" for suffix in (".db", ".sqlite", ".sqlite3") for ending in ("", *COMPANIONS)
)


def private_files(proof: Proof) -> Iterator[Problem]:
    """Secrets, databases and mail that Git tracks."""
    yield from tracked_files(proof.newsletter)


def tracked_files(newsletter: Newsletter) -> Iterator[Problem]:
    """Yield a problem for each private file of a newsletter that Git tracks."""
    private = {newsletter.folder / DOTENV, newsletter.folder / OLD, newsletter.outbox}
    for problem in tracked_problems(sorted(private | set(_databases(newsletter)))):
        yield replace(problem, severity="error", check="private-files")


def _databases(newsletter: Newsletter) -> Iterator[Path]:
    """Yield the files that may be databases: those in the newsletter's folder, and the configured one.

    Each is with the files that SQLite makes beside it, which have rows of the database too.
    """
    with suppress(OSError):
        yield from (file for file in newsletter.folder.iterdir() if file.name.endswith(_DATABASES))
    url = newsletter.secrets.database_url
    if url and (file := file_of_url(url.get_secret_value())):
        yield from with_companions(file)
