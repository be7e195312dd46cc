"""Files that are meant as issues and are not named like one."""

from pathlib import Path

import pytest

from newsletter.errors import IssueError
from newsletter.issue.files import find, issue_files, load
from newsletter.issue.misnamed import MAX_MISNAMED, misnamed
from tests.samples import ISSUE

BY_DATE = "name it by the date of the issue: 2026-04-27.yml"
DRAFT = ISSUE.replace("ready: true", "ready: false")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("issues/drafts").mkdir(parents=True)
    return Path("issues")


def write(folder: Path, name: str, text: str = DRAFT) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("2026-5-4.yml", "name it 2026-05-04.yml"),
        ("2026-05-11 - Copy.yml", "name it 2026-05-11.yml"),
        ("2026-05-11.YML", "name it 2026-05-11.yml"),
        ("2026-05-11.Yaml", "name it 2026-05-11.yml"),
        ("2026_06_08.yml", "name it 2026-06-08.yml"),
        ("20260608.yml", "name it 2026-06-08.yml"),
        ("2026.06.08.yaml", "name it 2026-06-08.yml"),
        ("2026\u201106\u201108.yml", "name it 2026-06-08.yml"),
        ("2026-06-08 (1).yml", "name it 2026-06-08.yml"),
        ("2026-06-08 .yml", "name it 2026-06-08.yml"),
        ("2026-06-08.yml.txt", "name it 2026-06-08.yml"),
        ("2026-06-08.yml.yml", "name it 2026-06-08.yml"),
        ("2026-06-08-soup.yml", "name it 2026-06-08.yml"),
        ("issue-2026-06-08.yml", "name it 2026-06-08.yml"),
        ("2026-06-08", "name it 2026-06-08.yml"),
        ("2026-6-8.md", "name it 2026-06-08.md"),
        ("2026-06-08.markdown", "name it 2026-06-08.md"),
        ("2026-06-08.MD", "name it 2026-06-08.md"),
        ("08.06.2026.yml", BY_DATE),
        ("2026-W24.yml", BY_DATE),
        ("2026-13-40.yml.txt", BY_DATE),
        ("9999-12-31.yml", BY_DATE),
        ("0226-05-04.yml", BY_DATE),
    ],
)
def test_a_file_that_is_meant_as_an_issue_is_named(folder: Path, name: str, fix: str) -> None:
    write(folder, name)
    (problem,) = misnamed(folder)
    assert (problem.where, problem.fix, problem.severity) == (f"issues/{name}", fix, "warning")
    assert problem.what == "is not named like an issue: no command reads it"
    write(folder, name, f"---\n{ISSUE}---\n")
    (problem,) = misnamed(folder)
    assert problem.severity == "error" and problem.what.startswith("says `ready: true`, and ")
    assert issue_files(folder) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("2026-05-04.yml", ISSUE),
        ("2026-05-04.yaml", ISSUE),
        ("2026-05-04.md", ISSUE),
        ("2026-05-04.yml.orig", ISSUE),
        ("2026-05-04.yml~", ISSUE),
        (".2026-05-04.yml.swp", ISSUE),
        ("2026-05-04.png", ISSUE),
        ("README.md", "# Issues\n\nready: true\n"),
        ("notes.txt", ISSUE),
        ("template.yml", DRAFT),
        ("drafts/2026-05-04.yml", DRAFT),
    ],
)
def test_other_files_are_left_alone(folder: Path, name: str, text: str) -> None:
    write(folder, name, text)
    assert list(misnamed(folder)) == []


@pytest.mark.parametrize(
    ("name", "text", "fix"),
    [
        ("may.yml", ISSUE, BY_DATE),
        ("may.yml", '\ufeff"ready" : True\r\n', BY_DATE),
        (
            "may.md",
            "---\nsubject: Soup\nready: true\n---\n",
            BY_DATE,
        ),
        ("drafts/2026-05-04.yml", ISSUE, "move it to issues/2026-05-04.yml"),
    ],
)
def test_a_file_that_says_it_is_ready_is_an_issue(folder: Path, name: str, text: str, fix: str) -> None:
    write(folder, name, text)
    (problem,) = misnamed(folder)
    assert (problem.where, problem.fix, problem.severity) == (f"issues/{name}", fix, "error")


def test_a_copy_beside_the_issue_gets_another_hint(folder: Path) -> None:
    write(folder, "2026-05-11.yml")
    write(folder, "2026-05-11 - Copy.yml")
    (problem,) = misnamed(folder)
    assert problem.fix == "2026-05-11.yml exists already: delete this file, or name it by another date"


def test_a_link_out_of_the_newsletter_is_not_read(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.yml"
    secret.write_text("ready: true", "utf-8")
    (folder / "soup.yml").symlink_to(secret)
    (folder / "2026-5-4.yml").symlink_to(secret)
    assert [problem.severity for problem in misnamed(folder)] == ["warning"]


def test_a_thousand_files_are_a_number(folder: Path) -> None:
    for number in range(MAX_MISNAMED + 5):
        write(folder, f"2026-5-{number}.yml")
    *listed, last = misnamed(folder)
    assert len(listed) == MAX_MISNAMED and last.what == "and 5 more files that no command reads"


def test_yaml_is_read_like_yml(folder: Path) -> None:
    path = write(folder, "2026-05-11.yaml", ISSUE)
    assert issue_files(folder) == [path] and find(folder) == path
    assert find(folder, "2026-05-11") == path and find(folder, "2026-05-11.yaml") == path
    assert load(path, Path()).name == "2026-05-11"


@pytest.mark.parametrize("name", ["2026-05-11.yaml", "2026-05-11.yml"])
def test_two_files_of_an_issue_are_an_error_that_names_both(folder: Path, name: str) -> None:
    write(folder, "2026-05-11.yml")
    write(folder, "2026-05-11.yaml")
    assert len(issue_files(folder)) == 1
    with pytest.raises(IssueError) as refused:
        load(folder / name, Path())
    (problem,) = refused.value.problems
    assert problem.what == "2026-05-11.yml and 2026-05-11.yaml are both the issue of 2026-05-11"


@pytest.mark.parametrize("name", ["2026-05-04", "2026-05-04.yml", "issues/2026-05-04.md", "2026-5-04"])
@pytest.mark.parametrize(
    ("file", "fix"),
    [
        ("2026-5-4.yml", "name it 2026-05-04.yml"),
        ("2026-05-04 - Copy.md", "name it 2026-05-04.md"),
        ("2026_05_04.yml", "name it 2026-05-04.yml"),
    ],
)
def test_a_missing_issue_names_the_file_that_is_meant_for_it(
    folder: Path, name: str, file: str, fix: str
) -> None:
    write(folder, "2026-5-11.yml")
    write(folder, file)
    with pytest.raises(IssueError) as raised:
        find(folder, name)
    (problem,) = raised.value.problems
    assert problem.what == f"there is no such issue, and issues/{file} is not named like one"
    assert problem.fix == fix


@pytest.mark.parametrize("name", ["2026-05-04", "soup", "2026-13-40"])
def test_a_missing_issue_names_no_other_file(folder: Path, name: str) -> None:
    write(folder, "2026-5-11.yml")
    write(folder, "2026-W20.yml")
    with pytest.raises(IssueError, match="there is no such issue; "):
        find(folder, name)
