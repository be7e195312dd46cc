"""Tests of finding Chromium: what is missing is told before a browser starts."""

import sys
from pathlib import Path

import pytest

from newsletter.browser.cards import draw_cards
from newsletter.browser.chromium import CHROMIUM_COMMANDS
from newsletter.errors import Unavailable

PAGES = [("it", "<p>it</p>")]


@pytest.fixture
def programs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is the only one with programs and browsers."""
    folder = tmp_path_factory.mktemp("programs")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(folder))
    return folder


def install(programs: Path, script: str) -> None:
    """Install a browser that is a shell script."""
    browser = programs / CHROMIUM_COMMANDS[0]
    browser.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    browser.chmod(0o755)


@pytest.mark.skipif(sys.platform != "linux", reason="a Mac has browsers elsewhere, too")
def test_chromium_is_missing(programs: Path) -> None:
    with pytest.raises(Unavailable, match=r"^Chromium is not installed$") as missing:
        list(draw_cards(PAGES, (40, 40)))
    assert "apt install" in missing.value.hint


def test_playwright_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright", None)
    monkeypatch.delitem(sys.modules, "playwright.async_api", raising=False)
    with pytest.raises(Unavailable, match="pictures need playwright, which is not installed") as missing:
        list(draw_cards(PAGES, (40, 40)))
    assert "pip install playwright" in missing.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="the broken browser is a shell script")
def test_a_broken_chromium_is_told_when_it_starts(programs: Path) -> None:
    install(programs, "echo 'libfoo.so is missing' >&2\nexit 3")
    with pytest.raises(Unavailable, match=r"Chromium does not start: libfoo\.so is missing"):
        list(draw_cards(PAGES, (40, 40)))
