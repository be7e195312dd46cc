"""`news new --from`: an issue that begins with the entries of sources, through the real command."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter import __version__
from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.issue import files
from tests import samples
from tests.fakes.proxy import ProxyFake
from tests.fakes.web import Fault, Reply
from tests.runner import wait_until

ROOT = Path(__file__).parent.parent.parent
RECORDED = (ROOT / "tests" / "data" / "sources" / "daily_papers.json").read_bytes()
PAPERS = "http://papers.example.com/api/daily_papers?week=2026-W18"
BLOG = "http://blog.example.com/feed.xml"
SOURCES = """\
sources:
  papers:
    json: http://papers.example.com/api/daily_papers?week={week}
    title: title
    link: join('', ['https://arxiv.org/abs/', paper.id])
    authors: paper.authors[?!hidden].name
    text: summary
    rating: paper.upvotes
  blog: {feed: http://blog.example.com/feed.xml, limit: 2}
"""
FEED = """\
<rss version="2.0"><channel><title>Blog</title>
<item><title>Third of May</title><link>https://blog.example.com/3</link>
<pubDate>Sun, 03 May 2026 10:00:00 GMT</pubDate><description>A day.</description></item>
<item><title>Nothing, again</title><link>https://arxiv.org/abs/2604.01001</link>
<pubDate>Sat, 02 May 2026 10:00:00 GMT</pubDate></item>
<item><title>Of another week</title><link>https://blog.example.com/1</link>
<pubDate>Mon, 04 May 2026 10:00:00 GMT</pubDate></item></channel></rss>"""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProxyFake]:
    pages = {PAPERS: Reply(200, RECORDED), BLOG: Reply(200, FEED.encode())}
    with ProxyFake(pages) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    samples.write(tmp_path, extra=SOURCES)
    return tmp_path


def news(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def titles(path: Path) -> list[str]:
    """Return the titles of a new issue, after an editor has filled in what it asks for."""
    text = samples.with_subject(path.read_text("utf-8"))
    lines = [f"{line} Text." if line.endswith("text: |") else line for line in text.split("\n")]
    text = "\n".join(line.replace("text: | Text.", "text: Text.") for line in lines)
    text = "\n".join(f"{line}\n\nText." if line.startswith("#### ") else line for line in text.split("\n"))
    return [story.title for _, story in files.parse(text.encode(), path).located_stories()]


BEST = [
    "Six Authors and One <Idea> & Its [name]",
    "A Synthetic Study of Nothing",
    "Second Thoughts of Language Models",
    "世界模型：一项合成研究",
    "A Benchmark for Benchmarks",
]


@pytest.mark.parametrize("suffix", ["yml", "md"])
def test_our_own_newsletter_begins_with_the_five_most_upvoted_papers(
    suffix: str, web: ProxyFake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = (ROOT / "newsletter.yml").read_text("utf-8")
    assert own.count("https://huggingface.co/api/") == 1
    monkeypatch.chdir(tmp_path)
    Path("newsletter.yml").write_text(
        own.replace("https://huggingface.co/", "http://papers.example.com/"), "utf-8"
    )
    kind = "--markdown" if suffix == "md" else "--yaml"
    result = news("new", "2026-05-04", "--from", "papers", kind)
    assert (result.exit_code, result.output) == (
        0,
        f"Wrote issues/2026-05-04.{suffix} with 5 stories to write. "
        "To see it while you write: news preview 2026-05-04\n",
    )
    path = tmp_path / "issues" / f"2026-05-04.{suffix}"
    assert titles(path) == BEST
    text = path.read_text("utf-8")
    assert "2604.01003" in text and "Author B" not in text and "more_authors: 1" in text
    (request,) = web.requests
    assert request.path == PAPERS
    agent = f"news/{__version__} (+https://papers.example.com; one request per new issue)"
    assert request.headers["User-Agent"] == agent


@pytest.mark.parametrize("suffix", ["yml", "md"])
def test_an_issue_that_is_not_written_yet_does_not_pass_the_checks(
    suffix: str, web: ProxyFake, folder: Path
) -> None:
    for old in (folder / "issues").iterdir():
        old.unlink()
    news("new", "2026-05-04", "--from", "papers", "--markdown" if suffix == "md" else "--yaml")
    path = folder / "issues" / f"2026-05-04.{suffix}"
    result = news("check", "2026-05-04")
    assert result.exit_code == 1
    text = samples.with_subject(path.read_text("utf-8"))
    path.write_text(text.replace("text: |\n\n", "text: Hello\n\n", 1), "utf-8")
    result = news("check", "2026-05-04")
    assert result.exit_code == 1
    needed = "text is empty" if suffix == "yml" else "passages[0] has no content"
    assert result.output.count(needed) == 5, result.output


def test_the_text_of_a_source_is_a_comment_and_never_in_the_mail(web: ProxyFake, folder: Path) -> None:
    for kind, day in (("--yaml", "2026-05-04"), ("--markdown", "2026-05-05")):
        news("new", day, "--from", "papers", kind)
        path = next((folder / "issues").glob(f"{day}.*"))
        text = path.read_text("utf-8")
        assert "We study nothing, at length." in text
        assert "not the end of a comment" in text
        filled = samples.with_subject(text).replace("text: |\n", "text: Hello\n")
        if kind == "--markdown":
            filled = "\n".join(
                f"{one}\n\nHello" if one.startswith("####") else one for one in filled.split("\n")
            )
        path.write_text(filled, "utf-8")
        assert news("render", day, "-o", "build").exit_code == 0
        for mail in Path("build").glob(f"{day}.*"):
            content = mail.read_text("utf-8")
            assert "study nothing" not in content and "end of a comment" not in content


def test_several_sources_stand_in_their_order_and_an_entry_stands_once(web: ProxyFake, folder: Path) -> None:
    for old in (folder / "issues").iterdir():
        old.unlink()
    result = news("new", "2026-05-04", "--from", "papers", "--from", "blog", "--from", "papers")
    assert result.exit_code == 0
    assert titles(folder / "issues" / "2026-05-04.yml") == [*BEST, "Third of May"]
    assert web.asked() == [f"GET {PAPERS}", f"GET {BLOG}"]


def test_the_examples_of_the_documentation_work(web: ProxyFake, folder: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    (example,) = re.findall(r"^```yaml\n(sources:\n.*?)^```$", page, re.DOTALL | re.MULTILINE)
    for there, here in (
        ("https://huggingface.co", "http://papers.example.com"),
        ("https://blog", "http://blog"),
    ):
        assert there in example
        example = example.replace(there, here)
    samples.write(folder, extra=example)
    result = news("new", "2026-05-04", "--from", "papers", "--from", "blog", "--yaml")
    assert result.exit_code == 0, result.output
    assert titles(folder / "issues" / "2026-05-04.yml") == [*BEST, "Third of May"]
    assert web.asked() == [f"GET {PAPERS}", f"GET {BLOG}"]


def test_another_week_may_be_chosen(web: ProxyFake, folder: Path) -> None:
    result = news("new", "2026-05-04", "--from", "blog", "--week", "2026-W19")
    assert result.exit_code == 0
    assert titles(folder / "issues" / "2026-05-04.yml") == ["Of another week"]
    assert result.output.startswith(
        "newsletter.yml:14: note: source blog: has only 1 entry for the week 2026-05-04 to 2026-05-10, "
        "and its limit is 2\n"
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--from", "paper"], 'there is no source "paper"; the sources are papers, blog'),
        (["--from", "papers", "--week", "19"], '"19" is not a week; write it as 2026-W18'),
        (["--week", "2026-W18"], "--week is for the entries of a source: add --from NAME"),
    ],
)
def test_wrong_arguments_ask_nobody(
    arguments: list[str], expected: str, web: ProxyFake, folder: Path
) -> None:
    result = news("new", "2026-05-04", *arguments)
    assert result.exit_code in (1, 2)
    assert expected in result.output.replace("\n    ", "; ")
    assert web.requests == [] and not (folder / "issues" / "2026-05-04.yml").exists()


def test_an_existing_issue_asks_nobody(web: ProxyFake, folder: Path) -> None:
    existing = folder / "issues" / "2026-05-04.md"
    existing.write_text("mine")
    result = news("new", "2026-05-04", "--from", "papers", "--yaml")
    assert result.exit_code == 1 and "the file exists already" in result.output
    assert web.requests == [] and existing.read_text() == "mine"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (
            Reply(429, b"", {"Retry-After": "60"}),
            f"too many requests: 429 ({PAPERS}); try again in 60 seconds",
        ),
        (Reply(200, b"[]"), "gave a valid list without an entry"),
        (Reply(200, b"{}"), "the expression @ gave an empty mapping, and no list"),
        (
            Reply(200, b'[{"titel": "Soup", "paper": {"id": "1"}}]'),
            "the expression title gave nothing and no text in the only entry; "
            "an entry is a mapping with the keys titel, paper",
        ),
    ],
)
def test_a_source_that_gives_nothing_writes_no_file(
    reply: Reply, expected: str, web: ProxyFake, folder: Path
) -> None:
    web.pages[PAPERS] = reply
    before = sorted((folder / "issues").iterdir())
    result = news("new", "2026-05-04", "--from", "papers")
    assert result.exit_code == 1
    assert expected in result.output.replace("\n    ", "; "), result.output
    assert result.output.startswith("newsletter.yml:")
    assert sorted((folder / "issues").iterdir()) == before


def test_new_without_a_source_asks_nobody(web: ProxyFake, folder: Path) -> None:
    assert news("new", "2026-05-04").exit_code == 0
    assert web.requests == []


def test_ctrl_c_while_a_source_is_asked_leaves_no_file(web: ProxyFake, folder: Path) -> None:
    web.next(Fault.late(60))
    program = [sys.executable, "-m", "newsletter", "new", "2026-05-04", "--from", "papers"]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: web.requests)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in output
    assert not (folder / "issues" / "2026-05-04.yml").exists()


def test_the_recorded_answer_is_synthetic_and_has_the_shape_of_the_service() -> None:
    papers = json.loads(RECORDED)
    assert len(papers) == 8
    assert all({"paper", "title", "summary", "publishedAt", "numComments"} <= one.keys() for one in papers)
    assert loader.load(ROOT, review=True).config.sources["papers"].limit == 5


def test_a_story_without_passages_in_markdown_is_marked_as_unfinished(web: ProxyFake, folder: Path) -> None:
    for old in (folder / "issues").iterdir():
        old.unlink()
    (folder / "issues" / "2026-04-27.md").write_text(
        "---\nsubject: Soup\npreheader: A soup.\n---\n## Papers\n### [Leek](https://example.com)\nHot.\n"
    )
    assert news("new", "2026-05-04", "--from", "papers").exit_code == 0
    path = folder / "issues" / "2026-05-04.md"
    text = path.read_text("utf-8").replace('""', "Soup").replace("#### This week", "#### This week\nHello.")
    path.write_text(text, "utf-8")
    result = news("check", "2026-05-04")
    assert result.exit_code == 1
    assert result.output.count('error: unfinished: "TODO"') == 5, result.output
