"""Test that the mail to a person is deleted from a maildir, and nothing else."""

import os
from pathlib import Path

import pytest

from newsletter.disk.boundary import UnsafeFile
from newsletter.providers.outbox_mail import delete_mail_to

NAME = "2026-04-27.{}.0123abcd.eml"


def put(outbox: Path, file: str, to: str) -> None:
    path = outbox / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"From: soup@example.com\nTo: {to}\nSubject: x\n\nTo: a@example.com\n", encoding="utf-8")


def test_only_the_mail_to_the_person_is_deleted(tmp_path: Path) -> None:
    mine = {
        f"new/{NAME.format('1')}": "A@Example.com",
        f"new/{NAME.format('2')}": "Ada Example <a@example.com>",
        f"new/{NAME.format('3')}": "=?utf-8?q?=C3=84da?=\n <a@example.com>",
        f"cur/{NAME.format('4')}:2,RS": "a@example.com",
        f"tmp/{NAME.format('5')}.4711": "a@example.com",
    }
    others = {
        f"new/{NAME.format('6')}": "ada@example.com",
        f"new/{NAME.format('7')}": '"a@example.com" <bo@example.com>',
        f"new/{NAME.format('8')}": "a@example.com.invalid",
        "cur/1714.of-a-mail-program:2,S": "a@example.com",
        ".Sent/cur/mine.eml": "a@example.com",
    }
    for file, to in {**mine, **others}.items():
        put(tmp_path, file, to)
    assert delete_mail_to(tmp_path, None, {"a@example.com"}) == len(mine)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(others)
    assert delete_mail_to(tmp_path, None, {"a@example.com"}) == 0
    assert delete_mail_to(tmp_path / "none", None, {"a@example.com"}) == 0


def test_links_are_not_followed(tmp_path: Path) -> None:
    put(tmp_path, f"elsewhere/new/{NAME.format('1')}", "a@example.com")
    letter = tmp_path / "letter"
    (letter / "outbox" / "new").mkdir(parents=True)
    os.symlink(tmp_path / "elsewhere/new" / NAME.format("1"), letter / "outbox/new" / NAME.format("1"))
    assert delete_mail_to(letter / "outbox", letter, {"a@example.com"}) == 0
    (letter / "outbox" / "cur").symlink_to(tmp_path / "elsewhere/new")
    with pytest.raises(UnsafeFile):
        delete_mail_to(letter / "outbox", letter, {"a@example.com"})
    assert (tmp_path / "elsewhere/new" / NAME.format("1")).exists()


def test_a_mail_whose_head_is_not_read_to_its_end_is_an_error(tmp_path: Path) -> None:
    put(tmp_path, f"new/{NAME.format('1')}", "bo@example.com,\n " * 6000 + "a@example.com")
    with pytest.raises(UnsafeFile, match="before its text"):
        delete_mail_to(tmp_path, None, {"a@example.com"})
