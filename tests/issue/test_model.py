"""Validation of lines, texts and web addresses, and the week of an issue."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from newsletter.issue.model import Image, Issue, Passage, Section, Story
from newsletter.yamlfile import fields

STORY = Story(title="Leek", link="https://example.com", passages=(Passage(text="Cut."),))


def issue(when: date) -> Issue:
    return Issue(subject="Soup", preheader="A soup.", stories=(STORY,), date=when)


def refused(check: object, text: str) -> str:
    assert callable(check)
    with pytest.raises(PydanticCustomError) as raised:
        check(text)
    return raised.value.message()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("Soup", "Soup", id="plain"),
        pytest.param("Leek & <b>\"potato\"</b> 'soup'", "Leek & <b>\"potato\"</b> 'soup'", id="markup"),
        pytest.param("  Soup\n", "Soup", id="block"),
        pytest.param(
            "\U0001f469\u200d\U0001f373 \U0001f600", "\U0001f469\u200d\U0001f373 \U0001f600", id="emoji"
        ),
        pytest.param("עברית", "עברית", id="right-to-left"),
        pytest.param("Is 5 =? 6", "Is 5 =? 6", id="half-an-encoded-word"),
        pytest.param("x" * 500, "x" * 500, id="500"),
    ],
)
def test_a_line(text: str, line: str) -> None:
    assert fields.one_line(text) == line


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "is empty; fill it in, or delete the key if it is optional", id="empty"),
        pytest.param(" \n", "is empty; fill it in, or delete the key if it is optional", id="blank"),
        pytest.param(
            "a\nb", "is more than one line; write it in one line; use `>-` to fold a long one", id="lines"
        ),
        pytest.param(
            "a\r\nBcc: b",
            "is more than one line; write it in one line; use `>-` to fold a long one",
            id="CRLF",
        ),
        pytest.param("a\tb", "has a control character (U+0009); delete it", id="tab"),
        pytest.param("a\0b", "has a control character (U+0000); delete it", id="NUL"),
        pytest.param("a\x1bb", "has a control character (U+001B); delete it", id="escape"),
        pytest.param("a\x85b", "has a control character (U+0085); delete it", id="next-line"),
        pytest.param("a\u2028b", "has a control character (U+2028); delete it", id="line-separator"),
        pytest.param("a\ud800b", "has a control character (U+D800); delete it", id="surrogate"),
        pytest.param(
            "=?utf-8?q?a=0Ab?=", "has an encoded word (=?…?=); write the text itself", id="encoded-word"
        ),
        pytest.param("x" * 501, "is 501 characters long; write at most 500 characters", id="long"),
    ],
)
def test_what_is_no_line(text: str, problem: str) -> None:
    assert refused(fields.one_line, text) == problem


def test_text_keeps_its_indentation_and_loses_the_blank_lines_around_it() -> None:
    assert fields.not_blank("\n\n    code\n\n  text \n\n") == "    code\n\n  text"


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t\n"])
def test_text_is_not_blank(text: str) -> None:
    assert refused(fields.not_blank, text) == "is empty; write something, or delete the passage"


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com",
        "http://example.com/",
        "https://example.com/a?b=c&d=%20#e",
        "https://example.com:8443/a",
        "https://example.com./",
        "https://en.example.com/wiki/Leek_(vegetable)",
        "https://example.com/@ada/1",
        "https://xn--mnchen-3ya.example/",
        "https://my_host.example.com/",
        "http://localhost:8000/",
        "http://127.0.0.1:8000/",
        "http://[::1]:8000/",
        "https://[2001:db8::1]/",
        "HTTPS://EXAMPLE.COM/",
        "https://example.com/100%",
    ],
)
def test_a_web_address(text: str) -> None:
    assert fields.web_address(text) == text


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("https://example.com/Gemüse", "https://example.com/Gem%C3%BCse"),
        ("https://example.com/?q=ö#ü", "https://example.com/?q=%C3%B6#%C3%BC"),
        ("https://example.com/\U0001f600", "https://example.com/%F0%9F%98%80"),
        ("https://münchen.example/größe", "https://xn--mnchen-3ya.example/gr%C3%B6%C3%9Fe"),
        ("https://MÜNCHEN.example/", "https://xn--mnchen-3ya.example/"),
        ("https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://example.com/?a=b|c", "https://example.com/?a=b%7Cc"),
        ("https://example.com/{}", "https://example.com/%7B%7D"),
        ("https://example.com/{token}", "https://example.com/%7Btoken%7D"),
        ("https://example.com/^", "https://example.com/%5E"),
        ("https://example.com/`x`", "https://example.com/%60x%60"),
        (" https://example.com", "https://example.com"),
        ("https://example.com/ ", "https://example.com/"),
        ("https://example.com/\u00a0", "https://example.com/"),
        ("https://example.com/\n", "https://example.com/"),
    ],
)
def test_a_web_address_is_encoded_as_browsers_do(text: str, sent: str) -> None:
    assert fields.web_address(text) == sent
    assert fields.web_address(sent) == sent


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("https://exam ple.com", "has a space in the web address"),
        ("https://example.com/a b", "has a space in the web address"),
        ("https://example.com/<b>", "has a < in the web address"),
        ("https://example.com/b>", "has a > in the web address"),
        ('https://example.com/"', "has a quotation mark in the web address"),
        ("https://example.com\\@evil.example", "has a backslash in the web address"),
        ("https://exa%20mple.com/", 'has the host "exa%20mple.com", and a host cannot have %'),
        ("https://a|b.example/", 'has the host "a|b.example", and a host cannot have |'),
        ("https://a\uff0fb.example.com/", 'has the host "a\uff0fb.example.com", and a host cannot have /'),
        ("https://evil.example\uff20b.example/", "and a host cannot have @"),
        (f"https://{'ü' * 100_000}.example/", "and a host has at most 253 characters"),
    ],
)
def test_the_character_that_no_web_address_has_is_named(text: str, named: str) -> None:
    assert named in refused(fields.web_address, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "www.example.com/a",
        "htps://example.com",
        "https:/example.com",
        "https:example.com",
        "https://",
        "https:///x",
        "https://?x",
        "https://:80/",
        "//example.com",
        "/a",
        "https://example",
        "https://.example.com",
        "https://example..com",
        "https://a..b.example.com",
        "https://example.com:99999",
        "https://example.com:port",
        "https://example.com:-1",
        "https://[::1",
        "javascript:alert(1)",
        "data:text/html,x",
        "mailto:ada@example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://@",
    ],
)
def test_what_is_no_web_address(text: str) -> None:
    assert (
        refused(fields.web_address, text)
        == f'is not a web address ("{text}"); write the whole address: https://…'
    )


def test_a_long_address_is_shortened_in_the_message() -> None:
    assert refused(fields.web_address, "x" * 1000) == (
        f'is not a web address ("{"x" * 80}"); write the whole address: https://…'
    )


@pytest.mark.parametrize("text", ["https://example.com/?to=[[address]]", "https://example.com/[1]"])
def test_a_web_address_holds_no_placeholder(text: str) -> None:
    """The placeholder would be filled, and would send the subscriber's address to the site."""
    assert refused(fields.web_address, text).startswith(f'has a bracket in the web address ("{text}")')


