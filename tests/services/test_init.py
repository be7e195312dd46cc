import os
from datetime import date
from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.errors import ConfigError, NewsError, Unavailable
from newsletter.services.init import InitOptions, InitResult, init_newsletter, plan_init
from newsletter.starter.details import Details, name_of_folder
from newsletter.starter.github_names import ActionSource
from tests import repositories, samples

DAY = date(2026, 5, 4)
ACTION = ActionSource("example/news", "0123456789abcdef0123456789abcdef01234567")
PLAIN = InitOptions()
SENDS = "provider: smtp\nsmtp: {security: none}\nstate: git\n"
PAGES = InitOptions(github=True, action=ACTION, repository="Example/letters", pages=True)
GITHUB = InitOptions(github=True, action=ACTION, repository="example/letters")
WORKFLOWS = [f".github/workflows/{name}.yml" for name in ("send", "review", "cancel")]


def begin(folder: Path, options: InitOptions = PLAIN) -> InitResult:
    return init_newsletter(plan_init(folder, options), Details(name_of_folder(folder.name)), DAY)


def results(result: InitResult, folder: Path) -> dict[str, str]:
    return {file.path.relative_to(folder).as_posix(): file.result for file in result.files}


def test_a_newsletter_is_begun_in_a_new_folder(tmp_path: Path) -> None:
    folder = tmp_path / "soup-letter"
    begun = begin(folder)
    assert results(begun, folder) == {
        ".gitignore": "written",
        "README.md": "written",
        "issues/2026-05-04.yml": "written",
        "newsletter.yml": "written",
    }
    assert loader.load(folder, {}, review=True).config.name == "Soup Letter"
    assert begun.github is None


