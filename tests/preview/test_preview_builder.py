"""Tests of builds: of valid files, and of files with problems."""

from functools import partial

import pytest

from newsletter.preview.builder import build

BROKEN_TEMPLATE = "<mj-section><mj-column>\n<mj-txt>Bye</mj-txt>\n</mj-column></mj-section>\n"
FOOTER = "<mj-section><mj-column><mj-text>{} [[unsubscribe_url]]</mj-text></mj-column></mj-section>\n"


def places(page):
    return [problem.where for problem in page.problems]


def test_a_good_issue_is_a_mail_with_its_facts(letter):
    page = build(letter.folder)
    assert (page.issue, page.problems) == ("2026-01-05", ())
    assert (page.mail.subject, page.mail.preheader) == (
        "Soup for all",
        "Three soups for the first cold week of the year.",
    )
    assert page.weight == len(page.mail.html.encode()) > 1000
    assert "Cook slowly" in page.mail.html
    assert "Cook slowly" in page.mail.text


@pytest.mark.parametrize(
    "old, new, where, key",
    [
        pytest.param("Soup for all", '"Soup', "issues/2026-01-05.yml:1", "", id="yaml"),
        pytest.param("preheader", "preheadr", "issues/2026-01-05.yml:2", "preheadr", id="unknown-key"),
        pytest.param("https://", "", "issues/2026-01-05.yml:5", "stories[0].link", id="value"),
    ],
)
def test_a_bad_issue_is_problems_with_file_and_line(letter, old, new, where, key):
    letter.edit(old, new)
    page = build(letter.folder)
    assert (page.issue, page.mail, page.weight) == ("2026-01-05", None, 0)
    named = next(problem for problem in page.problems if problem.where == where)
    assert key in named.what
    assert named.what and named.fix


@pytest.mark.parametrize(
    "template, text, where",
    [
        pytest.param("footer.mjml.j2", BROKEN_TEMPLATE, "templates/footer.mjml.j2:2", id="mjml"),
        pytest.param("footer.mjml.j2", "<mj-raw />\n\n{% if %}", "templates/footer.mjml.j2:3", id="syntax"),
        pytest.param("footer.txt.j2", "Bye\n{{ isue.date }}", "templates/footer.txt.j2:2", id="name"),
        pytest.param("footer.txt.j2", "Bye\n{{ 1 / 0 }}", "templates/footer.txt.j2:2", id="expression"),
    ],
)
def test_a_template_of_the_newsletters_own_is_blamed_with_its_line(letter, template, text, where):
    again = partial(build, letter.folder)
    assert again().mail
    letter.save(f"templates/{template}", text)
    page = again()
    assert page.mail is None
    assert places(page) == [where]


def test_templates_that_appear_change_and_go_are_noticed(letter):
    again = partial(build, letter.folder)
    built_in = again()
    letter.save("templates/footer.mjml.j2", FOOTER.format("Bon appétit"))
    assert "Bon appétit" in again().mail.html
    letter.save("templates/footer.mjml.j2", FOOTER.format("Good night"))
    assert "Good night" in again().mail.html
    (letter.folder / "templates/footer.mjml.j2").unlink()
    assert again() == built_in


def test_configuration_and_issue_are_blamed_together(letter):
    letter.edit("name: Kitchen Letter\n", "nane: Kitchen Letter\n", "newsletter.yml")
    letter.edit("preheader", "preheadr")
    where = places(build(letter.folder))
    assert "newsletter.yml:1" in where
    assert "issues/2026-01-05.yml:2" in where


def test_a_corrected_file_is_shown_again(letter):
    again = partial(build, letter.folder)
    good = again()
    letter.edit("Soup for all", '"Soup')
    letter.save("newsletter.yml", "name: [")
    assert again().mail is None
    letter.save("issues/2026-01-05.yml", letter.issue)
    letter.save("newsletter.yml", letter.config)
    assert again() == good
    letter.edit("1 Example Street", "2 Other Street", "newsletter.yml")
    assert "2 Other Street" in again().mail.text


def test_without_an_issue_that_is_the_problem(letter):
    (letter.folder / "issues/2026-01-05.yml").unlink()
    page = build(letter.folder)
    assert (page.issue, page.mail, places(page)) == ("", None, ["issues"])
    (letter.folder / "issues").rmdir()
    assert places(build(letter.folder)) == ["issues"]


def test_without_a_newsletter_that_is_the_problem(letter):
    (letter.folder / "newsletter.yml").unlink()
    assert places(build(letter.folder)) == ["newsletter.yml"]


def test_the_newest_issue_is_looked_for_each_time_and_a_named_one_stays(letter):
    newest, named = partial(build, letter.folder), partial(build, letter.folder, "2026-01-05")
    assert newest().issue == named().issue == "2026-01-05"
    letter.save("issues/2026-01-12.yml", letter.issue.replace("Soup for all", "Bread for all"))
    assert (newest().issue, newest().mail.subject) == ("2026-01-12", "Bread for all")
    assert (named().issue, named().mail.subject) == ("2026-01-05", "Soup for all")


def test_a_named_issue_that_is_not_there_is_shown_by_its_name(letter):
    page = build(letter.folder, "2026-02-02")
    assert (page.issue, page.mail, places(page)) == ("2026-02-02", None, ["issues/2026-02-02.yml"])
