"""Tests of new issues of the preview against links and files in their place."""

import os

import pytest

from tests.preview.conftest import Letter, letter
from tests.preview.test_preview_new_issue import start

__all__ = ["letter"]  # fixture


@pytest.mark.parametrize("kind", ["file", "folder", "link", "pipe"])
def test_nothing_is_overwritten(letter: Letter, tmp_path_factory: pytest.TempPathFactory, kind: str) -> None:
    file, outside = letter.folder / "issues/2026-02-02.yml", tmp_path_factory.mktemp("outside") / "new"
    {
        "file": lambda: file.write_text("mine", encoding="utf-8"),
        "folder": file.mkdir,
        "link": lambda: file.symlink_to(outside),
        "pipe": lambda: os.mkfifo(file),
    }[kind]()
    told = start(letter, "2026-02-02")
    assert told == {
        "ok": False,
        "said": "issues/2026-02-02.yml: the file exists already; edit it, or delete it first",
    }
    assert not outside.exists()
    assert kind != "file" or file.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("target", ["outside", ".git/hooks"])
def test_a_linked_folder_must_be_inside(
    letter: Letter, tmp_path_factory: pytest.TempPathFactory, target: str
) -> None:
    folder = tmp_path_factory.mktemp("outside") if target == "outside" else letter.folder / target
    folder.mkdir(parents=True, exist_ok=True)
    (letter.folder / "issues").rename(letter.folder / "moved")
    (letter.folder / "issues").symlink_to(folder)
    told = start(letter, "2026-02-02")
    assert told["ok"] is False and "symbolic link" in str(told["said"])
    assert list(folder.iterdir()) == []
