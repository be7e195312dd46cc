"""Issues as Markdown: the same model as YAML, problems at their lines, and refusals with what to write."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from newsletter.config import loader
from newsletter.errors import IssueError
from newsletter.issue import files, skeleton
from newsletter.issue.model import Issue, IssueFile
from newsletter.render.commonmark.notes import number_notes
from newsletter.render.pipeline import render
from tests import samples

KEYS = "subject: Soup\npreheader: A soup for the first cold evening.\n"
FRONT = f"---\n{KEYS}---\n"
STORY = "### [Leek](https://example.com/leek)\n"

TWIN_YAML = """\
subject: Soup & "more"
preheader: A soup for the first cold evening.
ready: true
number: 12
date_line: month
contents: sections
image: {src: "https://example.com/pot.png", alt: A pot, width: 400}
opening:
  - text: |
      Hello, **reader**.

      See [the shop](https://shop.example.com).
  - heading: It is cold
    text: Take a pot.
sections:
  - stories:
      - title: Leek
        link: https://example.com/leek
        text: A story without a section.
  - heading: Recipes
    text: |
      All of them are quick.

      #### A heading of the text

      - one
      - two
    image: {src: "https://example.com/soup.png", alt: Soup}
    stories:
      - title: A broth in `10` minutes
        link: https://example.com/broth?a=1&b=2
        authors: [Ada Example, Bo Sample]
        more_authors: 2
        tags: [soup, quick]
        links:
          - {text: The pot, link: "https://pots.example.com"}
        image: {src: "https://example.com/broth.png", alt: A broth, width: 300, caption: Hot}
        text: It is warm.
        passages:
          - heading: Why it works
            text: |
              Miso.

              > ## Not a heading of the issue

              ```
              ## a comment in code
              ```
          - heading: With a picture
            image: {src: "https://example.com/miso.png", alt: Miso}
            text: "See [the notes][1].\\n\\n[1]: https://example.com/notes"
      - title: Example Pots
        sponsor: true
        button: Buy
        link: https://pots.example.com/?utm_source=letter
        text: Pots that last.
  - heading: Dates
    text: Nothing this week.
closing:
  - heading: Until next week
    text: Reply to this mail.
extra: {theme: winter}
"""

TWIN_MARKDOWN = """\
---
# Comments are allowed here.
subject: Soup & "more"
preheader: A soup for the first cold evening.
ready: true
number: 12
date_line: month
contents: sections
image: {src: "https://example.com/pot.png", alt: A pot, width: 400}
closing:
  - heading: Until next week
    text: Reply to this mail.
extra: {theme: winter}
---

Hello, **reader**.

See [the shop](https://shop.example.com).

#### It is cold
Take a pot.

### [Leek](https://example.com/leek)

A story without a section.

## Recipes ##

```yaml
image: {src: "https://example.com/soup.png", alt: Soup}
```

All of them are quick.

#### A heading of the text

- one
- two

### [A broth in `10` minutes](https://example.com/broth?a=1&b=2)
~~~ yaml
authors: [Ada Example, Bo Sample]
more_authors: 2
tags: [soup, quick]
links:
  - {text: The pot, link: "https://pots.example.com"}
image: {src: "https://example.com/broth.png", alt: A broth, width: 300, caption: Hot}
~~~
It is warm.

#### Why it works

Miso.

> ## Not a heading of the issue

```
## a comment in code
```

#### With a picture

```yaml
image: {src: "https://example.com/miso.png", alt: Miso}
```

See [the notes][1].

### Example Pots

```yaml
sponsor: true
button: Buy
link: https://pots.example.com/?utm_source=letter
```

Pots that last.

## Dates

Nothing this week.

[1]: https://example.com/notes
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("issues").mkdir()
    return Path("issues")


def load(folder: Path, text: str | bytes, name: str = "2026-05-04.md") -> Issue:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return files.load(path)


def refused(folder: Path, text: str | bytes) -> list[str]:
    with pytest.raises(IssueError) as raised:
        load(folder, text)
    return [str(problem).removeprefix("issues/2026-05-04.md") for problem in raised.value.problems]


def content(issue: Issue) -> dict[str, Any]:
    return issue.model_dump(include=set(IssueFile.model_fields))


def test_an_issue_in_yaml_and_its_twin_in_markdown_are_the_same(folder: Path) -> None:
    yaml = load(folder, TWIN_YAML, "2026-05-04.yml")
    (folder / "2026-05-04.yml").unlink()
    markdown = load(folder, TWIN_MARKDOWN)
    assert content(markdown) == content(yaml)
    Path("newsletter.yml").write_text(samples.NEWSLETTER, "utf-8")
    site = loader.load(Path.cwd(), {}).site
    first, second = render(yaml, site), render(markdown, site)
    assert (first.html, first.text) == (second.html, second.text)


@pytest.mark.parametrize(
    ("loc", "words", "line"),
    [
        (("subject",), "", 3),
        (("extra", "theme"), "", 13),
        (("opening", 0, "text"), "the shop", 18),
        (("opening", 0, "text"), "", 16),
        (("opening", 1, "text"), "", 21),
        (("sections", 0, "stories", 0, "text"), "", 25),
        (("sections", 0, "stories", 0, "link"), "", 23),
        (("sections", 1), "", 27),
        (("sections", 1, "image", "alt"), "", 30),
        (("sections", 1, "text"), "two", 38),
        (("sections", 1, "stories", 0, "tags", 1), "", 44),
        (("sections", 1, "stories", 0, "links", 0, "text"), "", 46),
        (("sections", 1, "stories", 0, "text"), "warm", 49),
        (("sections", 1, "stories", 0, "passages", 0, "text"), "a comment in code", 58),
        (("sections", 1, "stories", 0, "passages", 1, "image", "src"), "", 64),
        (("sections", 1, "stories", 1, "text"), "last", 77),
        (("sections", 2, "text"), "this week", 81),
    ],
)
def test_a_part_has_its_line(folder: Path, loc: tuple[str | int, ...], words: str, line: int) -> None:
    issue = load(folder, TWIN_MARKDOWN)
    assert files.where(issue, loc, words) == f"issues/2026-05-04.md:{line}"


def test_line_ends_and_a_byte_order_mark_change_nothing(folder: Path) -> None:
    windows = b"\xef\xbb\xbf" + TWIN_MARKDOWN.replace("\n", "\r\n").encode()
    expected, read = load(folder, TWIN_MARKDOWN), load(folder, windows)
    assert content(read) == content(expected) and read.lines == expected.lines


@pytest.mark.parametrize(
    ("body", "titles"),
    [
        pytest.param("### *a*\nx", [("*a*", None)], id="no-link"),
        pytest.param("### [a](https://a.example)\n", [("a", "https://a.example")], id="link"),
        pytest.param("### [a [b]](https://a.example 't')\n", [("a [b]", "https://a.example")], id="brackets"),
        pytest.param("### [a][x]\n\n[x]: https://a.example\n", [("a", "https://a.example")], id="reference"),
        pytest.param(
            "### [a]\n\n[A]: https://a.example\n", [("a", "https://a.example")], id="short-reference"
        ),
        pytest.param("### <https://a.example>\n", [("https://a.example", "https://a.example")], id="address"),
        pytest.param(
            "### See [a](https://a.example)\nx", [("See [a](https://a.example)", None)], id="within"
        ),
        pytest.param("### [a](https://a.example) [b](https://b.example)\nx", None, id="two-links"),
        pytest.param("### [a](https://a.example/é)\n", [("a", "https://a.example/%C3%A9")], id="encoded"),
        pytest.param("> ### quoted\n\n- ### listed\n\n    ### code\n\n#tag ### x", [], id="no-headings"),
        pytest.param("<!--\n### a\n\n### b\n-->\nx", [], id="comment"),
        pytest.param("<!-- a --> <!--\n### b\n-->\nx", [], id="comment-behind-a-comment"),
        pytest.param("<!-- a\n--> <!--\n### b\n-->\nx", [], id="comment-behind-the-end-of-a-comment"),
        pytest.param("<!-- no end\n\n### a\nx", [("a", None)], id="comment-without-an-end"),
        pytest.param("x <!-- a\n### b\n-->", [("b", None)], id="comment-in-running-text"),
        pytest.param("  ### a ###  \nx", [("a", None)], id="closed"),
    ],
)
def test_headings_begin_stories(folder: Path, body: str, titles: list[tuple[str, str | None]] | None) -> None:
    found = [(story.title, story.link) for _, story in load(folder, FRONT + body).located_stories()]
    assert found == (titles if titles is not None else [(body.removeprefix("### ").partition("\n")[0], None)])


def test_definitions_hold_for_the_whole_file(folder: Path) -> None:
    body = (
        "[Here][1] and [^n].\n\n### A\n\n[There][1]\n\n[1]: https://own.example\n\n"
        "### A, again\n\n[There][1]\n\n[1]: https://second.example\n\n### B\n\n> [In] a quote\n\n"
        "### [C](https://c.example)\n\n<!-- note -->\n\n"
        "[1]: https://a.example\n[In]: <https://b.example>\n  'title'\n"
        "[^n]: A note with [In].\n[^m]: Unused.\n"
    )
    issue = load(folder, FRONT + body)
    first, again, second, third = (story for _, story in issue.located_stories())
    assert issue.opening[0].text == (
        "[Here][1] and [^n].\n\n[1]: https://own.example\n\n[In]: <https://b.example>\n  'title'\n\n"
        "[^n]: A note with [In]."
    )
    assert first.text == "[There][1]\n\n[1]: https://own.example"
    assert again.text == "[There][1]\n\n[1]: https://second.example"
    assert second.text == "> [In] a quote\n\n[In]: <https://b.example>\n  'title'"
    assert third.text and third.text.endswith("\n[^m]: Unused.")


def test_a_note_without_a_reference_stays_where_it_is(folder: Path) -> None:
    """The check `footnotes` can report only what is in a text."""
    body = "## A\n\nOne[^a].\n\n[^b]: For B.\n\n[^c]: Unused.\n\n## B\n\nTwo[^b].\n\n[^a]: For A.\n"
    first, second = (section for _, section in load(folder, FRONT + body).located_sections())
    assert first.text == "One[^a].\n\n\n\n[^c]: Unused.\n\n[^a]: For A."
    assert second.text == "Two[^b].\n\n[^b]: For B."


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("### [A](https://a.example)\n\n{}\n\n### B\n\nText.\n", id="story"),
        pytest.param("### A\n\n```yaml\nlink: https://a.example\n```\n\n{}\n\n### B\n\nB.\n", id="keys"),
        pytest.param("## A\n\n{}\n\n### B\n\nText.\n", id="section"),
        pytest.param("{}\n\n### B\n\nText.\n", id="opening"),
        pytest.param("## A\n\nText.\n\n### B\n\nB.\n\n### [C](https://c.example)\n\n{}\n", id="last"),
    ],
)
def test_a_note_without_a_reference_and_without_a_text_is_reported(folder: Path, body: str) -> None:
    text = FRONT + body.format("[^1]: Nobody reads this.")
    issue = load(folder, text)
    (unused,) = [one for one in files.texts(issue) if "[^1]" in one.content]
    assert [fault for *_, fault in number_notes([unused.content]).faults] == ["unused"]
    line = text[: text.index("[^1]")].count("\n") + 1
    assert files.where_line(issue, unused, 0) == f"{issue.path}:{line}"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("### A\n\n[^1]: Unused.\n", "has no content; write a text below the heading"),
        ("[^1]: Unused.\n", "there is no text below the front matter"),
    ],
)
def test_a_note_is_no_content(folder: Path, body: str, what: str) -> None:
    assert what in refused(folder, FRONT + body)[0]


