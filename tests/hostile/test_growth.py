"""Loading, rendering and checking an issue, and showing a mail, take time in proportion to its length."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.checks import runner
from newsletter.checks.css.cascade import Cascade
from newsletter.checks.css.rules import Viewport
from newsletter.checks.document import Document
from newsletter.config import loader
from newsletter.issue import files
from newsletter.preview import mail_views, outbox
from newsletter.render.commonmark import parser
from newsletter.render.section_notes import numbered_sections
from newsletter.render.template_data import TemplateInput
from newsletter.services.prepare import proof
from tests.checks.material import BASE
from tests.hostile.growth import MAX_RATIO, ratio
from tests.render.material import site

_ISSUE = """\
subject: Leek soup
preheader: A soup for the first cold evening of the year, and more about it.
stories:
  - title: Soup
    link: https://soup.example.com/soup
    passages:
      - text: |
          {}
"""


def _numbered(piece: str, length: int) -> str:
    """Return about this many characters of a text with numbers in it."""
    return "".join(map(piece.format, range(length // len(piece))))


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param("http://", id="web-addresses-without-end"),
        pytest.param("![[]()", id="pictures-of-brackets"),
        pytest.param("{{{{ ", id="braces-without-end"),
        pytest.param("{{{{ {} }}}} ", id="template-code"),
        pytest.param("[", id="brackets"),
        pytest.param("[a](http://127.0.0.1/{}) ", id="links-with-a-problem-each"),
        pytest.param("TODO ", id="marks"),
        pytest.param("* * _ b", id="markdown-between-words"),
        pytest.param("&#{}; ", id="character-references"),
        pytest.param("[[x{}]] ", id="placeholders"),
        pytest.param("[^{}] ", id="references-without-notes"),
        pytest.param("|a|\n          |-|\n          |{}|b|\n\n          ", id="tables-with-a-long-row"),
    ],
)
def test_an_issue(tmp_path: Path, piece: str) -> None:
    shutil.copytree(BASE, tmp_path, dirs_exist_ok=True)
    newsletter = loader.load(tmp_path, {})
    path = files.find(newsletter.issues)

    def run(length: int) -> Callable[[], object]:
        text = _ISSUE.format(_numbered(piece, length))

        def check() -> object:
            path.write_text(text, encoding="utf-8")
            return runner.run(proof(newsletter, files.load(path)))

        return check

    run(100)()  # the first run also reads the data of the checks
    assert ratio(run, 4_000) <= MAX_RATIO


@pytest.mark.parametrize(
    "story",
    [
        pytest.param("[^{0}] [^x]\\n\\n[^{0}a]: [^{0}b] [^{0}c]", id="missing-and-unused"),
        pytest.param("[^{0}] [^1]\\n\\n[^{0}]: b [^1]", id="in-their-text"),
        pytest.param("[^a] [^b] [^{0}]", id="below-the-last-story"),
        pytest.param("[^a]\\n\\n[^a]: b\\n\\n[^b]: c", id="with-one-label"),
    ],
)
def test_notes_of_many_texts(story: str) -> None:
    """A section of hundreds of texts, each with notes of its own and of others."""

    def run(length: int) -> Callable[[], object]:
        texts = [story.format(number) for number in range(length // len(story))]
        texts.append("".join(f"[^{number}]: note\\n\\n" for number in range(len(texts))))
        stories = "".join(f'  - {{title: A, text: "a{text}"}}\n' for text in texts)
        source = f"subject: Soup\npreheader: A soup.\nstories:\n{stories}"
        issue = files.parse(source.encode(), Path("2026-05-04.yml"))

        def number() -> object:
            parser.parse.cache_clear()
            given = TemplateInput(issue, site())
            numbered = numbered_sections([text for text in files.texts(issue) if text.markdown])
            return given.variables, [(found.faults, found.missing) for _, found in numbered]

        return number

    run(100)()
    assert ratio(run, 6_000) <= MAX_RATIO


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(b"<link rel=", id="links-without-end"),
        pytest.param(b'<link rel="preload ', id="links-in-quotes-without-end"),
        pytest.param(b"<style ", id="styles-without-end"),
        pytest.param(b"<style>", id="styles-in-styles"),
        pytest.param(b"<div style='<div style=\"", id="quotes-without-end"),
        pytest.param(b'"http:a"', id="addresses-in-quotes"),
    ],
)
def test_a_mail_in_the_outbox(tmp_path: Path, piece: bytes) -> None:
    (tmp_path / "new").mkdir()
    head = b"List-Unsubscribe: " + b"<http:a>," * 10 + b"<http:" * 2_000 + b"\nContent-Type: text/html\n\n"

    def run(length: int) -> Callable[[], object]:
        name = f"mail-{length}"
        (tmp_path / "new" / name).write_bytes(head + piece * (length // len(piece)))

        def show() -> object:
            message = outbox.Outbox(tmp_path).open(name)
            assert message
            return mail_views.in_scheme(mail_views.without_links(message.html), "dark")

        return show

    assert run(200_000)()
    assert ratio(run, 200_000) <= MAX_RATIO


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b'To: "a" "a" "a" ', id="names"),
        pytest.param(b"Content-Type: text/html; a=b; a=b; ", id="parameters"),
        pytest.param(b"Content-Disposition: x;x;x;x;", id="disposition"),
        pytest.param(b"X-A: b\n", id="headers"),
        pytest.param(b"Content-Type: message/rfc822\n\n", id="messages-in-messages"),
        pytest.param(b"Content-Type: multipart/mixed; boundary=a\n\n--a\n", id="parts-in-parts"),
    ],
)
def test_the_headers_of_a_mail_in_the_outbox(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "new").mkdir()
    field, _, value = header.partition(b": ")
    repeated = header if b"\n" in header else value

    def run(length: int) -> Callable[[], object]:
        raw = b"" if repeated is header else field + b": "
        name = f"mail-{length}"
        (tmp_path / "new" / name).write_bytes(raw + repeated * (length // len(repeated)) + b"\n\nx")
        return lambda: outbox.Outbox(tmp_path).open(name)

    assert run(100_000)()
    assert ratio(run, 100_000) <= MAX_RATIO


@pytest.mark.parametrize(
    "style",
    [
        pytest.param("@media (a:" + " " * 8_000 + "{}) {{ p {{ color: red }} }}", id="blanks-in-a-query"),
        pytest.param("p {{ color: red; color: #{}00000 }}", id="rules"),
        pytest.param("@media all {{ ", id="blocks-without-end"),
        pytest.param("p {{ a: b; a: b; a: b; ", id="declarations-without-end"),
    ],
)
def test_the_cascade(style: str) -> None:
    def run(length: int) -> Callable[[], object]:
        css = _numbered(style, max(length, 2 * len(style)))
        html = f"<html><head><style>{css}</style></head><body><p>words</p></body></html>"
        return lambda: Cascade(Document(html)).styles(Viewport())

    assert ratio(run, 30_000) <= MAX_RATIO
