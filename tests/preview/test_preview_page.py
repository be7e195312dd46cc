"""The preview in a browser, as an editor sees it."""

import pytest
from playwright.sync_api import expect

LONG = "\n".join(f"          Line {n} of a long recipe.\n" for n in range(200))


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.mistakes = []
    page.requested = []
    page.on("pageerror", lambda error: page.mistakes.append(str(error)))
    page.on("request", lambda request: page.requested.append(request.url))
    yield page
    context.close()
    assert page.mistakes == []


def html_of(page):
    return page.frame_locator("#frames iframe:not(.coming)")


def scrolled(page):
    return page.evaluate("document.querySelector('#frames iframe').contentWindow.scrollY")


def test_the_page_shows_both_parts_and_the_facts(preview, page):
    served = preview()
    page.goto(served.url)
    expect(page.get_by_role("status")).to_contain_text("Live")
    expect(page.get_by_role("heading", level=1)).to_have_text("Soup for all")
    expect(page.locator("#preheader")).to_have_text("Three soups for the first cold week of the year.")
    expect(page.locator("#issue")).to_have_text("2026-01-05")
    expect(page.locator("#weight")).to_contain_text("KB")
    expect(html_of(page).get_by_text("Cook slowly")).to_be_visible()
    expect(page.get_by_role("group", name="Text", exact=True)).to_contain_text("Cook slowly")
    expect(page).to_have_title("Soup for all")
    assert all(url.startswith((served.url, "data:")) for url in page.requested)


def test_the_mail_runs_no_script_and_its_links_lead_out(letter, preview, page):
    script = "<script>document.title = 'run'; parent.document.title = 'run'</script>"
    letter.save(
        "templates/footer.mjml.j2",
        f'<mj-raw>{script}<img alt="" src="data:," onerror="parent.document.title = \'run\'" />'
        '<a href="https://kitchen.example.com/">out</a><a href="[[unsubscribe_url]]">leave</a></mj-raw>',
    )
    page.goto(preview().url)
    mail = html_of(page)
    expect(mail.get_by_text("leave")).to_have_attribute("href", "#unsubscribe")
    expect(mail.get_by_text("out", exact=True)).to_have_attribute("target", "_blank")
    expect(page).to_have_title("Soup for all")
    mail.get_by_text("leave").click()
    expect(mail.get_by_text("Cook slowly")).to_be_visible()


def test_an_edit_shows_without_reloading_and_keeps_the_place(letter, preview, page):
    letter.edit("          Cook slowly. Then **wait**.\n", LONG)
    page.goto(preview().url)
    expect(html_of(page).get_by_text("Line 7 of")).to_be_visible()
    page.evaluate("window.same = true")
    page.evaluate("document.querySelector('#frames iframe').contentWindow.scrollTo(0, 700)")
    page.locator("#text").evaluate("element => element.scrollTo(0, 900)")
    letter.edit("Soup for all", "Bread for all")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bread for all")
    expect(page.locator("#text")).to_contain_text("Bread for all")
    expect(page.locator("#frames iframe")).to_have_count(1)
    assert page.evaluate("window.same")
    assert scrolled(page) == 700
    assert page.locator("#text").evaluate("element => element.scrollTop") == 900


def test_an_error_shows_with_file_and_line_and_goes_when_mended(letter, preview, page):
    page.goto(preview().url)
    expect(html_of(page).get_by_text("Cook slowly")).to_be_visible()
    letter.edit("https://kitchen", "kitchen")
    problems = page.get_by_role("region", name="1 problem")
    expect(problems.locator(".where")).to_have_text("issues/2026-01-05.yml:5")
    expect(problems).to_contain_text("not a web address")
    expect(problems).to_contain_text("https://…")
    expect(page.get_by_role("status")).to_have_text("Error: 1 problem")
    expect(page).to_have_title("Error: 2026-01-05")
    letter.edit("Cook slowly", "Cook quickly")
    letter.edit("link: kitchen", "link: https://kitchen")
    expect(html_of(page).get_by_text("Cook quickly")).to_be_visible()
    expect(page.locator("#problems")).to_be_hidden()
    expect(page.get_by_role("status")).to_contain_text("Live")


def test_a_template_error_from_the_start_goes_when_the_template_does(letter, preview, page):
    letter.save("templates/footer.mjml.j2", "<mj-raw>\n{{ isue.date }}\n</mj-raw>")
    page.goto(preview().url)
    expect(page.locator(".where")).to_have_text("templates/footer.mjml.j2:2")
    expect(page.locator("main")).to_be_hidden()
    (letter.folder / "templates/footer.mjml.j2").unlink()
    expect(html_of(page).get_by_text("Cook slowly")).to_be_visible()


def test_hostile_text_is_only_text(letter, preview, page):
    letter.edit("Soup for all", "'<img src=x onerror=alert(1)> & `soup`'")
    page.goto(preview().url)
    expect(page.get_by_role("heading", level=1)).to_have_text("<img src=x onerror=alert(1)> & `soup`")
    letter.edit("preheader:", '"<b>bold</b>":')
    expect(page.locator("#problems")).to_contain_text("<b>bold</b>")
    assert page.locator("#problems b, header img").count() == 0


def test_a_preview_that_ends_is_said_to_be_gone(preview, page):
    served = preview()
    page.goto(served.url)
    expect(page.get_by_role("status")).to_contain_text("Live")
    assert served.interrupt() == 0
    expect(page.get_by_role("status")).to_have_text("Not connected")


def test_where_there_is_no_room_for_two_parts_one_is_chosen_by_keyboard(preview, page):
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(preview().url)
    expect(html_of(page).get_by_text("Cook slowly")).to_be_visible()
    expect(page.locator("#text")).to_be_hidden()
    page.get_by_role("radio", name="HTML").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#text")).to_be_visible()
    expect(page.locator("#frames")).to_be_hidden()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide)