START = "begin the file with `---`, `subject:`, `preheader:` and `---`, each in a line of its own"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", f":1: the file is empty; {START}", id="empty"),
        pytest.param("\ufeff\r\n", f":1: the file is empty; {START}", id="only-a-mark"),
        pytest.param("# Soup\n", f":1: the file has no front matter; {START}", id="none"),
        pytest.param(
            "----\nsubject: x\n----\n", f":1: the file has no front matter; {START}", id="four-dashes"
        ),
        pytest.param(
            "+++\ntitle='x'\n+++\n", ":1: the front matter is in TOML (+++), which is not read", id="toml"
        ),
        pytest.param('{"title": 1}\n', ":1: the front matter is in JSON ({), which is not read", id="json"),
        pytest.param(
            "Title: Soup\nDate: 2026-05-04\n\nText",
            ":1: the keys stand without `---`; write a line `---` above the first key, and one below the "
            "last key; `Title`: write it as `subject:`",
            id="keys-without-fence",
        ),
        pytest.param("subject: Soup\n---\n\nText", ":1: the keys stand without `---`", id="fence-below-only"),
        pytest.param(
            f"\n{FRONT}x",
            ":1: the line above `---` is not the first of the front matter",
            id="empty-line-above",
        ),
        pytest.param(
            f"---\n{KEYS}\nText",
            ":1: the front matter that starts here has no end; write a line `---`",
            id="open",
        ),
        pytest.param(
            FRONT, ":4: there is no text below the front matter; write a text, a section", id="no-body"
        ),
        pytest.param(
            f"{FRONT}\n<!-- x -->\n", ":4: there is no text below the front matter", id="only-a-comment"
        ),
        pytest.param(f"{FRONT}x\0", ":5: the file has a NUL character", id="nul"),
        pytest.param(FRONT.encode() + b"\xff", ":5: the file is not UTF-8 text", id="not-utf-8"),
        pytest.param("---\n- a\n---\nx", ":1: the file holds no keys", id="list"),
        pytest.param(f"---\n{KEYS}...\na: b\n---\nx", ":5: this line is after the end", id="document-end"),
        pytest.param("---\n---\nx", ":1: subject is missing; add `subject:`", id="no-keys"),
    ],
)
def test_a_file_that_cannot_be_read(folder: Path, text: str | bytes, problem: str) -> None:
    assert refused(folder, text)[0].startswith(problem)


