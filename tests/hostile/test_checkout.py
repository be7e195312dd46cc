"""A stranger's branch, checked out with real git: it destroys and opens nothing of the editor's."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.browser.chromium import installed_chromium
from newsletter.checks.external import spamassassin
from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.errors import NewsError, StateError
from newsletter.preview import outbox, send_test, subscriber_search
from newsletter.preview.issue_list import IssueList
from newsletter.state import git as asked_git
from newsletter.state.git import find_repository, tracked
from newsletter.state.tracked import tracked_problems
from newsletter.store.database import Database
from tests import repositories, samples
from tests.repositories import commit, git

News = Callable[..., Result]
USING = [
    ("status",),
    ("status", "--due"),
    ("send", "2026-04-27", "--yes"),
    ("send", "2026-04-27", "--to", "ada@example.com", "--yes"),
    ("resume", "2026-04-27", "--yes"),
    ("cancel", "2026-04-27", "--yes"),
    ("retry", "2026-04-27", "--refused", "--yes"),
    ("resolve", "2026-04-27", "--assume", "sent", "--yes"),
    ("subscribers", "list"),
    ("subscribers", "add", "eve@example.com"),
    ("subscribers", "remove", "ada@example.com"),
    ("subscribers", "import", "list.csv"),
]
REVIEWING = [("render", "2026-04-27", "-o", "build"), ("new", "2026-05-04"), ("state", "path")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an editor's clone: a newsletter that was sent, with secrets and with mail in the outbox."""
    folder = samples.write(tmp_path / "letter")
    (folder / ".gitignore").write_text(".news/\n.env\noutbox/\nbuild/\n*.csv\n")
    (folder / "list.csv").write_text("address\nbo@example.com\n")
    repositories.repository(folder)
    monkeypatch.chdir(folder)
    for name in ("CI", "NEWS_STATE_DIR", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def news(folder: Path) -> News:
    """Run `news` in the clone."""
    return lambda *arguments, **environment: CliRunner().invoke(main, list(arguments), env=environment)


def send(news: News) -> None:
    assert news("subscribers", "add", "ada@example.com").exit_code == 0
    assert news("send", "2026-04-27", "--yes").exit_code == 0


def strangers_branch(folder: Path, *names: str) -> None:
    """Check out a branch in which a stranger has committed ignored files."""
    other = folder.parent / "stranger"
    git(folder, "worktree", "add", "-q", "--detach", str(other))
    for name in names:
        file = other / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("SMTP_PASSWORD=theirs\n" if name == ".env" else "theirs")
    commit(other, *names)
    git(folder, "checkout", "-q", git(other, "rev-parse", "HEAD").strip())


def problems(news: News) -> list[dict[str, str]]:
    (issue,) = json.loads(news("check", "--format", "json").output)["issues"]
    return list(issue["problems"])


def content(state: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(state.rglob("*")) if file.is_file()}


def test_a_checkout_leaves_the_list_the_ledger_and_the_key(folder: Path, news: News) -> None:
    send(news)
    state = folder / ".git" / "news" / "_"
    before = content(state)
    strangers_branch(folder, ".news/news.db", ".news/secret", ".env")
    for command in USING:
        refused = news(*command)
        assert refused.exit_code == 1 and "is tracked by Git" in refused.output, (command, refused.output)
    for command in REVIEWING:
        assert news(*command).exit_code == 0, command
    assert content(state) == before
    git(folder, "checkout", "-q", "main")
    assert not (folder / ".news").exists()
    assert news("subscribers", "list").output == "ada@example.com\tactive\n"
    again = news("send", "2026-04-27", "--yes")
    assert again.exit_code == 0 and "No recipient is waiting" in again.output


def test_git_clean_leaves_the_state(folder: Path, news: News) -> None:
    send(news)
    git(folder, "clean", "-q", "-ffdx")
    assert not (folder / "outbox").exists()
    assert news("subscribers", "list").output == "ada@example.com\tactive\n"


@pytest.mark.parametrize(
    "name", [".env", ".news/news.db", ".news/x", "outbox/new/a.eml", "soup.sqlite", "soup.db-wal"]
)
def test_a_tracked_private_file_is_a_finding_of_check(name: str, folder: Path, news: News) -> None:
    strangers_branch(folder, name)
    (problem,) = problems(news)
    where = name.partition("/")[0]
    assert (problem["file"], problem["severity"], problem["check"]) == (where, "error", "private-files")
    assert f"--cached {where}, commit that, and replace the secrets in it" in problem["fix"]
    assert "if the branch is another person's, leave it as it is" in problem["fix"]


def test_a_file_that_is_only_removed_from_the_index_is_not_read(folder: Path, news: News) -> None:
    """It is still the branch's file, and stays in the work tree when another branch is checked out."""
    strangers_branch(folder, ".env")
    git(folder, "rm", "-q", "--cached", ".env")
    (problem,) = problems(news)
    assert problem["file"] == ".env"
    assert news("subscribers", "list").exit_code == 1


def test_a_mistake_in_a_template_hides_no_private_file(folder: Path, news: News) -> None:
    (folder / "templates").mkdir()
    (folder / "templates" / "footer.txt.j2").write_text("{{")
    strangers_branch(folder, ".env")
    assert [problem["check"] for problem in problems(news)] == [None, "private-files"]


@pytest.mark.parametrize(
    "url", ["sqlite:///{}", "sqlite+pysqlite:///{}?timeout=5", "sqlite:///file:{}?uri=true"]
)
@pytest.mark.parametrize("name", ["data/list", "data/list-wal"])
def test_a_tracked_database_of_the_environment_is_a_finding_of_check(
    name: str, url: str, folder: Path, news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers_branch(folder, name)
    monkeypatch.setenv("NEWS_DATABASE_URL", url.format(folder / "data" / "list"))
    (problem,) = problems(news)
    assert (problem["file"], problem["check"]) == (name, "private-files")


def test_private_files_that_git_ignores_are_no_finding(folder: Path, news: News) -> None:
    send(news)
    (folder / ".env").write_text("SMTP_PASSWORD=mine\n")
    (folder / ".news").mkdir()
    (folder / "mine.db").write_text("")
    assert problems(news) == []


@pytest.mark.parametrize("url", ["sqlite:///file:{}?uri=true", "sqlite:///file:{}?mode=ro&uri=true"])
def test_a_tracked_database_that_a_uri_names_is_not_opened(url: str, folder: Path, news: News) -> None:
    strangers_branch(folder, "data/list.db")
    refused = news("subscribers", "list", NEWS_DATABASE_URL=url.format(f"{folder}/data/list.db"))
    assert refused.exit_code == 1 and "data/list.db: error: is tracked by Git" in refused.output


def test_a_damaged_index_counts_as_tracked_and_gets_a_hint(folder: Path, news: News) -> None:
    (folder / ".env").write_text("SMTP_PASSWORD=mine\n")
    (folder / ".git" / "index").write_text("junk")
    refused = news("status")
    assert refused.exit_code == 1 and ".env: error: may be tracked by Git" in refused.output
    assert "repair the repository" in refused.output and "install git" not in refused.output


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_tracked_database_is_not_opened(suffix: str, folder: Path, news: News) -> None:
    strangers_branch(folder, f"data/list.db{suffix}")
    (folder / "data" / "list.db").touch()
    url = f"sqlite:///{folder}/data/list.db"
    refused = news("subscribers", "list", NEWS_DATABASE_URL=url)
    assert refused.exit_code == 1 and f"data/list.db{suffix}: error: is tracked by Git" in refused.output
    shown = news("doctor", "--offline", NEWS_DATABASE_URL=url).output
    assert "is tracked by Git" in " ".join(shown.split())
    with pytest.raises(StateError):
        Database.open(loader.load(folder, {"NEWS_DATABASE_URL": url}))


def test_a_configured_state_in_the_work_tree_is_refused_once_it_is_tracked(folder: Path, news: News) -> None:
    strangers_branch(folder, "state/news.db", "state/env")
    refused = news("status", NEWS_STATE_DIR=str(folder / "state"))
    assert refused.exit_code == 1 and "state: error: is tracked by Git" in refused.output
    assert (
        loader.load(folder, {"NEWS_STATE_DIR": str(folder / "state")}, review=True).secrets.database_url
        is None
    )


def test_a_tracked_outbox_is_not_shown_and_gets_no_mail(folder: Path, news: News) -> None:
    strangers_branch(folder, "outbox/new/a.eml")
    with pytest.raises(StateError, match="is tracked by Git"):
        outbox.of(folder).messages()
    with pytest.raises(StateError, match="is tracked by Git"):
        outbox.of(folder).open("a.eml")
    assert news("subscribers", "add", "ada@example.com").exit_code == 0
    assert news("send", "2026-04-27", "--yes").exit_code == 1
    assert os.listdir(folder / "outbox" / "new") == ["a.eml"]


@pytest.mark.parametrize("path", [".git/refs/tags", ".git/x/outbox", "../repository/objects/info", "refs"])
def test_an_outbox_path_takes_no_folder_of_git(path: str, folder: Path, news: News) -> None:
    """Git reads each file in `refs/` as a branch or a tag."""
    git(folder, "init", "-q", "--bare", "--template=", str(folder.parent / "repository"))
    (folder / "refs").symlink_to(".git/refs/tags")
    samples.write(folder, extra=f"outbox: {{path: {path}}}\n")
    assert news("subscribers", "add", "ada@example.com").exit_code == 0
    refused = news("send", "2026-04-27", "--yes")
    assert refused.exit_code == 1
    assert f"{path}: error: is in the folder of a Git repository, which mail would damage" in refused.output
    assert not (folder / path).exists() or os.listdir(folder / path) == []


@pytest.mark.parametrize("path", ["issues", ".", "../neighbour"])
def test_an_outbox_path_takes_no_other_folder(path: str, folder: Path, news: News) -> None:
    neighbour = folder.parent / "neighbour"
    neighbour.mkdir(mode=0o755)
    (neighbour / "letter.odt").write_text("")
    samples.write(folder, extra=f"outbox: {{path: {path}}}\n")
    news("subscribers", "add", "ada@example.com")
    before = (folder / path).stat().st_mode, sorted(os.listdir(folder / path))
    refused = news("send", "2026-04-27", "--yes")
    assert refused.exit_code == 1
    assert "is no maildir" in refused.output or "is tracked by Git" in refused.output
    assert ((folder / path).stat().st_mode, sorted(os.listdir(folder / path))) == before


def test_the_preview_connects_to_no_database_that_dotenv_names(folder: Path) -> None:
    (folder / ".env").write_text("NEWS_DATABASE_URL=postgresql://eve@127.0.0.1:1/theirs\n")
    assert subscriber_search.search(folder, "a") == []
    assert "does not use NEWS_DATABASE_URL of .env" in subscriber_search.note(folder)
    assert ".git/news/_/env" in subscriber_search.note(folder)
    IssueList(folder).look_up_sends()
    sent = send_test.send(folder, "2026-04-27", "ada@example.com", "outbox")
    assert sent["ok"], sent
    state = folder / ".git" / "news" / "_"
    (state / "env").write_text("NEWS_DATABASE_URL=postgresql://ada@127.0.0.1:1/mine\n")
    assert subscriber_search.note(folder) == ""
    with pytest.raises(NewsError, match=r"127\.0\.0\.1"):
        subscriber_search.search(folder, "a")


def test_the_preview_shows_no_subscribers_to_another_list(folder: Path, news: News) -> None:
    send(news)
    assert subscriber_search.search(folder, "ada")
    samples.write(folder, extra="list_id: other.example.com\n")
    with pytest.raises(StateError, match="is the state of the list"):
        subscriber_search.search(folder, "ada")


def test_without_git_private_files_in_a_repository_count_as_tracked(
    folder: Path, news: News, tmp_path: Path
) -> None:
    (folder / ".env").write_text("SMTP_PASSWORD=mine\n")
    asked_git._ask.cache_clear()
    refused = news("status", PATH=str(tmp_path))
    asked_git._ask.cache_clear()
    assert refused.exit_code == 1 and ".env: error: may be tracked by Git" in refused.output
    assert "git is not installed" in refused.output
    assert news("status").exit_code == 0
    (folder / ".env").unlink()
    assert news("status", PATH=str(tmp_path)).exit_code == 0


def test_git_is_not_taken_from_the_branch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "git").write_text("#!/bin/sh\ntouch pwned\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}{os.environ['PATH']}")
    (folder / ".env").touch()
    assert tracked(find_repository(folder), [folder / ".env"]) == (frozenset(), "")
    assert not (folder / "pwned").exists()


@pytest.mark.parametrize("bin_dir", [".venv/bin", "linked"])
def test_no_program_of_the_work_tree_runs(
    bin_dir: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment in the work tree is first in PATH, and a branch may add files to it."""
    own = folder / ".venv" / "bin"
    own.mkdir(parents=True)
    for name in ("git", "spamassassin", "chromium"):
        (own / name).write_text("#!/bin/sh\ntouch pwned\n")
        (own / name).chmod(0o755)
    (tmp_path / "linked").symlink_to(own)
    place = own if bin_dir == ".venv/bin" else tmp_path / "linked"
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    (folder / ".env").touch()
    assert tracked(find_repository(folder), [folder / ".env"]) == (frozenset(), "")
    assert not (folder / "pwned").exists()
    (folder / "sub").mkdir()
    found = (spamassassin.program(folder / "sub"), installed_chromium())
    assert not [path for path in found if path and Path(path).parent in (own, place)]


def test_no_program_of_the_repositorys_configuration_runs(folder: Path, news: News) -> None:
    program = folder / "theirs"
    program.write_text(f"#!/bin/sh\ntouch {folder}/pwned\n")
    program.chmod(0o755)
    for setting in ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "core.editor"):
        git(folder, "config", setting, str(program))
    git(folder, "config", "core.hooksPath", str(folder))
    for hook in ("post-index-change", "fsmonitor-watchman"):
        shutil.copy(program, folder / hook)
    (folder / ".env").touch()
    assert news("status").exit_code == 0 and news("check").exit_code == 0
    assert not (folder / "pwned").exists()


def test_variables_of_git_do_not_lead_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers_branch(folder, ".env")
    empty = repositories.repository(tmp_path / "empty")
    monkeypatch.setenv("GIT_DIR", str(empty / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(empty / ".git" / "index"))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    repository = find_repository(folder)
    assert repository and repository.common_dir == folder / ".git"
    assert tracked(repository, [folder / ".env"]) == (frozenset([folder / ".env"]), "")


def test_git_is_asked_once_and_only_about_files_that_exist(folder: Path) -> None:
    events = []
    sys.addaudithook(lambda event, _: events.append(event) if event == "subprocess.Popen" else None)
    asked_git._ask.cache_clear()
    for _ in range(3):
        loader.load(folder, {})
    assert not events
    (folder / ".env").touch()
    for _ in range(3):
        loader.load(folder, {})
        loader.load(folder, {}, review=True)
    assert len(events) == 1


HOSTILE_POINTERS = [
    pytest.param(b"", "does not name the folder", id="empty"),
    pytest.param(b"gitdir: ", "names no folder", id="no-path"),
    pytest.param(b"gitdir: nowhere\n", "which cannot be read", id="missing"),
    pytest.param(b"gitdir: issues\n", "is no Git repository", id="no-repository"),
    pytest.param(b"gitdir: a\0b", "not the path of a folder", id="nul"),
    pytest.param(b"gitdir: " + b"/x" * 100_000, "is larger than 8,192 bytes", id="large"),
    pytest.param(b"gitdir: .git\n", "is no Git repository", id="itself"),
]


@pytest.mark.parametrize(("pointer", "what"), HOSTILE_POINTERS)
def test_a_hostile_git_file_gets_an_answer(pointer: bytes, what: str, tmp_path: Path) -> None:
    """Git commits no `.git`, but an archive may contain one."""
    folder = samples.write(tmp_path)
    (folder / ".git").write_bytes(pointer)
    with pytest.raises(StateError) as refused:
        loader.load(folder, {})
    (problem,) = refused.value.problems
    assert what in problem.what and "NEWS_STATE_DIR" in problem.fix
    (folder / "outbox").mkdir()
    reviewed = loader.load(folder, {}, review=True)
    (finding,) = tracked_problems([reviewed.outbox])
    assert finding.what.startswith("may be tracked by Git") and what in finding.what
    assert loader.load(folder, {"NEWS_STATE_DIR": f"{tmp_path}/s"}).state == tmp_path / "s"


def test_commands_answer_in_a_damaged_repository(tmp_path: Path) -> None:
    folder = samples.write(tmp_path)
    (folder / ".git").write_text("gitdir: nowhere\n")
    refused = CliRunner().invoke(main, ["-C", str(folder), "status"])
    assert refused.exit_code == 1 and "NEWS_STATE_DIR" in refused.output
    assert CliRunner().invoke(main, ["-C", str(folder), "check"]).exit_code == 0
    (folder / "outbox").mkdir()
    checked = CliRunner().invoke(main, ["-C", str(folder), "check"])
    assert checked.exit_code == 1 and "outbox: error: may be tracked by Git" in checked.output


@pytest.mark.parametrize("target", ["pipe", "/dev/zero", "circle"])
def test_a_git_file_that_never_ends_is_not_read(target: str, tmp_path: Path) -> None:
    folder = samples.write(tmp_path)
    if target == "pipe":
        os.mkfifo(folder / ".git")
    else:
        (folder / ".git").symlink_to(".git" if target == "circle" else target)
    refused = CliRunner().invoke(main, ["-C", str(folder), "status"])
    assert refused.exit_code == 1 and ".git" in refused.output


def test_a_git_file_that_names_another_work_trees_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    git(folder, "worktree", "add", "-q", str(tmp_path / "tree"))
    stolen = samples.write(tmp_path / "stolen")
    (stolen / ".git").write_bytes((tmp_path / "tree" / ".git").read_bytes())
    with pytest.raises(StateError, match="which belongs to another work tree"):
        loader.load(stolen, {})


def test_a_repository_of_another_user_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    owner = folder.stat().st_uid
    if owner == 0:
        os.chown(folder / ".git", 4712, -1)
    with pytest.raises(StateError, match="belongs to another user"):
        loader.load(folder, {})
    (folder / ".env").touch()
    assert loader.load(folder, {"NEWS_STATE_DIR": str(folder / "mine")})


def test_a_bare_repository_in_the_work_tree_is_not_taken_for_git(folder: Path, news: News) -> None:
    """Git would find it (CVE-2022-24765 is of this kind), and read its configuration."""
    strangers_branch(folder, "HEAD", "objects/x", "refs/x", "config")
    repository = find_repository(folder)
    assert repository and repository.git_dir == folder / ".git"
    (folder / ".env").touch()
    assert news("status").exit_code == 0
