"""Tests of both parts of the repository's issue and of an issue with every field."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import pytest

from newsletter.issue.model import Issue
from newsletter.render.inline_css import inline
from newsletter.render.model import Rendered
from newsletter.render.pipeline import render
from tests.render import material

KB = 1000
LINK = re.compile(r'href="([^"]*)"')


@pytest.fixture(params=["real", "full"])
def mail(request: pytest.FixtureRequest) -> Rendered:
    return material.real() if request.param == "real" else render(material.full_issue(), material.site())


def test_weight() -> None:
    weight = len(material.real().html.encode())
    assert weight < 60 * KB, f"{weight} bytes; Gmail clips at about 102 KB"


@pytest.mark.parametrize(
    ("issue", "mail"),
    [
        pytest.param(material.real_issue(), material.real(), id="real"),
        pytest.param(material.full_issue(), render(material.full_issue(), material.site()), id="full"),
    ],
)
def test_everything_is_in_both_parts(issue: Issue, mail: Rendered) -> None:
    page, text = words(material.parsed(mail.html).text_content()), words(mail.text)
    links = {link.replace("&amp;", "&") for link in LINK.findall(mail.html)}
    for story in issue.stories:
        for line in (story.title, *story.authors, *story.tags, *(link.text for link in story.links)):
            assert words(line) in page
            assert words(line) in text
        for link in (story.link, *(link.link for link in story.links)):
            assert link in links
            assert link in text
        for passage in story.passages:
            assert words(passage.heading or "") in page
            assert words((passage.heading or "").upper()) in text
        if story.image:
            assert story.image.alt in mail.html
            assert story.image.alt in text
    assert {"[[unsubscribe_url]]"} <= links
    assert "[[unsubscribe_url]]" in text


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_document_in_standards_mode(mail: Rendered) -> None:
    assert mail.html.startswith("<!DOCTYPE html>\n<html lang=")
    assert mail.html.endswith("</html>\n")


def test_nothing_of_the_tools_is_left(mail: Rendered) -> None:
    assert "<mj-" not in mail.html
    assert "data-premailer" not in mail.html
    assert 'inline="inline"' not in mail.html


def test_outlooks_comments_are_whole(mail: Rendered) -> None:
    assert list(unbalanced(mail.html)) == []
    assert mail.html.count("<!--[if mso | IE]>") > 5


@pytest.mark.parametrize(
    "broken", ["<!--[if mso]><table>", "<table><![endif]-->", "<!--[if mso]>\n<!--[if mso]>"]
)
def test_broken_comments_are_found(broken: str) -> None:
    assert list(unbalanced(material.real().html.replace("</body>", f"{broken}</body>")))


def unbalanced(mail: str) -> Iterator[str]:
    """Yield the places of Outlook's comments that do not end before the next, or end without a start."""
    inside = False
    # The other kind, <!--[if !mso]><!--> … <!--<![endif]-->, shows its content in all other programs.
    for mark in re.finditer(r"<!--\[if [^\]]*\]>(?!<!-->)|(?<!<!--)<!\[endif\]-->", mail):
        if mark[0].startswith("<!--") == inside:
            yield mail[mark.start() - 40 : mark.end() + 40]
        inside = mark[0].startswith("<!--")
    if inside:
        yield "the end"


def test_dark_mode_and_phones_survive(mail: Rendered) -> None:
    styles = "".join(
        re.findall(r"<style[^>]*>(.*?)</style>", re.sub(r"<!--.*?-->", "", mail.html), re.DOTALL)
    )
    assert "@media (prefers-color-scheme: dark)" in styles
    assert "@media only screen and (max-width:479px)" in styles
    assert "[data-ogsc] .ink div" in styles
    assert "[data-ogsb] .card" in styles
    assert styles.count("!important") > 30
    assert mail.html.count('<meta name="color-scheme" content="light dark">') == 1
    assert mail.html.count('<meta name="supported-color-schemes" content="light dark">') == 1
    assert "supported-color-schemes" not in styles  # the meta tag's name; no CSS property


def test_headings_descend_by_one(mail: Rendered) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", mail.html)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    steps = [below - above for above, below in pairwise(levels)]
    assert max(steps) == 1


def test_only_the_editors_tables_are_tables_to_a_screen_reader(mail: Rendered) -> None:
    shown = re.sub(r"<!--.*?-->", "", mail.html, flags=re.DOTALL)
    tables = re.findall(r"<table\b(?![^>]*role=\"presentation\")[^>]*>\s*<(\w+)", shown)
    assert set(tables) <= {"thead"}


def test_text_is_text(mail: Rendered) -> None:
    long = [line for line in mail.text.split("\n") if len(line) > 72 and not line.startswith("    ")]
    assert [line for line in long if "://" not in line] == []
    assert re.findall(r"&(?:#\w+|\w+);", mail.text) == []
    assert "\n\n\n" not in mail.text
    assert not re.search(r"[ \t]\n", mail.text)
    assert mail.text.endswith("\n")


OFFLINE = """
import sys, urllib.request
sys.path.insert(0, {root!r})

def refuse(event, arguments):
    if event.startswith("socket.") and event != "socket.__new__":
        raise AssertionError(f"{{event}} {{arguments}}")

sys.addaudithook(refuse)
from newsletter.render.pipeline import render
from tests.render import material
print(len(render(material.full_issue(), material.site()).html))
try:
    urllib.request.urlopen("http://127.0.0.1:9/")
except AssertionError:
    print("the guard holds")
"""


def test_no_network() -> None:
    program = OFFLINE.format(root=str(material.REPOSITORY))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    weight, guard = done.stdout.splitlines()
    assert int(weight) > 10 * KB
    assert guard == "the guard holds"


IMPORTING = """
import http.server, threading

asked = []


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
from newsletter.render.inline_css import inline

import urllib.request  # the real one, which cssutils would use if it were to fetch

rule = f'@import url("http://127.0.0.1:{server.server_port}/style.css");'
print("color:#123456" in inline("<!doctype html><p>Soup</p>", rule + "p { color: #123456 }"), asked)
"""


def test_css_to_be_inlined_imports_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTING], capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"


@pytest.mark.parametrize(
    "html",
    [
        pytest.param("<P CLASS='said'>Soup</P>", id="capitals"),
        pytest.param("<p class = said>Soup</p>", id="no-quotes"),
        pytest.param('<p class="more said">Soup</p>', id="two-classes"),
        pytest.param('<div class="said"><p>Soup</p></div>', id="inside"),
    ],
)
def test_css_is_inlined_for_each_spelling_of_a_class(html: str) -> None:
    inlined = inline(
        f"<!doctype html>{html}", ".missing { color: #111111 } p.said, .said p { color: #123456 }"
    )
    assert 'style="color:#123456"' in inlined
    assert "#111111" not in inlined