def test_a_file_that_is_too_large(folder: Path) -> None:
    assert refused(folder, FRONT + "x" * 2_000_000) == [": is larger than 2,000,000 bytes; shorten it"]


READY = "only `ready: true` means that the issue may be sent"
NAME = "the name of the file is the date"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("title: Soup", "`subject:`"),
        ("title: News: all", "`subject:`"),
        ('"Title": Soup', "`subject:`"),
        ("title:\n  a: b", "`subject:`"),
        ("description: Soup", "`preheader:`"),
        ("excerpt: >-\n  a: b\n\n  c", "`preheader:`"),
        ("date: 2026-04-27", NAME),
        ("publish_date: 2026-04-27 10:00:00 +0200", NAME),
        ("publishDate: 2026-04-27", NAME),
        ("permalink: /a/:title", NAME),
        ("slug: soup", NAME),
        ("draft: false", READY),
        ("draft: off", READY),
        ("published: true", READY),
        ("status: sent", READY),
        ("layout: post", "newsletter.yml"),
        ("tags: [a, b]", "right below its heading"),
        ("categories:\n- a\n- b", "right below its heading"),
        ("author: Ada", "right below its heading"),
        ("cover_image: a.png", "`image:`"),
        ("params:\n  a: 1", "`extra:`"),
        ("lastmod: 2026-04-29 10:00:00", "`updated:`"),
        ("stories: []", "write it below the front matter"),
        ("sections:\n  - heading: A", "write it below the front matter"),
    ],
)
def test_a_key_of_another_tool_names_the_right_one(folder: Path, line: str, hint: str) -> None:
    (problem,) = refused(folder, f"---\n{KEYS}{line}\nready: false\n---\nText")
    assert (
        problem.startswith(":4: ") and "does not belong in the front matter; " in problem and hint in problem
    )


