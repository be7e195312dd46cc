"""Fixtures that more than one folder of tests needs."""

import gc
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.required import need


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """Commands tell the garbage collector how to behave in their process; the next test is in this one."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, one a module: playwright keeps an event loop running, and a thread can have only one."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    need(None if executable else "chromium (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()
