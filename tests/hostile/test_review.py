"""A review shows a stranger's branch in a comment: its texts ping nobody, link nowhere, and run nothing."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, expect

from newsletter.cli.main import main
from newsletter.display import escaped
from newsletter.review.mail_page import mail_page
from newsletter.review.markdown import escape
from tests import repositories, samples

SPACE = "\u200b"
ATTACKS = (
    "](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "<img src=https://evil.example/pixel.png onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</td></table></details><h1>Approved",
    "--> <b>",
    "@everybody and @example/team",
    "see #123, GH-7, example/repo#5, example/repo@4f1c2ab",
    "https://github.com/example/repo/issues/1",
    "www.evil.example",
    "mail ada@example.com",
    "a | b | c",
    "`` ` ```",
    "> [!TIP] Ready",
    "# Ready",
    "1. one",
    "- [x] done",
    "---",
    "===",
    "|:--|",
    "[a]: https://evil.example",
    "[^1]",
    "**bold** ~~gone~~ _it_ \\*",
    "&lt;b&gt; &#64;ada &commat;ada",
    "$x^2$ costs $5",
    ":+1: :tada:",
    "<!-- news-review -->",
    "line one  \nline two\r\n\r\n# three",
    "\u202eevil\u2066 \u200b@\u200bada",
)
# What GitHub makes a notification, a link, an emoji or a formula of, in the text of a page.
FOUND_BY_GITHUB = re.compile(
    r"@[\w/-]|#\d|\bgh-\d|\w://|:[\w+-]+:|\bwww\.|\$[^$]*\$", re.IGNORECASE | re.ASCII
)


class Page(HTMLParser):
    """The elements of a page, the targets of its links, and its text."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.targets: list[str] = []
        self.texts: list[str] = []
        parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        self.feed(parser.render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.targets += [value or "" for name, value in attrs if name in ("href", "src")]
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts = self.texts or [""]
        self.texts[-1] += data

    @property
    def text(self) -> str:
        return "".join(self.texts).replace(SPACE, "")


CONTEXTS = {
    "paragraph": ("", "", {"p"}),
    "table": ("| a |\n|:--|\n| ", " |", {"table", "thead", "tbody", "tr", "th", "td"}),
    "quote": ("> ", "", {"blockquote", "p"}),
    "bold": ("**a** · ", "", {"p", "strong"}),
    "inserted": ("> <ins><b>", "</b></ins>", {"blockquote", "p", "ins", "b"}),
    "summary": ("<details><summary>", "</summary>\n\na\n\n</details>", {"details", "summary", "p"}),
}
CHARACTERS = st.sampled_from("ab1 .,;:!?@#$%^&*()[]{}<>|\\/`~'\"_-+=\n\t\u00e9\u202e\u200b")


@given(st.text(CHARACTERS, max_size=30), st.sampled_from(sorted(CONTEXTS)))
@example("", "paragraph")
@example("1) a", "quote")
@example("- a | b", "table")
@example("</b> **", "bold")
def test_any_text_stays_text(text: str, context: str) -> None:
    before, after, tags = CONTEXTS[context]
    page = Page(f"{before}{escape(text)}{after}\n")
    assert page.tags <= tags | {"span"} and page.targets == []
    assert "".join(escaped(text).split()) in "".join(page.text.split())


@pytest.mark.parametrize("attack", ATTACKS)
def test_github_finds_nothing_in_a_text(attack: str) -> None:
    for before, after, tags in CONTEXTS.values():
        page = Page(f"{before}{escape(attack)}{after}\n")
        assert [text for text in page.texts if FOUND_BY_GITHUB.search(text)] == []
        assert page.tags <= tags | {"span"} and page.targets == []


ALLOWED = "https://github.com/example/letter/"
VARIABLES = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "example/letter",
    "GITHUB_SHA": "4f1c2ab" + "0" * 33,
    "GITHUB_RUN_ID": "7",
}


def quoted(text: str) -> str:
    return "'" + escaped(text).replace("'", "''") + "'"


def hostile_issue(n: int, attack: str) -> str:
    one = quoted(attack)
    indented = "\n\n          ".join(f"{escaped(other)} {n}" for other in ATTACKS)
    return f"""\
subject: {one}
preheader: {one}
ready: true
stories:
  - title: {one}
    link: https://soup.example.com/{n}
    authors: [{one}]
    tags: [{one}]
    passages:
      - heading: {one}
        text: |
          {indented}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a newsletter in a repository; the variables are those of a runner."""
    folder = samples.write(tmp_path / "letter")
    repositories.repository(folder)
    monkeypatch.chdir(folder)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "links.json").write_text(f'{{"mail.html": "{ALLOWED}actions/runs/7/artifacts/1"}}')
    return folder


def review(*arguments: str) -> Result:
    """Write only the Markdown of a review."""
    return CliRunner().invoke(main, ["review", "--links", "../links.json", *arguments])