def test_the_archive_keys_are_in_the_front_matter(folder: Path) -> None:
    issue = load(folder, f"---\n{KEYS}archive: false\nupdated: 2026-05-06\n---\nText")
    assert (issue.archive, issue.updated) == (False, date(2026, 5, 6))
    problem = ":4: updated is before the date of the issue (2026-05-03); write 2026-05-04 or a later date"
    assert refused(folder, f"---\n{KEYS}updated: 2026-05-03\n---\nText") == [problem]


@pytest.mark.parametrize("line", ["draft: false", "published: true", "status: ready", "Ready: true"])
def test_nothing_but_ready_means_ready(folder: Path, line: str) -> None:
    assert refused(folder, f"---\n{KEYS}{line}\n---\nText")
    assert not load(folder, f"{FRONT}ready: true").ready


def test_the_problems_of_a_file_are_reported_together(folder: Path) -> None:
    text = (
        "---\ntitle: Soup\npreheader: A soup.\nredy: true\n---\n"
        "# Soup\n\n## Empty\n\n## Recipes\n\n### [Leek](htps://example.com)\n\n```yaml\ntags: a\nmore: off\n"
        'image:\n  alt: "x"\n```\n\n### Only a title\n\n####\n\nSome text\n---\n'
    )
    assert refused(folder, text) == [
        ":1: subject is missing; add `subject:`",
        ":2: title does not belong in the front matter; write it as `subject:`",
        ":4: redy is an unknown key; did you mean `ready`?",
        ":6: a heading with one # is the title of a page, and the title of the mail is `subject`; delete it, "
        "or write ## for a section",
        ":8: sections[0] has no content; write a text or a story (`###`) below the heading, or delete the "
        "heading",
        ':12: sections[1].stories[0].link is not a web address ("htps://example.com"); write the whole '
        "address: https://…",
        ':15: sections[1].stories[0].tags is not a list ("a"); write each entry on its own line, after "- "',
        ':16: sections[1].stories[0].more: YAML reads off as true or false; quote it: "off", or write true '
        "or false",
        ":17: sections[1].stories[0].image.src is missing; add `src:`",
        ":23: the heading is empty; write its words",
        ":25: the line of --- below a text makes the text a heading; for a rule, write an empty line above "
        "---; for a section, write ## …",
    ]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(
            "### A\n\n#### B\n\n### C\nx",
            ":7: sections[0].stories[0].passages[0] has no content",
            id="passage",
        ),
        pytest.param(
            "### A\n\n### C\nx", ":5: sections[0].stories[0] has no content; write a text", id="title-only"
        ),
        pytest.param(
            "Soup\n===\nx", ":5: the line of === below a text makes the text a heading", id="level-1"
        ),
        pytest.param(f"{STORY}```yaml\ntags: [a\n```\n", ":7: a bracket is opened here", id="yaml-mistake"),
        pytest.param(
            f"{STORY}```yaml\ntags: [a]\n\nText\n",
            ":6: the block ``` that starts here has no end",
            id="no-end",
        ),
        pytest.param(
            f"{STORY}```yaml\non: push\n```\n",
            ":6: the block ```yaml right below a heading has none of the keys link, button, sponsor, "
            "authors, more_authors, tags, links, image; write one of them; for an example of code, write a "
            "line of text above the block",
            id="an-example-of-code",
        ),
        pytest.param(
            f"{STORY}```yaml\n- a\n```\n", ":6: the block ```yaml right below a heading has none", id="a-list"
        ),
        pytest.param(
            f"{STORY}```yaml\ntagz: [a]\ntags: [b]\n```\n",
            ":7: sections[0].stories[0].tagz is an unknown",
            id="typo",
        ),
        pytest.param(
            f"{STORY}```yaml\ntags: [a]\nlink: x\n```\n",
            ":8: sections[0].stories[0].link is in the body",
            id="link-twice",
        ),
        pytest.param(
            f"{STORY}```yaml\ntitle: B\n```\n",
            ":7: sections[0].stories[0].title is in the body",
            id="title-twice",
        ),
        pytest.param(
            f"{STORY}```yaml\ntext: B\n```\n",
            ":7: sections[0].stories[0].text is in the body",
            id="text-as-key",
        ),
        pytest.param(
            "## A\n```yaml\ntags: [a]\n```\nx",
            ":6: the block ```yaml right below a heading has none",
            id="section",
        ),
        pytest.param(
            f"{STORY}```yaml\nbutton: a\nbutton: b\n```\n",
            ":8: sections[0].stories[0].button is defined twice",
            id="twice",
        ),
        pytest.param(
            f"### [{'a' * 501}](https://a.example)\n",
            ":5: sections[0].stories[0].title is 501 characters",
            id="long",
        ),
        pytest.param("### [a]()\n", ":5: sections[0].stories[0].link is empty", id="empty-link"),
        pytest.param(
            "### [a](javascript:b)\n", ":5: sections[0].stories[0].link is not a web address", id="script"
        ),
        pytest.param("### [](https://a.example)\n", ":5: the heading is empty", id="empty-title"),
    ],
)
def test_a_mistake_in_the_body(folder: Path, body: str, problem: str) -> None:
    assert refused(folder, FRONT + body)[0].startswith(problem)


