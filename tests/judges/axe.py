"""Run axe-core, which finds barriers for readers with disabilities, on a mail in Chromium."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, Page

from tests.judges import installed
from tests.judges.verdicts import Verdict
from tests.render.looks import opened

# WCAG 2.2 to level AA, axe's best practices, and its rules from older versions of WCAG.
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "wcag2a-obsolete", "best-practice"]
_RUN = """async tags => (await axe.run({ runOnly: tags, resultTypes: ['violations'] })).violations
  .flatMap(rule => rule.nodes.map(node => [rule.id, node.html]))"""

# The width of the window in pixels, and True for dark mode.
WINDOWS = [(720, False), (375, True), (720, True), (375, False)]


@contextmanager
def judging(browser: Browser) -> Iterator[Page]:
    """Yield a page with axe loaded, for any number of mails: opening a page takes longer than judging one."""
    with opened(browser, "") as (page, _):
        page.evaluate(f"{installed.axe()};0")
        yield page


def judge(page: Page, mail: str, windows: Sequence[tuple[int, bool]] = WINDOWS) -> list[Verdict]:
    """Return axe's verdicts on a mail in some of WINDOWS."""
    page.set_content(mail)
    verdicts: dict[Verdict, None] = {}
    for width, dark in windows:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="dark" if dark else "light")
        verdicts |= {Verdict("axe", rule, html): None for rule, html in page.evaluate(_RUN, _TAGS)}
    return list(verdicts)
