"""Tests of the file watcher, with real files and watches, without a browser."""

import asyncio
import os
import shutil
import time
from contextlib import asynccontextmanager

import pytest

from newsletter.preview.builder import build
from newsletter.preview.file_watcher import changes
from newsletter.preview.routes import app
from newsletter.preview.workspace import Workspace

FOOTER = "<mj-section><mj-column><mj-text>Bon appétit</mj-text></mj-column></mj-section>\n"


class Watched:
    """A watched newsletter; `count` is the number of its builds."""

    def __init__(self, letter, name=None):
        self.count = 0
        self.workspace = Workspace(letter.folder, name, build=self.build)
        self.changed = lambda: changes(letter.folder, name)

    def build(self, folder, name):
        self.count += 1
        return build(folder, name)

    async def page(self):
        """Return the last build."""
        return (await self.workspace.view()).page

    async def settled(self):
        """Wait until the watches exist: a second build follows then."""
        while self.count < 2:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def watched(letter, name=None):
    """Yield a Watched and its page events after the first; fail after 10 seconds."""
    watch = Watched(letter, name)
    web = app(watch.workspace, changed=watch.changed)
    async with web.router.lifespan_context(web), asyncio.timeout(10):
        events = (event async for event in watch.workspace.follow() if event.startswith("event: page"))
        await anext(events)
        yield watch, events


def page_after(letter, change, name=None):
    """Return the page that is built after a change."""

    async def wait():
        async with watched(letter, name) as (watch, events):
            await watch.settled()
            change()
            await anext(events)
            return await watch.page()

    return asyncio.run(wait())


def test_an_issue_saved_by_renaming(letter):
    assert page_after(letter, lambda: letter.edit("Soup", "Bread")).mail.subject == "Bread for all"


def test_an_issue_saved_in_place(letter):
    async def wait():
        async with watched(letter) as (watch, events):
            await watch.settled()
            file = letter.folder / "issues/2026-01-05.yml"
            file.write_text(letter.issue.replace("Soup", "Bread"), encoding="utf-8")
            async for _ in events:  # on a slow machine, the moment when it is empty may be seen too
                page = await watch.page()
                if page.mail:
                    return page.mail.subject

    assert asyncio.run(wait()) == "Bread for all"


def test_a_newer_issue(letter):
    page = page_after(letter, lambda: letter.save("issues/2026-01-12.yml", letter.issue))
    assert page.issue == "2026-01-12"


def test_a_newer_issue_in_markdown(letter):
    text = "---\nsubject: Bread\npreheader: A bread.\n---\n\n## Loaves\n\nBake it.\n"
    page = page_after(letter, lambda: letter.save("issues/2026-01-12.md", text))
    assert (page.issue, page.mail.subject) == ("2026-01-12", "Bread")


def test_the_configuration(letter):
    page = page_after(letter, lambda: letter.edit("1 Example Street", "2 Other Street", "newsletter.yml"))
    assert "2 Other Street" in page.mail.text


@pytest.mark.parametrize("exists", [True, False], ids=["folder-there", "folder-new"])
def test_a_template_of_the_newsletters_own(letter, exists):
    if exists:
        (letter.folder / "templates").mkdir()
    page = page_after(letter, lambda: letter.save("templates/footer.mjml.j2", FOOTER))
    assert "Bon appétit" in page.mail.html


def test_a_template_in_a_folder_below(letter):
    letter.save("templates/footer.mjml.j2", '{% include "parts/end.mjml.j2" %}')
    letter.save("templates/parts/end.mjml.j2", FOOTER)
    page = page_after(letter, lambda: letter.edit("appétit", "voyage", "templates/parts/end.mjml.j2"))
    assert "Bon voyage" in page.mail.html


def test_the_first_issue_of_all(letter):
    shutil.rmtree(letter.folder / "issues")
    page = page_after(letter, lambda: letter.save("issues/2026-01-05.yml", letter.issue))
    assert page.mail.subject == "Soup for all"


def test_an_issue_elsewhere_that_was_named_by_its_path(letter):
    letter.save("drafts/2026-02-02.yml", letter.issue)
    page = page_after(
        letter, lambda: letter.edit("Soup", "Bread", "drafts/2026-02-02.yml"), "drafts/2026-02-02.yml"
    )
    assert (page.issue, page.mail.subject) == ("2026-02-02", "Bread for all")


def test_a_folder_that_was_away_is_watched_again(letter):
    async def wait():
        async with watched(letter) as (watch, events):
            await watch.settled()
            shutil.rmtree(letter.folder / "issues")
            await anext(events)
            for subject in ("Bread for all", "Salt for all"):
                letter.save("issues/2026-01-05.yml", letter.issue.replace("Soup for all", subject))
                await anext(events)
                assert (await watch.page()).mail.subject == subject

    asyncio.run(wait())


def test_what_is_saved_before_the_watches_stand(letter):
    async def wait():
        async with watched(letter) as (watch, events):
            letter.edit("Soup", "Bread")
            await anext(events)
            return await watch.page()

    assert asyncio.run(wait()).mail.subject == "Bread for all"


def test_what_lies_beside_is_not_watched(letter):
    (letter.folder / "outbox").mkdir()

    async def builds():
        async with watched(letter) as (watch, events):
            await watch.settled()
            letter.save("outbox/mail.eml", "To: you")
            letter.save("README.md", "A letter")
            await asyncio.sleep(0.3)
            letter.save("issues/2026-01-12.yml", letter.issue)
            await anext(events)
            return watch.count

    assert asyncio.run(builds()) == 3


def test_what_a_link_leads_to_outside_is_not_watched(letter, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (letter.folder / "templates").mkdir()
    (letter.folder / "templates/linked").symlink_to(outside)
    (letter.folder / "templates/loop").symlink_to(".")

    async def builds():
        async with watched(letter) as (watch, events):
            await watch.settled()
            (outside / "private.txt").write_text("private")
            await asyncio.sleep(0.3)
            letter.save("issues/2026-01-12.yml", letter.issue)
            await anext(events)
            return watch.count

    assert asyncio.run(builds()) == 3


def test_without_notifications_from_the_system_files_are_polled(letter, monkeypatch):
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "true")

    def save():
        letter.edit("Soup", "Bread")
        later = time.time() + 5  # polling tells times apart by whole seconds
        os.utime(letter.folder / "issues/2026-01-05.yml", (later, later))

    assert page_after(letter, save).mail.subject == "Bread for all"
