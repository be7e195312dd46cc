"""Test that nothing of a forgotten person is left: the bytes of all files of the newsletter are searched."""

import logging
import os
from contextlib import closing
from pathlib import Path

import pytest

from newsletter.config.loader import Newsletter
from newsletter.sending.outcomes import Refused
from newsletter.services.forget import forget
from newsletter.services.open_state import change_database
from newsletter.store.database import Database, open_database
from newsletter.store.export_rows import iter_rows
from newsletter.store.journal import SendProcess
from newsletter.store.subscribers import Subscribers
from newsletter.store.suppression import forgotten
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.machines import Machines

ADA, BO = (parse_subscriber(f"{name}@Mail.example.com")[0] for name in ("Ada.Example", "bo"))
MAIL = "From: soup@example.com\nTo: Ada <ADA.Example@mail.example.com>\n\nSoup\n"


def add(newsletter: Newsletter) -> None:
    def change(database: Database) -> None:
        for address in (ADA, BO):
            Subscribers(database).add(address, "Ada Lovelace-Example" if address is ADA else "Bo")

    change_database(newsletter, change)


def files_with(folder: Path, *texts: bytes) -> list[str]:
    """Return the names of the files below a folder that have one of some texts, in any case."""
    found = []
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes().lower()
            found += [file.name for text in texts if text.lower() in content]
    return found


def test_no_file_has_the_address_after_forgetting(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="newsletter")
    newsletter = samples.newsletter(tmp_path)
    add(newsletter)
    for part in ("new", "cur", "tmp"):
        (newsletter.outbox / part).mkdir(parents=True)
    (newsletter.outbox / "new" / "2026-04-27.1.0123abcd.eml").write_text(MAIL)
    with SendProcess(newsletter.runs) as process:
        journal = process.journal("1-1")
        journal.starting(1)
        journal.finished(1, Refused("550 Ada Lovelace-Example <ada.example@mail.example.com>: user unknown"))
        assert len(files_with(tmp_path, ADA.key.encode())) >= 3
        report = forget(newsletter, [ADA], samples.NOW)
        journal.finished(2, Refused("later"))
        (notes,) = [file.read_text() for file in newsletter.runs.rglob("1-1")]
        assert notes.startswith(f"1\tbegun\t\n1\trefused\t550 {'*' * 20} <***")
        assert notes.endswith("2\trefused\tlater\n")
    assert (report.results, report.mails, report.problems) == ({ADA.given: "erased"}, 1, [])
    with open_database(newsletter) as database:
        rows = "".join(",".join(row) for row in iter_rows(database))
    (tmp_path / "export.csv").write_text(rows)
    assert files_with(tmp_path, ADA.key.encode(), b"Lovelace-Example") == []
    assert len(files_with(tmp_path, BO.key.encode())) == 2
    assert "ada" not in caplog.text.lower()


def test_forgetting_again_ends_what_was_interrupted(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    add(newsletter)
    forget(newsletter, [ADA], samples.NOW)
    (newsletter.outbox / "new").mkdir(parents=True)
    (newsletter.outbox / "new" / "2026-04-27.1.0123abcd.eml").write_text(MAIL)
    report = forget(newsletter, [ADA, parse_subscriber("ada.example@MAIL.example.com")[0]], samples.NOW)
    assert (list(report.results.values()), report.mails) == (["already", "already"], 1)
    assert forget(newsletter, [ADA], samples.NOW).mails == 0


def test_an_older_database_in_the_state_is_named(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    add(newsletter)
    kept = newsletter.state / "replaced-news.db"
    with open_database(newsletter) as database:
        database.copy_to(kept)
    (problem,) = forget(newsletter, [ADA], samples.NOW).problems
    assert problem.where.endswith("replaced-news.db") and problem.what == "has the address too"
    kept.unlink()
    assert forget(newsletter, [ADA], samples.NOW).problems == []


@pytest.mark.parametrize("place", ["outbox/new", "runs", "runs/1/notes", "state/old"])
def test_a_folder_that_cannot_be_read_is_a_problem(tmp_path: Path, place: str) -> None:
    newsletter = samples.newsletter(tmp_path)
    add(newsletter)
    name, _, rest = place.partition("/")
    folder = {"outbox": newsletter.outbox, "runs": newsletter.runs, "state": newsletter.state}[name] / rest
    if place in ("outbox/new", "runs"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.write_text("a file, not a folder")
    else:
        make_unreadable(folder)
    (problem,) = forget(newsletter, [ADA], samples.NOW).problems
    assert problem.what.startswith("cannot be cleaned (")


def make_unreadable(folder: Path) -> None:
    """Make folders in each other, the path to the last of which is longer than the system permits."""
    folder.mkdir(parents=True)
    start, part = os.open(".", os.O_RDONLY), "x" * 200
    try:
        os.chdir(folder)
        for _ in range(25):
            os.mkdir(part)
            os.chdir(part)
    finally:
        os.fchdir(start)
        os.close(start)


def test_files_below_the_state_are_read_too_and_other_addresses_are_no_problem(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    add(newsletter)
    (newsletter.state / "old" / "deep").mkdir(parents=True)
    (newsletter.state / "others.db").write_bytes(b"\x07" + f"{ADA.given}.br{ADA.key}.bractive".encode() * 9)
    assert forget(newsletter, [ADA], samples.NOW).problems == []
    (newsletter.state / "old" / "deep" / "news.db").write_bytes(f"5{ADA.given}{ADA.key}active".encode())
    (problem,) = forget(newsletter, [ADA], samples.NOW).problems
    assert problem.where.endswith("deep/news.db")


def test_the_state_on_the_ref_forgets_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.state.state_ref._PAUSE_SECONDS", 0.01)
    machines = Machines(tmp_path)
    first = machines.newsletter()
    from newsletter.services.state import initialise

    initialise(first, public=False, on_new_key=lambda key: None)
    add(first)
    before = machines.commit()
    forget(first, [ADA], samples.NOW)
    assert machines.commit() != before
    second = machines.newsletter("second")

    def look(database: Database) -> None:
        assert [entry.address for entry in Subscribers(database).iter_all()] == [BO.given]
        with database.reading() as connection:
            assert forgotten(connection, [ADA.key]) == {ADA.key}

    change_database(second, look)
    assert files_with(second.state, ADA.key.encode()) == []


def test_postgresql_forgets(tmp_path: Path, postgresql_url: str) -> None:
    newsletter = samples.newsletter(tmp_path, NEWS_DATABASE_URL=postgresql_url)
    add(newsletter)
    report = forget(newsletter, [ADA], samples.NOW)
    assert (report.results, report.problems) == ({ADA.given: "erased"}, [])
    with closing(Database.open(newsletter)) as database:
        assert [row[0] for row in iter_rows(database)] == [BO.given]
