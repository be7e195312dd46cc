"""Tests that each of thirty common mistakes in a newsletter is found, and reported at its place."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from newsletter.render.template_files import BUILT_IN
from newsletter.services.check import Checked, check
from tests.checks.material import BASE

ISSUE = "issues/2026-04-27.yml"


@dataclass(frozen=True)
class Broken:
    """One mistake: `old` is replaced by `new` in a file; `message` is reported at `where` by `check`."""

    file: str
    old: str
    new: str
    message: str
    where: str
    check: str = ""
    more: str = field(default="", repr=False)


def issue(old: str, new: str, message: str, check: str, line: int) -> Broken:
    return Broken(ISSUE, old, new, message, f"{ISSUE}:{line}", check)


def template(name: str, old: str, new: str, message: str, check: str, line: int | None = None) -> Broken:
    file = f"templates/{name}"
    return Broken(file, old, new, message, f"{file}:{line}" if line else ISSUE, check)


FOOT, HEAD, LAYOUT = "footer.mjml.j2", "head.mjml.j2", "layout.mjml.j2"
END = "</mj-column>"
TEXT = "It is **cold** outside."
MAIL_IN = f"<mj-raw><tr><td>{{}}</td></tr></mj-raw>{END}"

BROKEN = {
    "unclosed tag in a template": template(FOOT, "</mj-text>", "", "<mj-text> is not closed", "", 3),
    "link that is no address": issue("https://soup.example.com/leek", "htps://x", "not a web address", "", 8),
    "unknown key": issue("opening:", "openning:", "openning is an unknown key", "", 3),
    "template that asks for what is not there": template(
        FOOT, "site.name", "site.nam", "has no field", "", 3
    ),
    "misspelt component": template(LAYOUT, "<mj-divider", "<mj-dvider", "<mj-dvider>", "", 44),
    "wrong image width": template(
        FOOT,
        END,
        MAIL_IN.format('<img src="https://x.example/a.png" alt="A" width="900" />'),
        "the picture is 900 pixels wide, and the mail 600",
        "images",
        4,
    ),
    "image width in per cent": template(
        FOOT,
        END,
        MAIL_IN.format('<img src="https://x.example/a.png" alt="A" width="100%" />'),
        "width is 100%",
        "images",
        4,
    ),
    "missing alt": template(
        FOOT,
        END,
        MAIL_IN.format('<img src="https://x.example/a.png" width="90" />'),
        "a picture without alt text",
        "accessibility",
        4,
    ),
    "low contrast in light": Broken(
        f"templates/{HEAD}", '#596374"', '#c9ccd4"', "contrast 1.4 in light mode", f"{ISSUE}:1", "contrast"
    ),
    "low contrast in dark only": Broken(
        f"templates/{HEAD}",
        'in body else ""), "#aab4c2")',
        'in body else ""), "#20262f")',
        "in dark mode",
        f"{ISSUE}:1",
        "contrast",
    ),
    "clipped size": Broken(
        ISSUE,
        TEXT,
        "|\n" + "\n\n".join(f"      Soup {n} is cold." for n in range(2500)),
        "Gmail shows 102 KB and cuts off the rest",
        ISSUE,
        "weight",
    ),
    "javascript: link": template(
        FOOT,
        END,
        MAIL_IN.format('<a href="javascript:close()">Close the window</a>'),
        "a link with javascript:",
        "links",
        4,
    ),
    "doubled id": template(
        FOOT,
        END,
        MAIL_IN.format('<p id="a">x</p><p id="a">y</p>'),
        'the id "a" occurs 2 times',
        "markup",
        4,
    ),
    "placeholder left": issue(
        TEXT, "Hello [[firstname]], it is cold.", "[[firstname]] is not", "placeholders", 5
    ),
    "another tool's placeholder": issue(
        TEXT, '"Hello {{ first_name }}, it is cold."', "placeholder of another tool", "merge-tags", 5
    ),
    "redirector link": issue(
        "https://soup.example.com/blend",
        "https://www.google.com/url?q=https://soup.example.com/blend",
        "a link through google.com",
        "redirects",
        11,
    ),
    "shortened link": issue(
        "https://soup.example.com/blend", "https://bit.ly/3soup", "through bit.ly", "redirects", 11
    ),
    "tracking parameters": issue(
        "https://soup.example.com/blend",
        "https://soup.example.com/blend?utm_source=news",
        "utm_source",
        "tracked-links",
        11,
    ),
    "pixel": template(
        FOOT,
        END,
        MAIL_IN.format('<img src="https://x.example/o" width="1" height="1" alt="" />'),
        "an invisible picture",
        "tracking",
        4,
    ),
    "script": template(
        FOOT, END, MAIL_IN.format("<script>1</script>"), "<script> is not allowed", "tracking", 4
    ),
    "remote font": template(
        HEAD,
        "a:hover",
        "@font-face { font-family: A; src: url(https://fonts.example/a) } a:hover",
        "CSS loads a remote file",
        "tracking",
        79,
    ),
    "no unsubscribe link": template(
        FOOT, '"[[unsubscribe_url]]"', '"https://soup.example.com/"', "no unsubscribe link", "unsubscribe"
    ),
    "no postal address": template(
        FOOT, "{{ site.postal_address }}", "", "has no postal address", "postal-address"
    ),
    "story missing in the text": template(
        "story.txt.j2", "{{ story.link }}", "", "the text part does not contain the link", "text-part", None
    ),
    "HTML in the text": template(
        "passage.txt.j2",
        "{{ passage.text|plain }}",
        "<p>{{ passage.text|plain }}</p>",
        "HTML is left in the text part: <p>",
        "text-part",
        9,
    ),
    "unfinished text": issue(TEXT, "It is cold outside, TODO say how cold.", "unfinished", "unfinished", 5),
    "unfinished configuration": Broken(
        "newsletter.yml",
        "1 Kitchen Road",
        "TODO Road",
        "postal_address has",
        "newsletter.yml:3",
        "unfinished",
    ),
    "doubled word": issue(TEXT, "It is is cold outside.", '"is is"', "doubled-words", 5),
    "link to the editor's machine": issue(
        "https://soup.example.com/blend",
        "http://localhost:8000/blend",
        "localhost cannot be reached",
        "links",
        11,
    ),
    "preheader is the subject": issue(
        "A soup for the first cold evening of the year.",
        "Leek & potato",
        "repeats the subject",
        "preheader",
        2,
    ),
    "click here": issue("[blend everything]", "[click here]", "do not describe the target", "link-text", 11),
    "flex layout": template(
        FOOT, END, MAIL_IN.format('<div style="display:flex">x</div>'), "display:flex", "clients", 4
    ),
    "heading skipped": issue(
        TEXT,
        "|\n      # Cold\n\n      ### Outside\n\n      It is cold.",
        "has level 5, but the heading before it level 3",
        "headings",
        8,
    ),
}


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Broken], Checked]:
    """Return a function that checks the clean newsletter with one mistake in it."""
    monkeypatch.chdir(tmp_path)

    def with_mistake(broken: Broken) -> Checked:
        for source in ("newsletter.yml", ISSUE):
            place = tmp_path / source
            place.parent.mkdir(exist_ok=True)
            place.write_text((BASE / source).read_text(encoding="utf-8"), encoding="utf-8")
        file = tmp_path / broken.file
        if broken.file.startswith("templates/"):
            file.parent.mkdir(exist_ok=True)
            file.write_text((BUILT_IN / file.name).read_text(encoding="utf-8"), encoding="utf-8")
        text = file.read_text(encoding="utf-8")
        assert broken.old in text
        file.write_text(text.replace(broken.old, broken.new, 1), encoding="utf-8")
        (result,) = check(tmp_path)
        return result

    return with_mistake


def test_there_are_thirty() -> None:
    assert len(BROKEN) >= 30


@pytest.mark.parametrize("broken", BROKEN.values(), ids=[name.replace(" ", "-") for name in BROKEN])
def test_it_is_found_and_named(broken: Broken, checked: Callable[[Broken], Checked]) -> None:
    problems = checked(broken).problems
    matching = [p for p in problems if broken.message in p.what and p.check == broken.check]
    assert matching, [str(problem) for problem in problems]
    if broken.where != ISSUE:
        assert broken.where in [problem.where for problem in matching]
    assert all(problem.fix for problem in matching)
