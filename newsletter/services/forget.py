"""Forget people: erase all that the newsletter has about them, on this machine and in the database."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.config.loader import Newsletter
from newsletter.disk import reading
from newsletter.disk.boundary import every_entry, root_of
from newsletter.disk.failures import cannot_be, write_hint
from newsletter.display import display_path
from newsletter.errors import Problem
from newsletter.providers.outbox_mail import delete_mail_to
from newsletter.services.open_state import change_database
from newsletter.state.database_files import file_of_url, with_companions
from newsletter.state.location import DATABASE
from newsletter.store.database import Database
from newsletter.store.erasure import Erased, erase, is_being_sent_to, names_of
from newsletter.store.freed_space import WAIT_SECONDS
from newsletter.store.journal_erasure import erase_from_journals
from newsletter.subscribers.address import Address
from newsletter.subscribers.address_in_text import AddressInText

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

_AGAIN = "then run the same command again"
# An address, also an escaped one, is shorter than the overlap of two blocks.
_BLOCK_BYTES, _OVERLAP_BYTES = 4 * 1024**2, 4096


@dataclass
class ForgetReport:
    """The results by address, and what is left; each error in `problems` needs a person.

    `mails` is the number of messages that were deleted from the outbox.
    """

    results: dict[str, Erased] = field(default_factory=dict)
    mails: int = 0
    problems: list[Problem] = field(default_factory=list)


def forget(
    newsletter: Newsletter,
    addresses: Sequence[Address],
    now: datetime,
    wait_seconds: float = WAIT_SECONDS,
) -> ForgetReport:
    """Forget the people with these addresses, and save the state on its ref, if there is one.

    Whatever is left after an error is erased when it is called again with the same addresses, except for a
    name beside an address in a journal: it is not known any more. Raise the errors of `change_database`.
    """
    wanted: list[AddressInText] = []

    def change(database: Database) -> ForgetReport:
        with database.writing() as connection:
            report, found = erase_people(connection, addresses, now)
        wanted[:] = found
        _erase_from_database(database, newsletter, report, wait_seconds)
        return report

    report = change_database(newsletter, change)
    log.info("people forgotten", extra={"people": len(addresses)})
    _clean_files(newsletter, wanted, report)
    return report


def erase_people(
    connection: "Connection", addresses: Sequence[Address], now: datetime
) -> tuple[ForgetReport, list[AddressInText]]:
    """Erase the rows of people; return the report, and what is to be erased from files by `clean_up`."""
    names = names_of(connection, addresses)
    report = ForgetReport()
    on_its_way = [address for address in addresses if is_being_sent_to(connection, address)]
    for address in addresses:
        report.results.setdefault(address.given, erase(connection, address, now))
    if on_its_way:
        what = "mail is on its way; its result may name the address"
        report.problems.append(Problem("", what, f"wait until the send has ended, {_AGAIN}"))
    return report, [AddressInText(address.key, names.get(address.key, "")) for address in addresses]


def clean_up(
    newsletter: Newsletter,
    database: Database,
    wanted: Sequence[AddressInText],
    report: ForgetReport,
    wait_seconds: float,
) -> None:
    """Erase people whose rows are erased from the files, too; add what is left to the report."""
    _erase_from_database(database, newsletter, report, wait_seconds, rewrite=False)
    _clean_files(newsletter, wanted, report)


def _clean_files(newsletter: Newsletter, wanted: Sequence[AddressInText], report: ForgetReport) -> None:
    """Delete the mail in the outbox, and erase from the journals; add what is left to the report."""
    outbox = newsletter.outbox
    try:
        keys = {one.address_key for one in wanted}
        report.mails = delete_mail_to(outbox, root_of(outbox, newsletter.folder), keys)
    except OSError as failure:
        report.problems.append(_failed(outbox, failure, "check the permissions of the mail in it"))
    try:
        erase_from_journals(newsletter.runs, wanted)
    except OSError as failure:
        report.problems.append(_failed(newsletter.runs, failure, "check the permissions of the files in it"))
    report.problems += _other_files(newsletter, wanted)


def _erase_from_database(
    database: Database, newsletter: Newsletter, report: ForgetReport, seconds: float, *, rewrite: bool = True
) -> None:
    if not database.erase_deleted(seconds, rewrite=rewrite):
        what = "still has the deleted rows, because another process uses the database"
        fix = f"end the other commands of news that use this newsletter, {_AGAIN}"
        where = display_path(database_file(newsletter) or newsletter.state)
        report.problems.append(Problem(where, what, fix))


def database_file(newsletter: Newsletter) -> Path | None:
    """Return the file of a newsletter's database; None if a server has it."""
    url = newsletter.secrets.database_url
    return file_of_url(url.get_secret_value()) if url else newsletter.state / DATABASE


def _other_files(newsletter: Newsletter, wanted: Sequence[AddressInText]) -> Iterator[Problem]:
    """Yield a problem for each other file of the state that has one of the addresses, or cannot be read.

    Such a file is a database that `news state pull` has replaced, or what a killed command left. The
    database itself is not read: to close its file would end the locks of SQLite in this process.
    """
    file = database_file(newsletter)
    own = {os.path.realpath(path) for path in with_companions(file)} if file else set()
    path = newsletter.state
    try:
        for entry in every_entry(newsletter.state, without=[newsletter.runs, newsletter.outbox]):
            path = Path(entry.path)
            is_other = entry.is_file(follow_symlinks=False) and os.path.realpath(path) not in own
            if is_other and _has(path, wanted):
                fix = f"delete it if you do not need it, {_AGAIN}"
                yield Problem(display_path(path), "has the address too", fix)
    except OSError as failure:
        yield _failed(path, failure, "check its permissions")


def _has(path: Path, wanted: Sequence[AddressInText]) -> bool:
    """Return True if a file has one of the addresses; False too if it was deleted meanwhile."""
    overlap = b""
    with suppress(FileNotFoundError), reading.open_regular(path) as handle:
        while block := handle.read(_BLOCK_BYTES):
            content = overlap + block
            if any(one.is_in_database(content) for one in wanted):
                return True
            overlap = content[-_OVERLAP_BYTES:]
    return False


def _failed(path: Path, failure: OSError, default: str) -> Problem:
    where = Path(failure.filename) if isinstance(failure.filename, str) else path
    return Problem(display_path(where), cannot_be("cleaned", failure), write_hint(failure, default))
