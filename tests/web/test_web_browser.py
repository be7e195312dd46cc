"""People and link scanners in Chromium: from the sign-up to the erasure, through the mails of the outbox."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.forks import ForkServer
from tests.judges import axe, installed
from tests.render.looks import OVERFLOW
from tests.web.running import ENVIRONMENT, RunningServer, links, newsletter_folder, running, wait_until
from tests.web.visitors import PUBLIC

SAM = "sam@example.com"
_PHONE = {"width": 375, "height": 667}
_WINDOW = [(375, False)]
_SCANNER_WAITS_MS = 60_000
# Attributes and elements that run something without a click.
_ACTIVE = (
    "() => [...document.querySelectorAll('script, iframe, object, embed, [http-equiv]')]"
    ".map(e => e.outerHTML)"
    ".concat([...document.querySelectorAll('*')].flatMap(e => [...e.attributes])"
    ".filter(a => /^on/i.test(a.name) || /^\\s*javascript:/i.test(a.value)).map(a => a.name))"
)


@pytest.fixture(scope="module")
def server(forks: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(forks, newsletter_folder(tmp_path_factory.mktemp("served"))) as running_server:
        yield running_server


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """Yield a phone whose browser runs no scripts."""
    context = browser.new_context(java_script_enabled=False, viewport=_PHONE)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def judge(browser: Browser, server: RunningServer) -> Iterator[Page]:
    """Yield a page of the server with axe, which needs scripts, to show other pages of the server in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url)
    page.evaluate(f"{installed.axe()};0")
    yield page
    context.close()


class Visitor:
    """A person with a phone, who looks at each page before the next step."""

    def __init__(self, context: BrowserContext, server: RunningServer, judge: Page) -> None:
        self.page, self.complaints = context.new_page(), list[str]()
        self._server, self._context, self._judge = server, context, judge
        self.page.on("console", lambda message: self._hear(message.text))
        self.page.on("requestfailed", lambda request: self.complaints.append(request.url))

    def _hear(self, text: str) -> None:
        if "410 (Gone)" not in text:  # the page of a link that has run out
            self.complaints.append(text)

    def opens(self, link: str) -> None:
        self.page.goto(self._server.here(link))

    def presses(self, button: str, *, is_first: bool = True) -> None:
        """Press a button; unless it stands further down, it is seen without scrolling."""
        found = self.page.get_by_role("button", name=button, exact=True)
        box = found.bounding_box()
        assert box and (not is_first or box["y"] + box["height"] <= _PHONE["height"]), (button, box)
        found.click()

    def sees(self, title: str, *words: str) -> None:
        """Look at the title, the words and the width of the page, and at what the browser says of it."""
        page = self.page
        page.wait_for_load_state()
        assert page.title().removesuffix(" | The Soup Letter") == title
        text = " ".join(page.locator("main").inner_text().split())
        for word in words:
            assert word in text, text
        assert page.evaluate(OVERFLOW) == [], title
        # The style sheet and the policy of the pages are those of the server: the policy allows the sheet.
        assert page.evaluate("() => document.styleSheets.length") == 1, title
        assert axe.judge(self._judge, page.content(), _WINDOW) == [], title
        assert (self._context.cookies(), self.complaints) == ([], [])


def send_issue(forks: ForkServer, folder: Path) -> None:
    """Send the issue by another process, beside the server."""
    output = folder / "send.txt"
    with output.open("wb") as file:
        process = forks.start(
            *("newsletter", "send", "--issue", "2026-04-27", "--yes"),
            folder=folder,
            output=file.fileno(),
            errors=file.fileno(),
            environment={**os.environ, **ENVIRONMENT},
        )
    assert process.wait(60) == 0, output.read_text()


