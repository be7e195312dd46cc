"""Issue files: the real issue, the JSON Schema for editors, finding an issue and creating one."""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from newsletter.errors import IssueError, Unavailable
from newsletter.issue import files, skeleton
from newsletter.issue.model import Issue
from tests import samples

ROOT = Path(__file__).parent.parent.parent
REAL = ROOT / "issues" / "2026-04-27.yml"
DATA = Path(__file__).parent.parent / "data" / "issues"
SOUP = """\
subject: Soup
preheader: A soup for the first cold evening.
opening: [{heading: Hello, text: It is cold.}, {text: Without a heading.}]
stories:
  - title: Leek
    link: https://example.com/leek
    passages: [{heading: Buy, text: Leek.}, {heading: 'Cook "it"', text: Slowly.}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("issues").mkdir()
    return Path("issues")


def write(folder: Path, name: str, text: str = SOUP) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def refused(path: Path) -> list[str]:
    with pytest.raises(IssueError) as raised:
        files.load(path)
    return [str(problem) for problem in raised.value.problems]


# The facts in the real issue: title, arXiv number, first authors, number of further authors, tags.
PAPERS = [
    (
        "Heterogeneous Scientific Foundation Model Collaboration",
        "2604.27351",
        ("Zihao Li", "Jiaru Zou", "Feihao Fang", "Xuying Ning"),
        5,
        ("agents", "scientific-ai", "multi-agent-systems", "foundation-models", "tool-use"),
    ),
    (
        "Recursive Multi-Agent Systems",
        "2604.25917",
        ("Xiyuan Yang", "Jiaru Zou", "Rui Pan", "Ruizhong Qiu"),
        8,
        ("multi-agent-systems", "efficiency", "reasoning", "inference-cost", "agents"),
    ),
    (
        "World-R1: Reinforcing 3D Constraints for Text-to-Video Generation",
        "2604.24764",
        ("Weijie Wang", "Xiaoxuan He", "Youping Gu", "Yifan Yang"),
        8,
        ("video-generation", "world-models", "reinforcement-learning", "3d", "generative-ai"),
    ),
    (
        "Agentic World Modeling: Foundations, Capabilities, Laws, and Beyond",
        "2604.22748",
        ("Meng Chu", "Xuan Billy Zhang", "Kevin Qinghong Lin", "Lingdong Kong"),
        38,
        ("world-models", "agents", "survey", "robotics", "ai-strategy"),
    ),
    (
        "Visual Generation in the New Era: An Evolution from Atomic Mapping to Agentic World Modeling",
        "2604.28185",
        ("Keming Wu", "Zuhao Yang", "Kaichen Zhang", "Shizun Wang"),
        23,
        ("image-generation", "video-generation", "evaluation", "world-models", "survey"),
    ),
]


@pytest.fixture(scope="module")
def real() -> Issue:
    return files.load(REAL)


def test_the_real_issue_is_of_its_week(real: Issue) -> None:
    assert real.name == "2026-04-27"
    assert real.week == (date(2026, 4, 27), date(2026, 5, 3))
    assert real.ready


def test_the_real_issue_opens_with_three_sections(real: Issue) -> None:
    assert [passage.heading for passage in real.opening] == ["This week in ML", "Themes", "Open questions"]
    assert all(90 <= len(passage.text.split()) <= 150 for passage in real.opening)


def test_the_real_issue_has_its_five_papers(real: Issue) -> None:
    assert [
        (story.title, story.link, story.authors, story.more_authors, story.tags) for story in real.stories
    ] == [
        (title, f"https://arxiv.org/abs/{number}", authors, more, tags)
        for title, number, authors, more, tags in PAPERS
    ]


def test_the_real_issue_links_to_the_discussions(real: Issue) -> None:
    links = [[link.link for link in story.links] for story in real.stories]
    assert [story[-1] for story in links] == [f"https://huggingface.co/papers/{paper[1]}" for paper in PAPERS]
    assert [story[:-1] for story in links] == [[], ["https://recursivemas.github.io"], [], [], []]


@pytest.mark.parametrize("number", range(5))
def test_each_paper_is_told_in_three_passages(real: Issue, number: int) -> None:
    passages = real.stories[number].passages
    assert [passage.heading for passage in passages] == ["What it is", "Where it fits", "Why it matters"]
    assert all(80 <= len(passage.text.split()) <= 130 for passage in passages)


def test_each_part_of_an_issue_has_its_line(real: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    issue = files.load(REAL)
    lines = ["", *REAL.read_text("utf-8").splitlines()]
    for loc, start in [
        (("subject",), "subject:"),
        (("opening", 2), "  - heading: Open questions"),
        (("stories", 4, "link"), "    link: https://arxiv.org/abs/2604.28185"),
        (("stories", 1, "links", 0), "      - {text: Project page"),
    ]:
        path, _, line = files.where(issue, loc).rpartition(":")
        assert path == "issues/2026-04-27.yml"
        assert lines[int(line)].startswith(start)


def test_an_issue_is_what_validating_it_as_a_whole_makes_of_it(real: Issue) -> None:
    assert real == Issue(**dict(real))
    assert real.model_fields_set == Issue(**dict(real)).model_fields_set


def test_an_issue_says_its_name_but_not_all_its_lines(real: Issue) -> None:
    assert "lines=" not in repr(real)


def test_every_way_of_writing_text_is_read(folder: Path) -> None:
    issue = files.load(write(folder, "2026-05-04.yml", (DATA / "dialects.yml").read_text("utf-8")))
    story = issue.stories[0]
    assert issue.subject == 'World models "take" the week'
    assert issue.preheader == 'It\'s <b>&amp;</b> "all" here: #1, 100 %, \U0001f680 & é'
    assert story.title == 'World-R1: Reinforcing "3D"'
    assert story.link == "https://example.com/a?b=c&d=%20#e"
    assert story.authors == ("Zihao Li", "Null", "off")
    assert story.passages[0].text == ("# Not a comment\n\n    code, indented\n\n* a *list* & <b>markup</b>")
    assert story.passages[1].heading == "[1]"
    assert story.tags == ("3d", "2026")
    assert story.links[0].text == "a: b"
    assert story.image and story.image.width is None
    assert issue.extra == {"colour": "#123456", "size": 1.5, "on_sale": False, "none": None}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        pytest.param("leek.yml", "the file's name is not the date of the issue", id="no-date"),
        pytest.param("2026-05-04.YML", "the file's name is not the date of the issue", id="capitals"),
        pytest.param("2026-5-4.yml", "the file's name is not the date of the issue", id="short"),
        pytest.param("20260504.yml", "the file's name is not the date of the issue", id="no-dashes"),
        pytest.param("2026-05-04-draft.yml", "the file's name is not the date of the issue", id="draft"),
        pytest.param(
            "2026-05-0\u0664.yml", "the file's name is not the date of the issue", id="other-digits"
        ),
        pytest.param("9999-12-31.yml", "the file's name is not the date of the issue", id="last-year"),
        pytest.param("2026-02-30.yml", "there is no 2026-02-30 in the calendar", id="no-such-day"),
    ],
)
def test_a_file_is_named_by_its_date(folder: Path, name: str, problem: str) -> None:
    assert refused(write(folder, name)) == [f"issues/{name}: {problem}; name it like this: 2026-04-27.yml"]


def test_a_folder_in_place_of_an_issue(folder: Path) -> None:
    (folder / "2026-05-04.yml").mkdir()
    expected = [
        "issues/2026-05-04.yml: is a folder, not a regular file; "
        "put a regular file in its place, or name another file"
    ]
    assert refused(files.find(folder)) == expected


def test_a_dangling_link_in_place_of_an_issue(folder: Path) -> None:
    (folder / "2026-05-04.yml").symlink_to("nowhere.yml")
    expected = [
        "issues/2026-05-04.yml: cannot be read (No such file or directory); check its name and permissions"
    ]
    assert refused(files.find(folder, "2026-05-04")) == expected


def test_issues_are_found_oldest_first(folder: Path) -> None:
    for name in ("2026-05-04.yml", "2025-12-29.yml", "notes.yml", "2026-05-11.yml.orig", "2026-05-11.yaml"):
        write(folder, name)
    expected = ["2025-12-29.yml", "2026-05-04.yml", "2026-05-11.yaml"]
    assert [path.name for path in files.issue_files(folder)] == expected
    assert files.find(folder) == folder / "2026-05-11.yaml"


def test_a_folder_that_goes_away_while_it_is_read_has_no_issues(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "2026-05-04.yml")
    scandir = os.scandir

    def too_late(path: str) -> object:
        if folder.exists():
            folder.rename(folder.with_name("gone"))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", too_late)
    assert files.issue_files(folder) == []


@pytest.mark.parametrize("name", ["2026-05-04", "2026-05-04.yml", "issues/2026-05-04.yml"])
def test_an_issue_is_found_by_its_name_or_its_path(folder: Path, name: str) -> None:
    write(folder, "2026-05-04.yml")
    write(folder, "2026-05-11.yml")
    assert files.load(files.find(folder, name)).name == "2026-05-04"


NEWEST = "the newest here: 2026-05-04, 2026-05-11, 2026-05-18"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        pytest.param(
            "2026-06-01",
            f"issues/2026-06-01.yml: there is no such issue; {NEWEST}; or start it: news new 2026-06-01",
            id="date",
        ),
        pytest.param(
            "leek",
            f"issues/leek.yml: there is no such issue; {NEWEST}; or name an issue by its date: 2026-05-04",
            id="word",
        ),
        pytest.param(
            "issues/2026-06-01.yml",
            f"issues/2026-06-01.yml: there is no such issue; {NEWEST}; or start it: news new 2026-06-01",
            id="path",
        ),
        pytest.param(
            "",
            f"issues/.yml: there is no such issue; {NEWEST}; or name an issue by its date: 2026-05-04",
            id="empty",
        ),
    ],
)
def test_an_issue_that_is_not_there(folder: Path, name: str, problem: str) -> None:
    for monday in ("2026-04-27", "2026-05-04", "2026-05-11", "2026-05-18"):
        write(folder, f"{monday}.yml")
    with pytest.raises(IssueError) as raised:
        files.find(folder, name)
    assert str(raised.value) == problem


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "../" * 2000, "a\nb", os.fsdecode(b"\xff")])
def test_a_name_that_no_file_can_have(folder: Path, name: str) -> None:
    with pytest.raises(IssueError, match="there is no such issue") as raised:
        files.find(folder, name)
    assert "\n" not in str(raised.value)
    str(raised.value).encode()


@pytest.mark.parametrize("missing", [True, False], ids=["no-folder", "empty-folder"])
def test_no_issue_at_all(folder: Path, missing: bool) -> None:
    if missing:
        folder.rmdir()
    with pytest.raises(IssueError) as raised:
        files.find(folder)
    message, _, day = str(raised.value).rpartition(" ")
    assert (
        message
        == "issues: there is no issue in this folder; start one, for example for next Monday: news new"
    )
    monday = date.fromisoformat(day)
    assert monday.weekday() == 0
    assert 0 <= (monday - date.today()).days <= 7


def plain(path: Path) -> Any:
    """Return an issue as a general YAML library loads it."""
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files.schema())
    return loaded


@pytest.mark.parametrize(
    "written", ["2026-04-29", '"2026-04-29"', "2026-04-27  # the day itself", ">-\n  2026-04-29"]
)
def test_an_issue_says_when_it_was_changed(folder: Path, written: str) -> None:
    issue = files.load(write(folder, "2026-04-27.yml", f"{SOUP}updated: {written}\n"))
    assert issue.updated in (date(2026, 4, 27), date(2026, 4, 29))
    assert issue.archive
    assert files.load(write(folder, "2026-04-27.yml")).updated is None


def test_an_issue_says_that_the_archive_leaves_it_out(folder: Path) -> None:
    assert not files.load(write(folder, "2026-04-27.yml", f"{SOUP}archive: false\n")).archive


WRITE_DATE = "write it as 2026-04-29"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param(
            "updated: 2026-04-26",
            "updated is before the date of the issue (2026-04-26); write 2026-04-27 or a later date",
            id="too-early",
        ),
        pytest.param("updated: 2026-4-29", f'updated is not a date ("2026-4-29"); {WRITE_DATE}', id="digits"),
        pytest.param(
            "updated: 2026-02-30", f'updated is not a date ("2026-02-30"); {WRITE_DATE}', id="no-day"
        ),
        pytest.param("updated: 29.04.2026", f'updated is not a date ("29.04.2026"); {WRITE_DATE}', id="dots"),
        pytest.param("updated: 20260429", f'updated is not a date ("20260429"); {WRITE_DATE}', id="compact"),
        pytest.param("updated: 2026", f'updated is not a date ("2026"); {WRITE_DATE}', id="year"),
        pytest.param(
            "updated: 2026-04-29 10:00:00",
            f'updated is not a date ("2026-04-29 10:00:00"); {WRITE_DATE}',
            id="time",
        ),
        pytest.param("updated: off", f'updated is not a date ("off"); {WRITE_DATE}', id="word"),
        pytest.param(
            "archive: off",
            'archive: YAML reads off as true or false; quote it: "off", or write true or false',
            id="archive-off",
        ),
        pytest.param(
            "archive: 'no'",
            'archive is neither true nor false ("no"); write true or false, without quotes',
            id="archive-text",
        ),
        pytest.param(
            "preheader2: 2026-04-29",
            'preheader2: YAML reads 2026-04-29 as a date; quote it: "2026-04-29"',
            id="other-key",
        ),
    ],
)
def test_a_key_of_the_archive_that_cannot_be_used(folder: Path, line: str, problem: str) -> None:
    with pytest.raises(IssueError) as raised:
        files.load(write(folder, "2026-04-27.yml", f"{SOUP}{line}\n"))
    assert [str(found) for found in raised.value.problems] == [f"issues/2026-04-27.yml:8: {problem}"]


def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
    assert files.schema().endswith("}\n")


def test_the_schema_accepts_what_is_accepted(schema: dict[str, Any]) -> None:
    jsonschema.validate(plain(REAL), schema)
    jsonschema.validate(plain(DATA / "dialects.yml"), schema)


@pytest.mark.parametrize(
    "path",
    [(), ("opening", 0), ("stories", 1), ("stories", 1, "passages", 0), ("stories", 1, "links", 0)],
    ids=["issue", "opening", "story", "passage", "link"],
)
def test_the_schema_refuses_an_unknown_key(schema: dict[str, Any], path: tuple[str | int, ...]) -> None:
    data = part = plain(REAL)
    for step in path:
        part = part[step]
    part["titel"] = "World models"
    with pytest.raises(jsonschema.ValidationError, match="'titel' was unexpected"):
        jsonschema.validate(data, schema)


@pytest.mark.parametrize("key", ["subject", "preheader"])
def test_the_schema_refuses_a_missing_key(schema: dict[str, Any], key: str) -> None:
    data = plain(REAL)
    del data[key]
    with pytest.raises(jsonschema.ValidationError, match=f"'{key}' is a required property"):
        jsonschema.validate(data, schema)


def test_the_schema_refuses_an_issue_without_content(schema: dict[str, Any]) -> None:
    data = {"subject": "Soup", "preheader": "A soup."}
    with pytest.raises(jsonschema.ValidationError, match="not valid under any of the given schemas"):
        jsonschema.validate(data, schema)
    jsonschema.validate(data | {"opening": [{"text": "Cut."}]}, schema)


def test_the_schema_describes_each_key(schema: dict[str, Any]) -> None:
    parts = [schema, *schema["$defs"].values()]
    assert {part["title"] for part in parts} == {
        "IssueFile",
        "Section",
        "Passage",
        "Story",
        "Link",
        "Image",
    }
    for part in parts:
        for name, described in part["properties"].items():
            assert described.get("description", "").endswith((".", "….")), f"{part['title']}.{name}"


def test_a_new_issue_needs_only_to_be_filled_in(folder: Path) -> None:
    path = skeleton.create(folder, date(2026, 5, 4))
    assert path == folder / "2026-05-04.yml"
    assert refused(path) == [
        "issues/2026-05-04.yml:4: subject is empty; fill it in",
        "issues/2026-05-04.yml:5: preheader is empty; fill it in",
        "issues/2026-05-04.yml:12: opening[0].text is empty; fill it in",
        "issues/2026-05-04.yml:16: stories[0].title is empty; fill it in",
        "issues/2026-05-04.yml:17: stories[0].link is empty; fill it in, or delete the key",
        "issues/2026-05-04.yml:22: stories[0].passages[0].text is empty; fill it in",
    ]


def filled_in(text: str) -> str:
    """Return a skeleton in which an editor has filled in each place."""
    text = samples.with_subject(text).replace('title: ""', "title: Leek")
    text = text.replace('link: ""', "link: https://example.com")
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.endswith("text: |") and not line.startswith("#"):
            lines[number + 1] = " " * (line.index("text") + 2) + "Written."
    return "\n".join(lines)


def test_a_new_issue_that_is_filled_in_is_one(folder: Path) -> None:
    path = skeleton.create(folder, date(2026, 5, 4))
    issue = files.load(write(folder, path.name, filled_in(path.read_text("utf-8"))))
    assert not issue.ready
    assert issue.stories[0].passages[0].text == "Written."
    assert issue.stories[0].authors == ()


def test_what_a_new_issue_has_in_comments_can_be_used(folder: Path) -> None:
    path = skeleton.create(folder, date(2026, 5, 4))
    text = filled_in(path.read_text("utf-8"))
    for commented in (
        "links:",
        "  - {text:",
        "image:",
        "closing:",
        "  - heading: Until",
        "    text: |",
        "      …",
    ):
        text = text.replace(f"# {commented}", commented).replace(f"#{commented}", commented)
    issue = files.load(write(folder, path.name, text))
    assert issue.closing[0].text == "…"
    assert issue.stories[0].links[0].text == "Project page"
    assert issue.stories[0].image


def test_a_new_issue_has_the_sections_of_the_newest(folder: Path) -> None:
    write(
        folder,
        "2026-05-04.yml",
        "subject: S\npreheader: P\nsections:\n"
        "  - {heading: 'The \"kitchen\"', stories: [{title: Leek, text: One.}, {title: Miso, text: Two}]}\n"
        "  - stories: [{title: Bread, text: Bread.}]\n"
        "  - {heading: Dates, text: None.}\n",
    )
    path = skeleton.create(folder, date(2026, 5, 11))
    issue = files.load(write(folder, path.name, filled_in(path.read_text("utf-8"))))
    parts = [(section.heading, len(section.stories), section.text) for section in issue.sections]
    assert parts == [('The "kitchen"', 1, None), (None, 1, None), ("Dates", 0, "Written.")]


@pytest.mark.parametrize(
    ("newest", "markdown", "suffix"),
    [
        pytest.param("2026-05-04.md", None, ".md", id="as-the-newest"),
        pytest.param("2026-05-04.yaml", None, ".yml", id="yaml-as-the-newest"),
        pytest.param("2026-05-04.md", False, ".yml", id="yaml"),
        pytest.param("2026-05-04.yml", True, ".md", id="markdown"),
    ],
)
def test_a_new_issue_has_the_format_of_the_newest(
    folder: Path, newest: str, markdown: bool | None, suffix: str
) -> None:
    write(folder, "2026-04-27.yml" if newest.endswith(".md") else "2026-04-27.md")
    write(folder, newest)
    assert skeleton.create(folder, date(2026, 5, 11), markdown=markdown).suffix == suffix


def test_a_new_issue_has_the_headings_of_the_newest(folder: Path) -> None:
    write(folder, "2026-04-27.yml", SOUP.replace("Hello", "Older"))
    write(folder, "2026-05-04.yml")
    data = plain(skeleton.create(folder, date(2026, 5, 11)))
    assert [passage["heading"] for passage in data["opening"]] == ["Hello"]
    assert [passage["heading"] for passage in data["stories"][0]["passages"]] == ["Buy", 'Cook "it"']
    problems = refused(folder / "2026-05-11.yml")
    assert len(problems) == 7
    assert all("is empty; fill it in" in problem for problem in problems)


def test_a_draft_does_not_stand_in_the_way_of_the_next_issue(folder: Path) -> None:
    write(folder, "2026-04-27.yml")
    skeleton.create(folder, date(2026, 5, 4))
    assert "Hello" in skeleton.create(folder, date(2026, 5, 11)).read_text("utf-8")


def test_a_new_issue_makes_its_folder(tmp_path: Path) -> None:
    path = skeleton.create(tmp_path / "new" / "issues", date(2026, 5, 4))
    assert path.is_file()


def test_a_new_issue_is_never_written_over_one(folder: Path) -> None:
    path = write(folder, "2026-05-04.yml")
    with pytest.raises(IssueError) as raised:
        skeleton.create(folder, date(2026, 5, 4))
    assert str(raised.value) == "issues/2026-05-04.yml: the file exists already; edit it, or delete it first"
    assert path.read_text("utf-8") == SOUP


def test_a_new_issue_is_never_written_through_a_link(folder: Path) -> None:
    (folder / "2026-05-04.yml").symlink_to("elsewhere.yml")
    with pytest.raises(IssueError, match="the file exists already"):
        skeleton.create(folder, date(2026, 5, 4))
    assert not (folder / "elsewhere.yml").exists()


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        pytest.param("file", "file: cannot be written (File exists)", id="file-for-a-folder"),
        pytest.param("file/issues", "file/issues: cannot be written (Not a directory)", id="below-a-file"),
    ],
)
def test_a_new_issue_that_cannot_be_written(folder: Path, place: str, problem: str) -> None:
    Path("file").touch()
    with pytest.raises(Unavailable) as raised:
        skeleton.create(Path(place), date(2026, 5, 4))
    assert str(raised.value) == problem
    assert raised.value.hint == "check the permissions of its folder"


def test_an_issue_file_cannot_be_changed_after_loading(real: Issue) -> None:
    with pytest.raises(ValueError, match="frozen"):
        real.subject = "Another"
