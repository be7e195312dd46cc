"""axe-core, which looks for what shuts people out, in the mail as Chromium shows it."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page

from tests.judges import installed
from tests.judges.verdicts import Verdict
from tests.render.looks import opened

# WCAG 2.2 to level AA, what axe calls good practice, and what it still knows of older versions.
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "wcag2a-obsolete", "best-practice"]
_RUN = """async tags => (await axe.run({ runOnly: tags, resultTypes: ['violations'] })).violations
  .flatMap(rule => rule.nodes.map(node => [rule.id, node.html]))"""

# How wide the window is, in pixels, and whether its reader likes it dark.
WINDOWS = [(720, False), (375, True), (720, True), (375, False)]


@contextmanager
def judging(browser: Browser) -> Iterator[Page]:
    """A page with axe in it, for any number of mails: opening one takes longer than judging what it shows."""
    with opened(browser, "") as (page, _):
        page.evaluate(f"{installed.axe()};0")
        yield page


def judge(page: Page, mail: str, windows: int = len(WINDOWS)) -> list[Verdict]:
    """What it finds in a mail in the first so many windows."""
    page.set_content(mail)
    found: dict[Verdict, None] = {}
    for width, dark in WINDOWS[:windows]:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="dark" if dark else "light")
        found |= {Verdict("axe", rule, html): None for rule, html in page.evaluate(_RUN, _TAGS)}
    return list(found)
