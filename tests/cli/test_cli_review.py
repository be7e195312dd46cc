"""Tests of `news review`: which issue it shows, its files, its links, its exit codes."""

import json
import re
import shutil
import struct
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from tests import repositories, samples
from tests.repositories import git
from tests.review.golden import EARLIER, LATER

FOLDER = Path("build/review")
PICTURES = {f"{device}-{scheme}.png" for device in ("desktop", "phone") for scheme in ("light", "dark")}
OTHER = LATER.replace("Leek", "Pea").replace("/leek", "/pea").replace("leeks", "peas")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a newsletter in a folder of a repository whose branch `main` has one issue."""
    top = tmp_path / "repository"
    folder = samples.write(top / "letters" / "soup", issue=EARLIER, extra="provider: smtp\n")
    repositories.repository(top)
    monkeypatch.chdir(folder)
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "links.json").write_text("{}")
    return folder


def save(folder: Path, issue: str, name: str = "2026-04-27") -> None:
    (folder / "issues" / f"{name}.yml").write_text(issue, encoding="utf-8")


def news(*arguments: str) -> Result:
    """Run `news review` without pictures, which a test of its own takes."""
    result = CliRunner().invoke(main, ["review", "--links", "../../../links.json", *arguments])
    assert "Traceback" not in result.output
    return result


def comment() -> str:
    return (FOLDER / "comment.md").read_text(encoding="utf-8")


def test_the_files_of_a_review(folder: Path, tmp_path: Path, chromium: str) -> None:
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.gif").write_bytes(b"GIF89a" + struct.pack("<HH", 30, 20))
    samples.write(folder, issue=LATER, extra="provider: smtp\nsite: https://soup.example.com\n")
    save(folder, LATER + "image: {src: pictures/a.gif, alt: A bowl}\n")
    result = CliRunner().invoke(main, ["review", "--base", "main", "-o", "out"])
    assert result.exit_code == 0 and "out/phone-dark.png" in result.output
    names = {file.name for file in Path("out").iterdir()}
    assert names == {"comment.md", "summary.md", "mail.html", "mail.txt"} | PICTURES
    assert all((Path("out") / name).read_bytes().startswith(b"\x89PNG") for name in PICTURES)
    assert "reader@example.com" not in (text := Path("out/mail.txt").read_text()) and "40 minutes" in text
    assert "40 minutes" in (page := Path("out/mail.html").read_text())
    assert "data:image/gif;base64," in page and "soup.example.com/pictures" not in page
    assert "are in the folder out." in Path("out/comment.md").read_text()
    before = Path("out/phone-dark.png").stat()
    links = {name: f"https://github.com/example/letter/actions/runs/7/artifacts/{name}" for name in names}
    (tmp_path / "links.json").write_text(json.dumps({**links, "mail.txt": "", "other": "x"}))
    assert news("--base", "main", "-o", "out").exit_code == 0
    assert Path("out/phone-dark.png").stat() == before
    see = Path("out/comment.md").read_text().partition("### See it")[2]
    assert re.findall(r"\[([\w ]+)\]\(https", see) == ["Open the mail", "light", "dark", "light", "dark"]


def test_without_chromium_the_review_says_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    result = CliRunner().invoke(main, ["review"])
    assert result.exit_code == 0 and "There are no pictures: Chromium is not" in result.stderr
    assert {file.name for file in FOLDER.iterdir()} == {"comment.md", "summary.md", "mail.html", "mail.txt"}
    assert "There are no pictures: Chromium is not installed" in comment()
    assert news().exit_code == 0 and "There are no pictures: the log of the run says why." in comment()


@pytest.mark.parametrize(
    ("saved", "arguments", "shown"),
    [
        pytest.param({"2026-04-27": LATER}, (), "4 passages, 6 words out", id="changed"),
        pytest.param({"2026-05-04": OTHER}, (), "this issue is new", id="new"),
        pytest.param({"2026-05-04": OTHER}, ("2026-04-27",), "no word of the text", id="named"),
        pytest.param(
            {"2026-04-27": EARLIER.replace("\n", "\r\n")}, (), "no word of the text", id="only-crlf"
        ),
    ],
)
def test_the_newest_changed_issue_is_reviewed(
    folder: Path, saved: dict[str, str], arguments: tuple[str, ...], shown: str
) -> None:
    for name, issue in saved.items():
        save(folder, issue, name)
    assert news("--base", "main", *arguments).exit_code == 0
    assert shown in comment()


def test_other_changes_of_the_branch_are_named(folder: Path) -> None:
    save(folder, EARLIER, "2026-04-20")
    (folder / "templates").mkdir()
    (folder / "templates" / "old.j2").write_text("x")
    repositories.commit(folder)
    git(folder, "switch", "-qc", "branch")
    (folder / "issues" / "2026-04-20.yml").unlink()
    (folder / "templates" / "old.j2").unlink()
    (folder / "templates" / "new.j2").write_text("x")
    repositories.commit(folder)
    assert news("--base", "main").exit_code == 0
    text = comment()
    assert "Deleted: `2026-04-20`." in text and text.startswith("<!-- news-review letters/soup -->\n")
    assert "also changes letters/soup/templates/new.j2, letters/soup/templates/old.j2." in text


def test_an_issue_that_the_branch_makes_markdown_is_compared_with_its_yaml(folder: Path) -> None:
    (folder / "issues" / "2026-04-27.yml").unlink()
    (folder / "issues" / "2026-04-27.md").write_text(
        "---\nsubject: Leek & potato soup, and what else there is on the market\n"
        "preheader: A soup for the first cold evening of the year.\nready: true\n---\n\n"
        "#### Hello\n\nIt is **cold** outside, and the last beans are in the cellar.\n\n"
        "The market has leeks again.\n\n### [Leek and potato soup](https://soup.example.com/leek)\n\n"
        "#### How long\n\nIt keeps for three days.\n"
    )
    assert news("--base", "main").exit_code == 0
    text = comment()
    assert "Deleted" not in text and "this issue is new" not in text
    assert "It keeps for" in text and "The market has leeks again" not in text


@pytest.mark.parametrize(
    ("saved", "options", "code"),
    [
        pytest.param({"2026-04-27": LATER.replace("two days", "TODO days")}, (), 1, id="error"),
        pytest.param({"2026-04-27": LATER.replace("two days", "TODO days")}, ("--exit-zero",), 0, id="zero"),
        pytest.param({"2026-04-20": "", "2026-04-27": LATER}, (), 1, id="error-of-another-issue"),
    ],
)
def test_the_exit_code_is_1_for_errors(
    folder: Path, saved: dict[str, str], options: tuple[str, ...], code: int
) -> None:
    for name, issue in saved.items():
        save(folder, issue, name)
    assert news("--base", "main", *options).exit_code == code
    assert ("### Other issues of this branch" in comment()) == (len(saved) > 1)
    assert ("[!CAUTION]" in comment()) == (code == 1 or "--exit-zero" in options)


def test_annotations_begin_with_the_errors(folder: Path) -> None:
    save(folder, LATER.replace("two days", "two two days, TODO"))
    lines = [
        line for line in news("--annotations", "--exit-zero").output.splitlines() if line.startswith("::")
    ]
    assert [line.split()[0] for line in lines][:2] == ["::error", "::warning"]


def test_an_earlier_version_that_is_no_issue_is_told(folder: Path) -> None:
    save(folder, "subject: [")
    repositories.commit(folder)
    save(folder, LATER)
    assert news("--base", "main").exit_code == 0
    assert "the text cannot be compared with its earlier file" in comment()


@pytest.mark.parametrize(
    "base",
    [pytest.param("unknown", id="unknown"), pytest.param("--x", id="option"), pytest.param("", id="empty")],
)
def test_a_base_that_is_not_in_the_clone_is_an_error(folder: Path, base: str) -> None:
    result = news(f"--base={base}")
    assert result.exit_code == 1 and "commit" in result.output and not FOLDER.exists()


def test_a_review_needs_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples.write(tmp_path / "a" / "b" / "c", issue=EARLIER)
    (tmp_path / "links.json").write_text("{}")
    monkeypatch.chdir(tmp_path / "a" / "b" / "c")
    assert news().exit_code == 0 and "What changed" not in comment()
    refused = news("--base", "main")
    assert refused.exit_code == 1 and "not in a Git repository" in refused.output


def test_no_issue_at_all_is_a_verdict(folder: Path) -> None:
    (folder / "issues" / "2026-04-27.yml").unlink()
    assert news("--base", "main").exit_code == 1
    assert "there is no issue in this folder" in comment()