def test_a_newsletter_that_exists_is_not_begun_again(tmp_path: Path) -> None:
    begin(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.yml")}
    with pytest.raises(ConfigError, match="has a newsletter already"):
        begin(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.yml")} == before


def test_files_that_exist_are_kept(tmp_path: Path) -> None:
    (tmp_path / "issues").mkdir()
    (tmp_path / "issues" / "2025-01-06.yml").write_text("mine")
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    assert results(begin(tmp_path), tmp_path) == {
        ".gitignore": "extended",
        "README.md": "written",
        "newsletter.yml": "written",
    }
    assert (tmp_path / ".gitignore").read_text().startswith("*.pyc\n")


def test_workflows_are_added_to_a_newsletter(tmp_path: Path) -> None:
    repositories.repository(samples.write(tmp_path, extra="provider: sendgrid\n"))
    begun = begin(tmp_path, GITHUB)
    assert results(begun, tmp_path) == {**dict.fromkeys(WORKFLOWS, "written"), ".gitignore": "written"}
    assert begun.github
    assert [problem.fix for problem in begun.github.notes] == [
        "write `state: git`, or use PostgreSQL",
        "write `send: {undo_window: 90m}`",
    ]
    (tmp_path / WORKFLOWS[0]).write_text("mine")
    (tmp_path / WORKFLOWS[1]).unlink()
    (tmp_path / WORKFLOWS[1]).mkdir()
    again = results(begin(tmp_path, GITHUB), tmp_path)
    assert [again[name] for name in (*WORKFLOWS, ".gitignore")] == ["differs", "differs", "kept", "kept"]
    assert (tmp_path / WORKFLOWS[0]).read_text() == "mine"


def test_a_new_newsletter_has_the_address_of_its_pages(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    assert ".github/workflows/pages.yml" in results(begin(tmp_path, PAGES), tmp_path)
    assert loader.load(tmp_path, {}, review=True).config.site == "https://example.github.io/letters"


def test_a_newsletter_without_pages_has_no_workflow_for_them(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    assert ".github/workflows/pages.yml" not in results(begin(tmp_path, GITHUB), tmp_path)
    assert "pages" not in (tmp_path / WORKFLOWS[0]).read_text()
    assert loader.load(tmp_path, {}, review=True).config.site is None


def test_pages_need_a_site_of_their_own(tmp_path: Path) -> None:
    repositories.repository(samples.write(tmp_path, extra=SENDS))
    docs = tmp_path / ".github" / "workflows" / "docs.yml"
    docs.parent.mkdir(parents=True)
    docs.write_text("jobs: {docs: {steps: [{uses: actions/deploy-pages@v5}]}}")
    for _ in range(2):  # its own workflow is no other one
        setup = begin(tmp_path, PAGES).github
        assert setup and [
            (note.severity, note.where.rpartition("/")[2], note.fix) for note in setup.notes
        ] == [
            (
                "warning",
                "newsletter.yml:1",
                "write `site: https://example.github.io/letters`, or the address of your own domain",
            ),
            ("note", "docs.yml", "publish the archive from another repository, or with another host"),
        ]


@pytest.mark.parametrize(
    ("host", "is_own"), [("https://api.eu.mailgun.net", False), ("https://mail.example.com", True)]
)
def test_a_newsletter_that_sends_through_mailgun(host: str, is_own: bool, tmp_path: Path) -> None:
    extra = f"provider: mailgun\nmailgun: {{host: '{host}'}}\nstate: git\n"
    repositories.repository(samples.write(tmp_path, extra=extra))
    setup = begin(tmp_path, GITHUB).github
    assert setup and not setup.notes
    assert (setup.workflows.provider, setup.workflows.has_own_host) == ("mailgun", is_own)


@pytest.mark.parametrize(
    ("host", "is_own"), [("https://api.postmarkapp.com", False), ("https://mail.example.com", True)]
)
def test_a_newsletter_that_sends_through_postmark(host: str, is_own: bool, tmp_path: Path) -> None:
    extra = f"provider: postmark\npostmark: {{host: '{host}'}}\nstate: git\n"
    repositories.repository(samples.write(tmp_path, extra=extra))
    setup = begin(tmp_path, GITHUB).github
    assert setup and not setup.notes
    assert (setup.workflows.provider, setup.workflows.has_own_host) == ("postmark", is_own)


def test_a_newsletter_without_an_archive_needs_no_pages(tmp_path: Path) -> None:
    extra = f"{SENDS}site: https://soup.example.com\narchive: false\n"
    repositories.repository(samples.write(tmp_path, extra=extra))
    setup = begin(tmp_path, PAGES).github
    assert setup and [note.fix for note in setup.notes] == ["delete this line, or leave --pages out"]
    assert setup.notes[0].severity == "warning"
    assert setup.notes[0].where.endswith("newsletter.yml:10")
    setup = begin(tmp_path, GITHUB).github
    assert setup and not setup.notes


def test_a_state_in_another_repository_needs_a_deploy_key(tmp_path: Path) -> None:
    extra = "state: {remote: 'git@github.com:me/state.git'}\nprovider: smtp\nsmtp: {security: none}\n"
    repositories.repository(samples.write(tmp_path, extra=extra))
    setup = begin(tmp_path, GITHUB).github
    assert setup and ["deploy key" in note.what for note in setup.notes] == [True]


def test_a_branch_that_may_not_be_the_default_one_is_named(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    repositories.git(tmp_path, "checkout", "-q", "-b", "add-newsletter")
    setup = begin(tmp_path, GITHUB).github
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
    setup = begin(tmp_path, options).github
    assert setup and setup.workflows.repository == name and setup.top == tmp_path
    assert (setup.workflows.branch, setup.workflows.folder) == ("main", ".")


def test_the_default_branch_of_the_remote_comes_first(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    repositories.git(tmp_path, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    setup = begin(tmp_path, GITHUB).github
    assert setup and setup.workflows.branch == "trunk"


def test_a_newsletter_in_a_folder_has_its_own_workflows(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    folder = tmp_path / "letters" / "soup"
    begun = begin(folder, GITHUB)
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
        begin(tmp_path, options)
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
        begin(tmp_path, InitOptions(True, ACTION))
    assert "--repository OWNER/NAME" in refused.value.hint and "secret" not in str(refused.value)


@pytest.mark.parametrize("folder", ["sou'p", "soup letter", "sou${{p", "-soup"])
def test_a_folder_that_cannot_stand_in_a_workflow_is_refused(folder: str, tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    with pytest.raises(Unavailable, match=r"the newsletter's folder, .*, has a character that cannot stand"):
        begin(tmp_path / folder, GITHUB)
    assert sorted(os.listdir(tmp_path)) == [".git"]


def test_a_folder_whose_workflows_could_be_those_of_another_one_is_refused(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    with pytest.raises(Unavailable, match="has `--` in its name"):
        begin(tmp_path / "a--b", GITHUB)


@pytest.mark.parametrize("folder", ["new/../../outside", "link"])
def test_a_folder_outside_of_the_repository_is_refused(folder: str, tmp_path: Path) -> None:
    top = repositories.repository(tmp_path / "top")
    (top / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Unavailable, match="is not in a Git repository"):
        begin(top / folder, GITHUB)


@pytest.mark.parametrize("link", [".github", ".github/workflows"])
def test_a_link_that_github_does_not_follow_is_refused(link: str, tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable, match="is a symbolic link, which GitHub does not follow"):
        begin(tmp_path, GITHUB)


def test_a_branch_that_is_not_checked_out_is_refused(tmp_path: Path) -> None:
    repositories.repository(tmp_path)
    repositories.git(tmp_path, "checkout", "-q", "--detach")
    with pytest.raises(Unavailable, match="its default branch is unknown"):
        begin(tmp_path, GITHUB)


def test_a_folder_without_a_repository_has_no_workflows(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="is not in a Git repository"):
        begin(tmp_path, GITHUB)


@pytest.mark.parametrize("place", [".github", ".gitignore", "issues"])
def test_nothing_is_written_through_a_link(place: str, tmp_path: Path) -> None:
    top, outside = tmp_path / "top", tmp_path / "outside"
    outside.mkdir()
    repositories.repository(top)
    (top / place).symlink_to(outside)
    with pytest.raises(Unavailable, match=r"symbolic link|directory"):
        begin(top, GITHUB)
    assert not list(outside.iterdir())


def test_an_interrupted_begin_is_continued(tmp_path: Path) -> None:
    """The file newsletter.yml comes last, since the folder counts as a newsletter then."""
    begun = begin(tmp_path)
    assert begun.files[-1].path.name == "newsletter.yml"
    begun.files[-1].path.unlink()
    assert results(begin(tmp_path), tmp_path) == {
        ".gitignore": "kept",
        "newsletter.yml": "written",
    }


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "issues").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        begin(tmp_path)


@pytest.mark.parametrize("name", ["README", "README.md", "readme.rst", "Readme.txt"])
def test_no_second_readme_is_written(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    assert "README.md" not in results(begin(tmp_path), tmp_path)
    assert [path.name for path in tmp_path.iterdir() if "readme" in path.name.lower()] == [name]
    assert (tmp_path / name).read_text() == "mine"


ALL_LINES = [".env", ".venv/", "build/", "outbox/", "site/", "subscribers*.csv"]


@pytest.mark.parametrize(
    ("gitignore", "private", "added"),
    [
        pytest.param("*.env\n.v*\nletter*/build/*\noutbox\nsite\n*.csv\n", "", [], id="other-patterns"),
        pytest.param("*.env\n.venv/\nbuild/\noutbox/\nsite/\n*.csv\n!.env\n", "", [".env"], id="taken-back"),
        pytest.param(
            ".venv/\nbuild/\noutbox/\nsite/\nsubscribers.csv\n",
            ".env\n",
            [".env", ALL_LINES[-1]],
            id="private",
        ),
        pytest.param("", "", ALL_LINES, id="nothing"),
    ],
)
def test_git_tells_which_lines_are_missing(
    gitignore: str, private: str, added: list[str], tmp_path: Path
) -> None:
    """The configuration of this clone alone does not count; the .gitignore of a folder above does."""
    (tmp_path / ".gitignore").write_text(gitignore)
    repositories.repository(tmp_path)
    (tmp_path / ".git" / "info").mkdir(exist_ok=True)
    (tmp_path / ".git" / "info" / "exclude").write_text(private)
    folder = tmp_path / "letter"
    begin(folder)
    written = (folder / ".gitignore").read_text() if (folder / ".gitignore").exists() else ""
    assert written.splitlines()[1:] == added
    assert (tmp_path / ".gitignore").read_text() == gitignore
    (folder / "newsletter.yml").unlink()
    assert results(begin(folder), folder).get(".gitignore", "kept") == "kept"


@pytest.mark.parametrize("in_git", [False, True])
def test_a_folder_named_like_the_archive_that_exists_is_not_ignored(in_git: bool, tmp_path: Path) -> None:
    """It may be the source of a web site, or an archive that is kept in Git."""
    if in_git:
        repositories.repository(tmp_path)
    (tmp_path / "site").mkdir()
    begin(tmp_path)
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert lines[1:] == [line for line in ALL_LINES if line != "site/"]


def test_a_kept_gitignore_of_a_virtual_environment_does_not_count(tmp_path: Path) -> None:
    """Python 3.13 writes one into each virtual environment, and other versions do not."""
    repositories.repository(tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".gitignore").write_text("*\n")
    begin(tmp_path)
    assert ".venv/\n" in (tmp_path / ".gitignore").read_text()