@pytest.mark.parametrize(
    "text", ["https://ada@example.com", "https://ada:hush@example.com/", "https://@example.com/"]
)
def test_a_web_address_names_no_user(text: str) -> None:
    assert refused(fields.web_address, text) == (
        f'has a user name in the web address ("{text}"); delete the part before the @'
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://example.com/a\nb", "U+000A"),
        ("https://example.com/a\tb", "U+0009"),
        ("https://example.com/a\u200bb", "U+200B"),
        ("https://example.com/a\u00a0b", "U+00A0"),
        ("https://example.com/\u202efdp.exe", "U+202E"),
        ("java\nscript:alert(1)", "U+000A"),
        ("https://example.com/\ud800", "U+D800"),
    ],
)
def test_a_web_address_holds_nothing_invisible(text: str, shown: str) -> None:
    assert refused(fields.web_address, text) == f"has an invisible character ({shown}); delete it"


@pytest.mark.parametrize(
    ("when", "monday", "sunday"),
    [
        (date(2026, 4, 27), date(2026, 4, 27), date(2026, 5, 3)),
        (date(2026, 5, 3), date(2026, 4, 27), date(2026, 5, 3)),
        (date(2026, 1, 1), date(2025, 12, 29), date(2026, 1, 4)),
        (date(2024, 2, 29), date(2024, 2, 26), date(2024, 3, 3)),
    ],
)
def test_an_issue_is_of_the_week_that_its_date_falls_in(when: date, monday: date, sunday: date) -> None:
    assert issue(when).name == when.isoformat()
    assert issue(when).week == (monday, sunday)


