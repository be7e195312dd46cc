"""Tests of the page of an issue in the archive, in the preview's page in a browser."""

import re

from playwright.sync_api import expect

from tests.preview.test_preview_page import html_of, is_live

SITE = "site: https://soup.example.com\n"
ISSUE = "issues/2026-01-05.yml"
BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"


def test_the_page_is_shown_at_every_width_in_light_and_dark_and_on_each_save(letter, preview, page):
    page.emulate_media(color_scheme="dark")  # what the machine is set to does not matter
    letter.save("newsletter.yml", letter.config + SITE)
    served = preview()
    page.goto(f"{served.url}?scheme=inverted")
    is_live(page)
    page.keyboard.press("a")
    shown = html_of(page)
    expect(shown.get_by_role("heading", level=1)).to_have_text("Soup for all")
    expect(shown.locator("main")).to_contain_text("Cook slowly")
    expect(page.get_by_role("radio", name="Page")).to_be_checked()
    expect(page.locator("#open-reader")).to_be_hidden()
    expect(page.locator("#scheme")).to_have_value("dark")
    dark = shown.locator("body").evaluate(BACKGROUND)
    page.keyboard.press("d")
    expect(page.locator("#scheme")).to_have_value("light")
    expect(shown.locator("body")).not_to_have_css("background-color", dark)
    page.locator("[name=preset][value='375']").check()
    assert page.evaluate("document.querySelector('#frames iframe').clientWidth") == 375
    expect(shown.locator("html")).to_have_js_property("scrollWidth", 375)
    letter.edit("Cook slowly", "Cook quickly", ISSUE)
    expect(shown.locator("main")).to_contain_text("Cook quickly")
    letter.save("templates/archive/sign_up.html.j2", "<p>Soup by mail</p>")
    expect(shown.get_by_text("Soup by mail")).to_be_visible()
    letter.save("templates/archive/style.css.j2", "body { background: #010203 }")
    expect(shown.locator("body")).to_have_css("background-color", "rgb(1, 2, 3)")
    page.keyboard.press("a")
    expect(page.get_by_role("radio", name="Mail", exact=True)).to_be_checked()
    expect(page.locator("#frames iframe:not(.loading)")).to_have_attribute("title", "The mail's HTML part")
    assert all(url.startswith((served.url, "data:")) for url in page.requested)


def test_links_of_the_page_stay_in_the_preview(letter, preview, page):
    letter.save("newsletter.yml", letter.config + SITE)
    letter.save("issues/2025-12-29.yml", "ready: true\n" + letter.issue.replace("Soup", "Bread"))
    served = preview()
    page.goto(f"{served.url}?view=page")
    shown = html_of(page)
    expect(shown.locator("article h2 a")).to_have_attribute("target", "_blank")
    home = shown.get_by_text("All issues")
    expect(home).to_have_attribute("href", "#not-in-the-preview")
    home.click()
    shown.get_by_role("link", name="Atom").click()
    expect(shown.get_by_role("link", name="Atom")).to_be_in_viewport()
    expect(shown.get_by_role("heading", level=1)).to_have_text("Soup for all")
    text = shown.get_by_role("link", name="This issue as plain text")
    expect(text).to_have_attribute("href", re.compile("^/archive.txt"))
    with page.context.expect_page() as opened:
        text.click()
    expect(opened.value.locator("body")).to_contain_text("Cook slowly")
    opened.value.close()
    shown.get_by_role("link", name="Bread for all").click()
    expect(page.locator("#subject")).to_have_text("Bread for all")
    expect(shown.get_by_role("heading", level=1)).to_have_text("Bread for all")
    expect(page).to_have_url(re.compile("issue=2025-12-29.*view=page|view=page.*issue=2025-12-29"))
    assert len(page.context.pages) == 1


def test_a_mistake_in_a_template_of_the_archive_is_shown_over_the_page_alone(letter, preview, page):
    page.goto(f"{preview().url}?view=page")
    shown = html_of(page)
    expect(shown.locator("main")).to_contain_text("Cook slowly")
    letter.save("templates/archive/article.html.j2", "Soup\n{{ isue.date }}\n")
    expect(page.locator("#broken .where")).to_have_text("templates/archive/article.html.j2:2")
    expect(page.locator("#broken .hit")).to_contain_text("isue.date")
    expect(page.locator("#state")).to_have_text("Error: 1 problem")
    expect(shown.locator("main")).to_contain_text("Cook slowly")
    page.keyboard.press("m")
    expect(page.locator("#broken")).to_be_hidden()
    is_live(page)
    letter.edit("Cook slowly", "Cook quickly", ISSUE)
    expect(shown.get_by_text("Cook quickly")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#broken")).to_be_visible()
    expect(page).to_have_url(re.compile("view=page"))
    page.reload()
    expect(page.locator("#broken .where")).to_have_text("templates/archive/article.html.j2:2")
    (letter.folder / "templates/archive/article.html.j2").unlink()
    expect(page.locator("#broken")).to_be_hidden()
    expect(shown.locator("main")).to_contain_text("Cook quickly")


def test_an_issue_without_a_page_says_where_that_is_written(letter, preview, page):
    page.goto(f"{preview().url}?view=page")
    expect(html_of(page).locator("main")).to_contain_text("Cook slowly")
    letter.save(ISSUE, "archive: false\n" + letter.issue)
    absence = page.locator("#no-page")
    expect(absence).to_contain_text("This issue has no page on the web")
    expect(absence.locator(".where")).to_have_text(f"{ISSUE}:1")
    expect(absence.locator(".hit")).to_contain_text("archive: false")
    expect(page.locator("#window")).to_be_hidden()
    page.keyboard.press("m")
    expect(absence).to_be_hidden()
    is_live(page)
    page.keyboard.press("a")
    letter.save(ISSUE, letter.issue)
    expect(html_of(page).locator("main")).to_contain_text("Cook slowly")
    expect(absence).to_be_hidden()
