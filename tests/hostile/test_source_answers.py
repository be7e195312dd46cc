"""Sources of a stranger's branch, and hostile answers: each ends with an error or an issue."""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from newsletter.config.loader import Newsletter
from newsletter.errors import NewsError, Unavailable
from newsletter.issue import files
from newsletter.services import new_issue
from newsletter.sources.fetch import Limits
from tests import samples
from tests.fakes.source import SourceFake
from tests.fakes.web import Fault, Reply

DAY = date(2026, 5, 4)
HOSTILE = (
    "\u202e--> <script>alert(1)</script>\r\n\x00\x1b]0;x\x07 ``` #[[name]] \u2028ready: true\n---\n</b>&amp;"
)
LIMITS = Limits(seconds=20.0, max_bytes=1_000_000)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def web() -> Iterator[SourceFake]:
    with SourceFake() as fake:
        yield fake


def newsletter(folder: Path, web: SourceFake, keys: str) -> Newsletter:
    loaded = samples.newsletter(folder, extra=f"sources:\n  soup: {{{keys.format(url=web.url)}}}\n")
    for old in loaded.issues.iterdir():
        old.unlink()
    return loaded


def begun(folder: Path, web: SourceFake, keys: str, markdown: bool = False) -> Path:
    loaded = newsletter(folder, web, keys)
    return new_issue.create(
        loaded, ["soup"], DAY, markdown=markdown, limits=LIMITS, is_public=web.is_public
    ).path


def refusal(folder: Path, web: SourceFake, keys: str) -> str:
    with pytest.raises(NewsError) as raised:
        begun(folder, web, keys)
    assert not (folder / "issues" / "2026-05-04.yml").exists()
    return str(raised.value)


@pytest.mark.parametrize("markdown", [False, True])
@pytest.mark.parametrize("kind", ["rss", "json"])
def test_hostile_titles_and_texts_stay_titles_and_comments(
    kind: str, markdown: bool, web: SourceFake, tmp_path: Path
) -> None:
    titles = [HOSTILE, "soup " * 1_000, "\U0001f372 \u05e9\u05dc\u05d5\u05dd \u200f(x)"]
    if kind == "json":
        data = [{"t": title, "a": [title], "x": title * 3, "l": f"/{n}"} for n, title in enumerate(titles)]
        web.pages["/soup"] = Reply(200, json.dumps(data).encode())
        keys = "json: '{url}/soup', title: t, authors: a, text: x, link: l"
    else:
        plain = [title.replace("\x00", "").replace("\x1b", "").replace("\x07", "") for title in titles]
        items = "".join(
            f"<item><title><![CDATA[{title}]]></title><link>/{n}</link>"
            f"<description><![CDATA[{title * 3}]]></description></item>"
            for n, title in enumerate(plain)
        )
        web.pages["/soup"] = Reply(200, f'<rss version="2.0"><channel>{items}</channel></rss>'.encode())
        keys = "feed: '{url}/soup'"
    path = begun(tmp_path, web, keys, markdown)
    text = samples.with_subject(path.read_text("utf-8"))
    text = text.replace("text: |\n", "text: W\n").replace("#### What it is", "#### What it is\nW")
    issue = files.parse(text.replace("#### This week", "#### This week\nW").encode(), path)
    assert not issue.ready
    stories = [story for _, story in issue.located_stories()]
    first = "--> " if kind == "json" else "-->"
    assert len(stories) == 3 and stories[0].title.startswith(first.strip())
    assert "alert" not in stories[0].title
    assert stories[0].title.endswith("``` #[[name]] ready: true --- &")
    assert len(stories[1].title) <= 500 and stories[1].title.endswith("soup…")
    assert stories[2].title == titles[2]
    assert [passage.text for story in stories for passage in story.passages] == ["W"] * 3


