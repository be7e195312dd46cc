"""Readers without scripts sign up on a page of the archive, at a `news serve` on another host."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from newsletter.archive.pages import archive_wording
from newsletter.render.pages import sign_up_wording
from newsletter.services.archive import build_archive
from tests import samples
from tests.archive.archive_sites import BuiltSite, Host
from tests.forks import ForkServer
from tests.web.running import HIGH_RATES, RunningServer, newsletter_folder, running, wait_until
from tests.web.visitors import PUBLIC

_ARCHIVE = "site: https://papers.example.com\narchive: {sign_up: form}\n"
_ISSUE = "2026-04-27"


@dataclass
class Servers:
    """The archive and `news serve` of a newsletter, each at its own address for a browser without scripts."""

    archive: BuiltSite
    server: RunningServer
    host: Host
    context: BrowserContext

    def words(self) -> list[str]:
        """Return the words with which people have asked for the newsletter."""
        return [row[1] for row in self.server.contents()["wording"]]

    def asked(self) -> int:
        return len(self.server.contents()["sign_up"])

    def open(self, path: str) -> Page:
        page = self.context.new_page()
        page.goto(f"{self.archive.url}/{path}")
        return page


@pytest.fixture(scope="module")
def servers(
    forks: ForkServer, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    folder = newsletter_folder(tmp_path_factory.mktemp("served"), extra=HIGH_RATES + _ARCHIVE)
    newsletter, target = samples.load(folder), tmp_path_factory.mktemp("archive")
    build_archive(newsletter, target, None, dt.date.fromisoformat(_ISSUE), draw=False)
    archive = BuiltSite("archive", target, newsletter.site)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 375, "height": 667})
    with running(forks, folder) as server:
        host = Host(context, {"archive": archive})

        def pass_on(route: Route) -> None:
            """Answer as the web server at the public address, which passes requests on."""
            route.fulfill(response=route.fetch(url=server.here(route.request.url)))

        context.route(f"{PUBLIC}/**", pass_on)
        yield Servers(archive, server, host, context)
        context.close()


def sign_up(page: Page, address: str) -> None:
    page.get_by_label("Your e-mail address").fill(address)
    page.get_by_role("button", name="Subscribe").click()


@pytest.mark.parametrize("path", ["", f"{_ISSUE}/"], ids=["list", "issue"])
def test_a_reader_signs_up_on_a_page_of_the_archive(servers: Servers, path: str) -> None:
    page, asked = servers.open(path), servers.asked()
    form = " ".join(page.locator("#subscribe").inner_text().replace("Leave this field empty", "").split())
    sign_up(page, f"sam{len(path)}@example.com")
    page.wait_for_url(f"{PUBLIC}/subscribe")
    assert page.title() == "Now look at your mail | The Soup Letter"
    wait_until(lambda: servers.asked() == asked + 1)
    (wording,) = servers.words()
    assert wording == archive_wording(servers.archive.site, PUBLIC)
    assert wording.endswith(form)
    assert "Nothing in the mail watches you." in form


def test_a_robot_that_fills_the_hidden_field_is_not_signed_up(servers: Servers) -> None:
    page, asked = servers.open(""), servers.asked()
    page.locator(".trap input").evaluate("field => field.value = 'x'")
    sign_up(page, "robot@example.com")
    page.wait_for_url(f"{PUBLIC}/subscribe")
    assert servers.asked() == asked


def test_the_policy_of_a_page_permits_its_form_only(servers: Servers) -> None:
    html = servers.archive.pages()["index.html"]
    assert f"form-action {PUBLIC};" in html
    servers.host.replaced["?other"] = html.replace(f"form-action {PUBLIC};", "form-action 'none';")
    page, asked = servers.open("?other"), servers.asked()
    page.get_by_label("Your e-mail address").fill("nobody@example.com")
    with page.expect_console_message() as said:
        page.keyboard.press("Enter")  # a click would wait for the next page
    assert "form-action" in said.value.text
    assert servers.asked() == asked


def test_a_form_without_the_name_of_the_archive_keeps_the_words_of_the_server(servers: Servers) -> None:
    before = servers.words()
    for number, fields in enumerate(({}, {"form": ""}, {"form": "another"})):
        data = {"address": f"bo{number}@example.com", **fields}
        assert servers.server.ask("POST", "/subscribe", data=data).status_code == 200
    wait_until(lambda: len(servers.words()) > len(before))
    assert servers.words() == [*before, sign_up_wording(servers.archive.site)]