def test_nothing_is_converted_passed_over_or_changed() -> None:
    with pytest.raises(ValidationError, match="valid integer"):
        Story(**{**dict(STORY), "more_authors": "5"})
    with pytest.raises(ValidationError, match="Extra inputs"):
        Story(**{**dict(STORY), "titel": "Leek"})
    with pytest.raises(ValidationError, match="frozen"):
        STORY.title = "Potato"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        pytest.param(
            {"title": "Leek"}, "has only a title; add `text:`, `passages:`, `link:` or `image:`", id="title"
        ),
        pytest.param(
            {"title": "Leek", "text": "Cut.", "button": "Buy"},
            "has no address to lead to; add `link:` to the story, or delete the button",
            id="button-without-a-link",
        ),
    ],
)
def test_a_story_that_says_nothing(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Story(**given)
    (error,) = raised.value.errors()
    assert f"{error['ctx']['what']}; {error['ctx']['fix']}" == problem


@pytest.mark.parametrize(
    "given",
    [
        {"link": "https://example.com"},
        {"text": "Cut."},
        {"passages": (Passage(text="Cut."),)},
        {"image": Image(src="https://example.com/a.png", alt="A leek")},
        {"text": "Cut.", "button": "off"},
    ],
    ids=lambda given: "-".join(given),
)
def test_each_form_of_a_story(given: dict[str, Any]) -> None:
    assert Story(title="Leek", **given).title == "Leek"


def test_sections_and_the_short_form_have_the_same_stories() -> None:
    other = Story(title="Potato", text="Boil.")
    short = Issue(subject="Soup", preheader="A soup.", stories=(STORY, other), date=date(2026, 5, 4))
    sections = (Section(heading="Roots", text="Two."), Section(stories=(STORY,)), Section(stories=(other,)))
    long = Issue(subject="Soup", preheader="A soup.", sections=sections, date=date(2026, 5, 4))
    assert list(short.located_stories()) == [(("stories", 0), STORY), (("stories", 1), other)]
    assert list(long.located_stories()) == [
        (("sections", 1, "stories", 0), STORY),
        (("sections", 2, "stories", 0), other),
    ]


@pytest.mark.parametrize("number", [0, 12, "Letter 31"])
def test_a_number_or_words_in_one_line_number_an_issue(number: int | str) -> None:
    given = Issue(subject="Soup", preheader="A.", stories=(STORY,), date=date(2026, 5, 4), number=number)
    assert given.number == number


@pytest.mark.parametrize("number", [-1, True, 1.5, "", "a\nb", ("1",)])
def test_other_values_do_not_number_an_issue(number: object) -> None:
    with pytest.raises(ValidationError):
        Issue.model_validate(
            {
                "subject": "a",
                "preheader": "b",
                "stories": (STORY,),
                "date": date(2026, 5, 4),
                "number": number,
            }
        )
