import os
from datetime import date
from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.errors import ConfigError, NewsError, Unavailable
from newsletter.services.init import InitOptions, InitResult, init_newsletter
from newsletter.starter.github_names import ActionSource
from tests import repositories, samples

DAY = date(2026, 5, 4)
ACTION = ActionSource("example/news", "0123456789abcdef0123456789abcdef01234567")
PLAIN = InitOptions()
GITHUB = InitOptions(github=True, action=ACTION, repository="example/letters")
WORKFLOWS = [f".github/workflows/{name}.yml" for name in ("send", "review", "cancel")]


def results(result: InitResult, folder: Path) -> dict[str, str]:
    return {file.path.relative_to(folder).as_posix(): file.result for file in result.files}


def test_a_newsletter_is_begun_in_a_new_folder(tmp_path: Path) -> None:
    folder = tmp_path / "soup-letter"
    begun = init_newsletter(folder, PLAIN, DAY)
    assert results(begun, folder) == {
        ".gitignore": "written",
        "issues/2026-05-04.yml": "written",
        "newsletter.yml": "written",
    }
    assert loader.load(folder, {}, review=True).config.name == "Soup Letter"
    assert begun.github is None


def test_a_newsletter_that_exists_is_not_begun_again(tmp_path: Path) -> None:
    init_newsletter(tmp_path, PLAIN, DAY)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.yml")}
    with pytest.raises(ConfigError, match="has a newsletter already"):
        init_newsletter(tmp_path, PLAIN, DAY)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.yml")} == before


def test_files_that_exist_are_kept(tmp_path: Path) -> None:
    (tmp_path / "issues").mkdir()
    (tmp_path / "issues" / "2025-01-06.yml").write_text("mine")
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    assert results(init_newsletter(tmp_path, PLAIN, DAY), tmp_path) == {
        ".gitignore": "extended",
        "newsletter.yml": "written",
    }
    assert (tmp_path / ".gitignore").read_text().startswith("*.pyc\n")


def test_workflows_are_added_to_a_newsletter(tmp_path: Path) -> None:
    repositories.repository(samples.write(tmp_path, extra="provider: sendgrid\n"))
    begun = init_newsletter(tmp_path, GITHUB, DAY)
    assert results(begun, tmp_path) == {**dict.fromkeys(WORKFLOWS, "written"), ".gitignore": "written"}
    assert begun.github
    assert [problem.fix for problem in begun.github.notes] == [
        "write `state: git`, or use PostgreSQL",
        "write `send: {undo_window: 90m}`",
    ]
    (tmp_path / WORKFLOWS[0]).write_text("mine")
    (tmp_path / WORKFLOWS[1]).unlink()
    (tmp_path / WORKFLOWS[1]).mkdir()
    again = results(init_newsletter(tmp_path, GITHUB, DAY), tmp_path)
    assert [again[name] for name in (*WORKFLOWS, ".gitignore")] == ["differs", "differs", "kept", "kept"]
    assert (tmp_path / WORKFLOWS[0]).read_text() == "mine"


def test_a_state_in_another_repository_needs_a_deploy_key(tmp_path: Path) -> None:
    extra = "state: {remote: 'git@github.com:me/state.git'}\nprovider: smtp\nsmtp: {security: none}\n"
    repositories.repository(samples.write(tmp_path, extra=extra))
    setup = init_newsletter(tmp_path, GITHUB, DAY).github
    assert setup and ["deploy key" in note.what for note in setup.notes] == [True]