def test_a_hostile_branch_is_shown_and_does_nothing(folder: Path) -> None:
    attack = "> [!TIP] @all #1 ](javascript:alert(1)) | <img src=x> ` www.x :tada:"
    issues, config = folder / "issues", folder / "newsletter.yml"
    (issues / "2026-04-27.yml").write_text(hostile_issue(1, attack))
    repositories.commit(folder)
    (issues / "2026-04-27.yml").write_text(hostile_issue(2, f"TODO the the {attack}"))
    (issues / "2026-04-20.yml").write_text(f"{quoted(attack)}: [")
    config.write_text(config.read_text().replace("name: The Soup Letter\n", f"name: {quoted(attack)}\n"))
    (folder / "templates").mkdir()
    (folder / "templates" / "](javascript:alert(1)) @ada #2 `|`.j2").write_text("x")
    result = review("--base", "main")
    assert result.exit_code == 1 and "Traceback" not in result.output
    for file in Path("build/review").iterdir():
        text = file.read_text(encoding="utf-8")
        page = Page(text)
        assert not page.tags & {"img", "script", "h1", "iframe", "input"}
        assert {target for target in page.targets if not target.startswith(ALLOWED)} == set()
        assert [found for found in page.texts if FOUND_BY_GITHUB.search(found)] == []
        assert text.count("<!--") == 1 and text.count("> [!") == 1 and text.startswith("<!-- news-review -->")
        for shown in (attack, "@ada #2", "What changed in the text", "Problems of issues/2026-04-20.yml"):
            assert shown in page.text


@pytest.mark.parametrize(
    "links",
    [
        pytest.param('{"mail.html": "javascript:alert(1)"}', id="script"),
        pytest.param('{"mail.html": "https://a.example/) ![x](https://b.example/x.png"}', id="markdown"),
        pytest.param('{"mail.html": ["https://a.example"]}', id="list"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("\udcff", id="not-utf-8"),
        pytest.param("[]", id="no-object"),
    ],
)
def test_addresses_that_are_not_plain_are_refused(folder: Path, links: str) -> None:
    (folder.parent / "links.json").write_bytes(links.encode("utf-8", "surrogateescape"))
    result = review()
    assert result.exit_code == 1 and "links.json: " in result.output
    assert "Traceback" not in result.output and not (folder / "build").exists()


def test_nothing_is_written_through_a_link_of_the_branch(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "build").symlink_to(tmp_path / "elsewhere")
    for arguments in ((), ("--output", "build/review")):
        result = review(*arguments)
        assert result.exit_code == 1 and "is a symbolic link" in result.output.replace("is behind", "is")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_git_starts_no_program_of_the_repository(folder: Path, tmp_path: Path) -> None:
    """The configuration of a clone may name programs, and a branch chooses among them in .gitattributes."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >> {tmp_path / 'trace'}\ncat\n")
    program.chmod(0o755)
    names = ("core.fsmonitor", "diff.external", "diff.x.command", "diff.x.textconv", "filter.x.clean")
    for name in (*names, "filter.x.smudge", "merge.x.driver", "core.pager", "core.editor"):
        repositories.git(folder, "config", name, str(program))
    (folder / ".gitattributes").write_text("* diff=x filter=x merge=x\n")
    file = folder / "issues" / "2026-04-27.yml"
    file.write_text(file.read_text().replace("Leek", "Peas"))
    assert review("--base", "main").exit_code == 0
    assert "Peas" in Path("build/review/comment.md").read_text() and not (tmp_path / "trace").exists()


TITLE = '</title><script>document.title = "ran"</script>'
ACTIVE = """<!doctype html><html><head><meta charset="utf-8"><base href="{0}/base/">
<meta http-equiv="refresh" content="0;url={0}/refresh">
<link rel="preconnect" href="{0}"><link rel="stylesheet" href="{0}/style">
<script>document.title = "ran"; fetch("{0}/script")</script></head>
<body onload="fetch('{0}/onload')"><p id="text">Soup &amp; "bread"</p></iframe>
<script>top.document.title = "ran"</script>
<iframe src="{0}/frame"></iframe><object data="{0}/object"></object><embed src="{0}/embed">
<svg><a><animate attributeName="href" to="javascript:top.ran=1"></animate></a></svg>
<img src="data:,x" onerror="fetch('{0}/onerror')"><audio src="{0}/audio" autoplay></audio>
<a id="link" href="javascript:fetch('{0}/link')">link</a>
<a id="web" href="{0}/web">web</a>
<a id="top" href="{0}/top" target="_top">top</a>
<form action="{0}/form"><button id="button">send</button></form></body></html>
"""


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a web server, and the paths that are requested from it."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", paths
        running.shutdown()


def test_the_page_of_a_mail_runs_no_script(
    browser: Browser, tmp_path: Path, server: tuple[str, list[str]]
) -> None:
    address, paths = server
    file = tmp_path / "mail.html"
    file.write_text(mail_page(ACTIVE.format(address), TITLE))
    page = browser.new_page()
    page.goto(file.as_uri())
    mail = page.frame_locator("iframe")
    expect(mail.locator("#text")).to_have_text('Soup & "bread"')
    for name in ("#link", "#top", "#button"):
        mail.locator(name).click()
    with page.expect_popup() as popup:
        mail.locator("#web").click()
    popup.value.wait_for_load_state()
    assert (page.title(), page.url) == (TITLE, file.as_uri())
    assert paths == ["/web"]
    page.close()