EXPRESSIONS = {
    "type-error": ("entries: \"[?stars > 'x']\"", "cannot be evaluated"),
    "brackets": (f"entries: '{'[' * 499}'", "is no JMESPath expression"),
    "parentheses": (f"entries: '{'(' * 499}'", "is no JMESPath expression"),
    "nots": (f"entries: '{'!' * 499}@'", "sources.soup.entries"),
    "memory": (
        "entries: '[0].t | " + 'join(`""`, [@,@,@,@,@,@,@,@]) | ' * 11 + "@'",
        "to read it takes too much time or memory",
    ),
}


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
def test_a_hostile_expression_is_an_error(
    expression: str, expected: str, web: SourceFake, tmp_path: Path
) -> None:
    web.pages["/soup"] = Reply(200, b'[{"t": "Soup", "stars": 3}]')
    assert expected in refusal(tmp_path, web, f"json: '{{url}}/soup', title: t, {expression}")


def test_many_entries_are_limited(web: SourceFake, tmp_path: Path) -> None:
    web.pages["/soup"] = Reply(
        200, json.dumps([{"t": f"Soup {n}", "l": f"/{n}"} for n in range(5_000)]).encode()
    )
    path = begun(tmp_path, web, "json: '{url}/soup', title: t, link: l, limit: 50")
    assert path.read_text("utf-8").count("- title: ") == 50


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            b"<rss version='2.0'><channel>" + b"<item><title>" * 5_000,
            "gave 1 entry without a title",
            id="deep-rss",
        ),
        pytest.param(
            b"<feed xmlns='http://www.w3.org/2005/Atom'>" + b"<entry><title>&" * 5_000,
            "gave 1 entry without a title",
            id="deep-atom",
        ),
        pytest.param(b"<rss version='2.0'>" + b"<!--" * 200_000, "without an entry", id="comments"),
        pytest.param(b"<!DOCTYPE x [" + b"<!ENTITY a 'b'>" * 50_000, "gave no feed, but", id="entities"),
        pytest.param(
            b"\xff\xfe" + "<rss version='2.0'>".encode("utf-16-le") * 10_000, "gave no feed, but", id="utf-16"
        ),
        pytest.param(b"{" * 500_000, "gave no JSON, but other content", id="braces"),
        pytest.param(bytes(range(256)) * 3_000, "gave no feed, but", id="bytes"),
    ],
)
def test_hostile_bytes_are_an_error(content: bytes, expected: str, web: SourceFake, tmp_path: Path) -> None:
    web.pages["/soup"] = Reply(200, content, {"Content-Type": "application/rss+xml"})
    told = refusal(tmp_path, web, "feed: '{url}/soup'")
    assert told.startswith("newsletter.yml:7: ") and expected in told


def test_a_title_of_many_tags_is_read(web: SourceFake, tmp_path: Path) -> None:
    title = "&lt;b" * 100_000
    feed = f"<rss version='2.0'><channel><item><title>{title}</title></item></channel></rss>"
    web.pages["/soup"] = Reply(200, feed.encode())
    (written,) = re.findall("- title: (.*)", begun(tmp_path, web, "feed: '{url}/soup'").read_text("utf-8"))
    assert written == f'"{"<b" * 249}<…"'


def test_a_link_in_place_of_the_folder_of_issues_is_not_followed(web: SourceFake, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = tmp_path / "letter"
    folder.mkdir()
    loaded = newsletter(folder, web, "json: '{url}/soup', title: t")
    loaded.issues.rmdir()
    loaded.issues.symlink_to(outside)
    web.pages["/soup"] = Reply(200, b'[{"t": "Soup"}]')
    with pytest.raises(NewsError):
        new_issue.create(loaded, ["soup"], DAY, is_public=web.is_public)
    assert list(outside.iterdir()) == []


def test_a_server_that_does_not_answer_is_not_waited_for(web: SourceFake, tmp_path: Path) -> None:
    web.next(Fault.late(30), path="/soup")
    loaded = newsletter(tmp_path, web, "feed: '{url}/soup'")
    with pytest.raises(Unavailable, match="within 1 seconds"):
        new_issue.create(loaded, ["soup"], DAY, limits=Limits(seconds=1), is_public=web.is_public)