def test_a_branch_that_may_not_be_the_default_one_is_named(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    repositories.git(tmp_path, "checkout", "-q", "-b", "add-newsletter")
    setup = init_newsletter(tmp_path, GITHUB, DAY).github
    assert setup and setup.workflows.branch == "add-newsletter"
    assert "send.yml names add-newsletter, the branch that is checked out" in setup.notes[0].what


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/example/letters.git", "example/letters"),
        ("git@github.com:example/letters.git", "example/letters"),
    ],
)
def test_the_repository_and_the_branch_are_those_of_the_clone(url: str, name: str, tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    repositories.git(tmp_path, "remote", "add", "origin", url)
    options = InitOptions(github=True, action=ACTION)
    setup = init_newsletter(tmp_path, options, DAY).github
    assert setup and setup.workflows.repository == name and setup.top == tmp_path
    assert (setup.workflows.branch, setup.workflows.folder) == ("main", ".")


def test_the_default_branch_of_the_remote_comes_first(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    repositories.git(tmp_path, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    setup = init_newsletter(tmp_path, GITHUB, DAY).github
    assert setup and setup.workflows.branch == "trunk"


def test_a_newsletter_in_a_folder_has_its_own_workflows(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    folder = tmp_path / "letters" / "soup"
    begun = init_newsletter(folder, GITHUB, DAY)
    assert ".github/workflows/send-letters--soup.yml" in results(begun, tmp_path)
    assert (folder / "newsletter.yml").exists() and (folder / ".gitignore").exists()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        pytest.param(InitOptions(github=True, repository="a/b"), "not installed from", id="no-action"),
        pytest.param(InitOptions(True, ACTION), "has no remote `origin`", id="no-origin"),
    ],
)
def test_nothing_is_written_if_the_workflows_cannot_be_made(
    options: InitOptions, what: str, tmp_path: Path
) -> None:
    repositories.repository(tmp_path)
    with pytest.raises(NewsError, match=what):
        init_newsletter(tmp_path, options, DAY)
    assert sorted(os.listdir(tmp_path)) == [".git"]


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        ("/srv/letters.git", "is not on github.com"),
        ("https://gitlab.com/me/letters.git", "is not on github.com"),
        ("https://github.com/team/sub/letters.git", "does not end with OWNER/NAME"),
        ("https://ada:secret@github.com/letters?token=secret", "does not end with OWNER/NAME"),
    ],
)
def test_an_origin_that_is_no_repository_on_github_is_refused(
    origin: str, message: str, tmp_path: Path
) -> None:
    repositories.repository(tmp_path)
    repositories.git(tmp_path, "remote", "add", "origin", origin)
    with pytest.raises(Unavailable, match=message) as refused:
        init_newsletter(tmp_path, InitOptions(True, ACTION), DAY)
    assert "--repository OWNER/NAME" in refused.value.hint and "secret" not in str(refused.value)


@pytest.mark.parametrize("folder", ["sou'p", "soup letter", "sou${{p", "-soup"])
def test_a_folder_that_cannot_stand_in_a_workflow_is_refused(folder: str, tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    with pytest.raises(Unavailable, match=r"the newsletter's folder, .*, has a character that cannot stand"):
        init_newsletter(tmp_path / folder, GITHUB, DAY)
    assert sorted(os.listdir(tmp_path)) == [".git"]


def test_a_folder_whose_workflows_could_be_those_of_another_one_is_refused(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    with pytest.raises(Unavailable, match="has `--` in its name"):
        init_newsletter(tmp_path / "a--b", GITHUB, DAY)


@pytest.mark.parametrize("folder", ["new/../../outside", "link"])
def test_a_folder_outside_of_the_repository_is_refused(folder: str, tmp_path: Path) -> None:
    top = repositories.repository(tmp_path / "top")
    (top / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Unavailable, match="is not in a Git repository"):
        init_newsletter(top / folder, GITHUB, DAY)


@pytest.mark.parametrize("link", [".github", ".github/workflows"])
def test_a_link_that_github_does_not_follow_is_refused(link: str, tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable, match="is a symbolic link, which GitHub does not follow"):
        init_newsletter(tmp_path, GITHUB, DAY)


def test_a_branch_that_is_not_checked_out_is_refused(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    repositories.git(tmp_path, "checkout", "-q", "--detach")
    with pytest.raises(Unavailable, match="its default branch is unknown"):
        init_newsletter(tmp_path, GITHUB, DAY)


def test_a_folder_without_a_repository_has_no_workflows(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="is not in a Git repository"):
        init_newsletter(tmp_path, GITHUB, DAY)


@pytest.mark.parametrize("place", [".github", ".gitignore", "issues"])
def test_nothing_is_written_through_a_link(place: str, tmp_path: Path) -> None:
    top, outside = tmp_path / "top", tmp_path / "outside"
    outside.mkdir()
    repositories.repository(top)
    (top / place).symlink_to(outside)
    with pytest.raises(Unavailable, match=r"symbolic link|directory"):
        init_newsletter(top, GITHUB, DAY)
    assert not list(outside.iterdir())


def test_an_interrupted_begin_is_continued(tmp_path: Path) -> None:
    """The file newsletter.yml comes last, since the folder counts as a newsletter then."""
    begun = init_newsletter(tmp_path, PLAIN, DAY)
    assert begun.files[-1].path.name == "newsletter.yml"
    begun.files[-1].path.unlink()
    assert results(init_newsletter(tmp_path, PLAIN, DAY), tmp_path) == {
        ".gitignore": "kept",
        "newsletter.yml": "written",
    }


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "issues").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        init_newsletter(tmp_path, PLAIN, DAY)