def test_code_below_a_text_is_code(folder: Path) -> None:
    code = "```yaml\non: push\n```"
    issue = load(folder, f"{FRONT}{STORY}Text:\n\n{code}\n\n### B\n\n```yml\non: push\n```\n")
    first, second = (story.text for _, story in issue.located_stories())
    assert first == f"Text:\n\n{code}" and second == "```yml\non: push\n```"


# The files of a folder


def test_two_files_of_one_issue_are_an_error_that_names_both(folder: Path) -> None:
    for name in ("2026-05-04.md", "2026-05-04.yml"):
        (folder / name).write_text(FRONT + "x", "utf-8")
    assert files.issue_files(folder) == [folder / "2026-05-04.yml"]
    for path in (files.find(folder), folder / "2026-05-04.md"):
        with pytest.raises(IssueError) as raised:
            files.load(path)
        assert str(raised.value) == (
            f"{path}: 2026-05-04.yml and 2026-05-04.md are both the issue of 2026-05-04; delete one of the "
            "two, or give it another date"
        )


def test_an_issue_in_markdown_is_found_by_its_date(folder: Path) -> None:
    for name in ("2026-04-27.yml", "2026-05-04.md", "README.md", "2026-05-11.MD"):
        (folder / name).write_text(FRONT + "x", "utf-8")
    found = [folder / "2026-04-27.yml", folder / "2026-05-04.md"]
    assert files.issue_files(folder) == found
    assert files.find(folder) == files.find(folder, "2026-05-04") == found[1]
    assert files.find(folder, "issues/2026-05-04.md") == files.find(folder, "2026-05-04.md") == found[1]
    assert files.issue_name("issues/2026-05-04.md") == "2026-05-04"
    assert files.load(found[1]).date == date(2026, 5, 4)
    assert files.parse((FRONT + "x").encode(), found[1]).opening[0].text == "x"
    with pytest.raises(IssueError, match=r"name it like this: 2026-04-27\.md"):
        files.load(folder / "README.md")


