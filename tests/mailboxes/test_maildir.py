"""Reports in a maildir: the ones that are read, and the mark that they get."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.errors import Unavailable
from newsletter.mailboxes.maildir import Maildir
from newsletter.mailboxes.model import MAX_MAIL_BYTES
from tests import reports
from tests.reports import Sent

AT = datetime(2026, 4, 27, 9, 0, tzinfo=UTC)
REPORT = reports.postfix(Sent(1), AT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    return tmp_path / "mail"


def write(folder: Path, name: str, content: bytes = REPORT) -> Path:
    (folder / name).write_bytes(content)
    os.utime(folder / name, (AT.timestamp(), AT.timestamp()))
    return folder / name


def files(folder: Path) -> list[str]:
    return sorted(f"{path.parent.name}/{path.name}" for path in folder.glob("*/*"))


def test_reports_are_read_once(folder: Path) -> None:
    for name in ("new/2.M1.mx", "new/1.M1.mx", "cur/3.M1.mx:2,F", "cur/4.M1.mx:2,S", "tmp/5.M1.mx"):
        write(folder, name)
    write(folder, "new/6.M1.mx", b"Subject: A letter\r\n\r\nContent-Type: multipart/report\r\n")
    mailbox = Maildir(folder, None)
    found = list(mailbox.unread_reports())
    assert [mail.key for mail in found] == ["new/1.M1.mx", "new/2.M1.mx", "cur/3.M1.mx:2,F"]
    assert {(mail.content, mail.received_at) for mail in found} == {(REPORT, AT)}
    mailbox.mark_read([mail.key for mail in found])
    assert files(folder) == [
        "cur/1.M1.mx:2,S",
        "cur/2.M1.mx:2,S",
        "cur/3.M1.mx:2,FS",
        "cur/4.M1.mx:2,S",
        "new/6.M1.mx",
        "tmp/5.M1.mx",
    ]
    assert list(mailbox.unread_reports()) == []


def test_only_the_beginning_of_a_large_mail_is_read(folder: Path) -> None:
    write(folder, "new/1", REPORT + b"x" * 2 * MAX_MAIL_BYTES)
    (found,) = Maildir(folder, None).unread_reports()
    assert len(found.content) == MAX_MAIL_BYTES and found.content.startswith(REPORT)


def test_links_pipes_and_folders_are_passed_over(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(REPORT)
    (folder / "new" / "1").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "new" / "2")
    (folder / "new" / "3").mkdir()
    write(folder, "new/4")
    assert [mail.key for mail in Maildir(folder, None).unread_reports()] == ["new/4"]


def test_a_mail_that_vanishes_is_passed_over(folder: Path) -> None:
    first, second = write(folder, "new/1"), write(folder, "new/2")
    mailbox = Maildir(folder, None)
    found = mailbox.unread_reports()
    next(found)
    second.unlink()
    assert list(found) == []
    first.unlink()
    mailbox.mark_read(["new/1"])


def test_a_link_out_of_the_newsletter_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "newsletter").mkdir()
    link = tmp_path / "newsletter" / "bounces"
    link.symlink_to(folder)
    with pytest.raises(Unavailable, match="bounces"):
        list(Maildir(link, tmp_path / "newsletter").unread_reports())


def test_another_folder_is_no_maildir(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="is not a maildir"):
        Maildir(tmp_path / "missing", None)
