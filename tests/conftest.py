"""Fixtures that more than one folder of tests needs."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.required import need


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, one a module: playwright keeps an event loop running, and a thread can have only one."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    need(None if executable else "chromium (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()