def test_a_reader_signs_up_reads_leaves_returns_and_is_erased(
    forks: ForkServer, server: RunningServer, phone: BrowserContext, judge: Page
) -> None:
    visitor = Visitor(phone, server, judge)
    page = visitor.page
    page.goto(server.url)
    visitor.sees("The Soup Letter")
    page.get_by_label("Your e-mail address").fill(SAM)
    visitor.presses("Subscribe")
    visitor.sees("Now look at your mail", "s•••@example.com")

    (confirm,) = links(server.wait_for_mail("confirm"))
    visitor.opens(confirm)
    visitor.sees("One more click, and you are subscribed", "s•••@example.com")
    visitor.presses("Yes, send it to me")
    visitor.sees("You are subscribed", "s•••@example.com")

    send_issue(forks, server.folder)
    (unsubscribe,) = links(server.wait_for_mail("2026-04-27"))
    visitor.opens(unsubscribe)
    visitor.sees("Leave The Soup Letter?", "s•••@example.com")
    visitor.presses("Unsubscribe")
    visitor.sees("You have left", "may still arrive")
    visitor.presses("Undo: I pressed by mistake")
    visitor.sees("You still get the newsletter", "s•••@example.com")

    page.get_by_role("link", name="Leave, or see your data").click()
    visitor.sees("Leave, or see your data")
    page.get_by_label("Your e-mail address").fill(SAM)
    visitor.presses("Send me my link")
    visitor.sees("Now look at your mail")

    data = next(link for link in links(server.wait_for_mail("data")) if "/me/" in link)
    visitor.opens(data)
    visitor.sees("What we know about you", SAM, "Left", "Came back")
    with page.expect_download() as download:
        page.get_by_role("link", name="All data (JSON)").click()
    person = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert SAM in json.dumps(person)
    page.get_by_role("checkbox").check()
    visitor.presses("Erase my data", is_first=False)
    visitor.sees("Your data is erased")
    visitor.opens(data)
    visitor.sees("This link has run out")
    assert SAM not in json.dumps(server.contents(), default=str)


def test_a_link_scanner_that_runs_scripts_changes_nothing(
    forks: ForkServer, browser: Browser, server: RunningServer
) -> None:
    """Complaint: scanners open each link of a mail in a browser, and run and submit what a script submits.

    The minute that the scanner waits is that of a fake clock, which is as good as a real one: nothing on the
    pages could wait for it, because they have no script, no frame and no refresh, which is looked at too.
    """
    for address in ("reader@example.com", "waits@example.com"):
        server.sign_up(address)
    wait_until(lambda: len(server.mails("confirm")) >= 2)
    confirmations = {str(mail["To"]): links(mail)[0] for mail in server.mails("confirm")}
    server.ask("POST", confirmations["reader@example.com"].removeprefix(PUBLIC))
    send_issue(forks, server.folder)
    server.ask("POST", "/lost", data={"address": "reader@example.com"})
    wait_until(lambda: server.mails("data"))
    found = [link for mail in server.mails() for link in links(mail)]
    assert {link.removeprefix(PUBLIC).split("/")[1] for link in found} == {"confirm", "unsubscribe", "me"}
    before = server.contents()
    context = browser.new_context()
    try:
        opened = scan(context.new_page(), server, [server.url, *map(server.here, found)])
    finally:
        context.close()
    assert set(map(server.here, found)) < opened
    assert {address.rpartition("/")[2] for address in opened} >= {"", "lost", "data.json", "data.csv"}
    assert server.contents() == before


def scan(page: Page, server: RunningServer, start: list[str]) -> set[str]:
    """Open addresses and all links of their pages; return the addresses."""
    page.clock.install()
    waiting, opened = list(start), set[str]()
    while waiting:
        address = waiting.pop()
        if address in opened or not address.startswith(server.url):
            continue
        opened.add(address)
        if address.endswith((".json", ".csv")):  # a browser downloads these
            assert page.request.get(address).ok
            continue
        page.goto(address)
        page.clock.run_for(_SCANNER_WAITS_MS)
        assert page.evaluate(_ACTIVE) == [], address
        links_of_page = page.evaluate("() => [...document.links].map(link => link.href)")
        waiting += [urljoin(address, link).partition("#")[0] for link in links_of_page]
    return opened