# A new issue

FILLED = {"subject": "Soup", "preheader": "A soup for the first cold evening."}


def filled(text: str) -> str:
    """Return a skeleton with words in every place that asks for some."""
    for key, words in FILLED.items():
        text = text.replace(f'{key}: ""', f"{key}: {words}")
    front, end, body = text.rpartition("---\n")
    lines = (f"{line} [T](https://example.com)" if line == "###" else line for line in body.split("\n"))
    return front + end + "\n".join(f"{line}\n\nText." if line.startswith("####") else line for line in lines)


def test_a_new_issue_in_markdown_takes_the_headings_of_the_newest(folder: Path) -> None:
    load(folder, TWIN_YAML.replace("heading: Dates", "heading: 'In C #'"), "2026-04-27.yml")
    path = skeleton.create(folder, date(2026, 5, 4), markdown=True)
    assert path == folder / "2026-05-04.md"
    body = path.read_text("utf-8").rpartition("---\n")[2].split("\n\n")
    block = "```yaml\nauthors: []\ntags: []\n```"
    passages = ["#### Why it works", "#### With a picture"]
    headings = ["\n#### It is cold", "###", "## Recipes", "###", block, *passages, "## In C # #\n"]
    assert body == headings
    issue = load(folder, filled(path.read_text("utf-8")) + "\n\nText.")
    assert [section.heading for section in issue.sections] == [None, "Recipes", "In C #"]
    assert not issue.ready


def test_the_first_issue_in_markdown_can_be_filled_in(folder: Path) -> None:
    path = skeleton.create(folder, date(2026, 5, 4), markdown=True)
    assert refused(folder, path.read_text("utf-8"))[0] == ":11: subject is empty; fill it in"
    issue = load(folder, filled(path.read_text("utf-8")))
    assert [story.passages[0].heading for story in issue.sections[0].stories] == ["What it is"]


@pytest.mark.parametrize("existing", ["2026-05-04.yml", "2026-05-04.yaml", "2026-05-04.md"])
@pytest.mark.parametrize("markdown", [True, False])
def test_a_new_issue_is_never_a_second_file_of_its_date(folder: Path, existing: str, markdown: bool) -> None:
    (folder / existing).write_text(KEYS, "utf-8")
    with pytest.raises(IssueError) as raised:
        skeleton.create(folder, date(2026, 5, 4), markdown=markdown)
    assert str(raised.value) == f"issues/{existing}: the file exists already; edit it, or delete it first"
    assert [path.name for path in folder.iterdir()] == [existing]
