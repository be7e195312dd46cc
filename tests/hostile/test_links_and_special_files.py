"""Links and special files of a stranger's branch: nothing outside the newsletter is read or written."""

import ast
import json
import os
import re
import resource
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.disk.writing import write_atomically
from newsletter.errors import ConfigError, IssueError, Problem, SubscriberError
from newsletter.issue import files
from newsletter.preview import outbox, payloads
from newsletter.preview.builder import Page, build
from newsletter.providers.factory import open_provider
from newsletter.render.template_files import BUILT_IN
from newsletter.sending.outcomes import NotSent
from tests import samples
from tests.import_tables import read_file

SECRET = "SG.hush-hush"
ISSUE, NEXT, TEMPLATE = "issues/2026-04-27.yml", "issues/2026-05-04.yml", "templates/footer.txt.j2"
MARKDOWN = "issues/2026-05-04.md"
PACKAGE = Path(loader.__file__).parent.parent


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder beside the newsletter's, with files that nobody may read or change."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("secret.yml", "secret.md", "secret.j2", "secret.env", "bashrc"):
        (folder / name).write_text(f"{SECRET}: {SECRET}\n")
    return folder


@pytest.fixture
def letter(tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a newsletter with a template of its own; it is the current folder."""
    folder = samples.write(tmp_path / "letter")
    (folder / "templates").mkdir()
    (folder / TEMPLATE).write_bytes((BUILT_IN / "footer.txt.j2").read_bytes())
    for name in ("NEWS_SECRET_KEY", "NEWS_DATABASE_URL", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    return folder


def news(*arguments: str) -> Result:
    """Run a command; fail if it ends with a traceback."""
    done = CliRunner().invoke(main, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done


def built(folder: Path) -> Page:
    page = build(folder)
    assert SECRET not in json.dumps(payloads.page(folder, page, page if page.proof else None))
    return page


def link(target: str) -> Callable[[Path], None]:
    return lambda file: file.symlink_to(target)


def link_outside(file: Path) -> None:
    suffix = file.suffix or ".env"
    file.symlink_to(Path(f"../outside/secret{suffix}").absolute())


def link_hidden(file: Path) -> None:
    for suffix in (".yml", ".md", ".j2"):
        Path(f".env{suffix}").write_text(SECRET)
    file.symlink_to(Path(f".env{file.suffix}").absolute())


def link_to_pipe(file: Path) -> None:
    os.mkfifo("pipe")
    file.symlink_to(Path("pipe").absolute())


def bind_socket(file: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(file))  # an absolute path may be too long


def sparse(file: Path) -> None:
    with file.open("wb") as handle:
        handle.truncate(10**12)


OUT = "is a symbolic link that leads out of the newsletter's folder"
BEHIND = "a symbolic link that leads out of the newsletter's folder"
LINKS = [
    pytest.param(link_outside, OUT, id="link-outside"),
    pytest.param(link("/proc/self/environ"), OUT, id="link-to-environ"),
    pytest.param(link("/etc/passwd"), OUT, id="link-to-passwd"),
    pytest.param(link("/dev/zero"), OUT, id="link-to-zero"),
    pytest.param(link("../../nowhere"), OUT, id="dangling-link-outside"),
    pytest.param(link_to_pipe, "is a named pipe, not a regular file", id="link-to-pipe"),
]
SPECIAL = [
    pytest.param(os.mkfifo, "is a named pipe, not a regular file", id="pipe"),
    pytest.param(bind_socket, "is a socket, not a regular file", id="socket"),
    pytest.param(sparse, "is larger than", id="large"),
]
KINDS = LINKS + SPECIAL
CONTENT = [
    pytest.param(link_hidden, "a name that starts with a dot", id="link-to-hidden"),
    pytest.param(Path.mkdir, "is a folder, not a regular file", id="folder"),
]


def plant(name: str, kind: Callable[[Path], None]) -> None:
    file = Path(name).absolute()
    file.unlink(missing_ok=True)
    kind(file)


@pytest.mark.parametrize("name", ["newsletter.yml", NEXT, MARKDOWN, TEMPLATE])
@pytest.mark.parametrize(("kind", "what"), KINDS + CONTENT)
def test_the_preview_builds_nothing_of_it(
    letter: Path, name: str, kind: Callable[[Path], None], what: str
) -> None:
    plant(name, kind)
    (problem,) = built(letter).problems
    assert problem.where.startswith(name) and what in problem.what and problem.fix


@pytest.mark.parametrize(("kind", "what"), KINDS)
def test_secrets_are_read_from_a_file_only(letter: Path, kind: Callable[[Path], None], what: str) -> None:
    plant(".env", kind)
    with pytest.raises(ConfigError) as refused:
        loader.load(letter, {})
    (problem,) = refused.value.problems
    assert problem.where == ".env" and what in problem.what and problem.fix


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("newsletter.yml", link_outside),
        (ISSUE, os.mkfifo),
        (TEMPLATE, link_outside),
        (TEMPLATE, os.mkfifo),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ("render",),
        ("check",),
        ("check", ISSUE),
        ("preview", "--screenshot", "pictures"),
        ("send", "2026-04-27", "--yes"),
    ],
    ids=" ".join,
)
def test_every_command_refuses_it(
    letter: Path, name: str, kind: Callable[[Path], None], command: tuple[str, ...]
) -> None:
    plant(name, kind)
    done = news(*command)
    assert done.exit_code == 1 and SECRET not in done.output
    assert name in done.output and not Path("build").exists() and not list(letter.glob("outbox/new/*"))


@pytest.mark.parametrize(
    "command", [("check",), ("render",), ("new", "2026-05-18"), ("send", "--ready", "--yes")]
)
def test_another_issue_that_is_a_pipe_or_a_link_is_passed_over(
    letter: Path, command: tuple[str, ...]
) -> None:
    samples.write(letter, name="2026-05-11")
    plant("issues/2026-04-20.yml", os.mkfifo)
    plant("issues/2026-04-13.yml", link_outside)
    assert SECRET not in news(*command).output


def test_an_earlier_issue_is_compared_only_if_it_is_inside(letter: Path, outside: Path) -> None:
    (outside / "secret.yml").write_text(samples.ISSUE)
    plant("issues/2026-04-20.yml", link_outside)
    assert "was in the issue of" not in news("check").output
    Path("issues/2026-04-20.yml").unlink()
    samples.write(letter, name="2026-04-20")
    assert "was in the issue of 2026-04-20" in news("check").output


@pytest.mark.parametrize(
    ("included", "target", "what"),
    [
        pytest.param("e", "/proc/self/environ", OUT, id="environ"),
        pytest.param("e", "/dev/zero", OUT, id="zero"),
        pytest.param("e.j2", "../.env", "does not end with .j2", id="env"),
        pytest.param("subscribers.csv", "../subscribers.csv", "does not end with .j2", id="subscribers"),
        pytest.param("e.j2", "../.git/config.j2", "a name that starts with a dot", id="hidden-folder"),
        pytest.param("e.j2", "e.j2", "Too many levels of symbolic links", id="loop"),
        pytest.param("../.env", "", "there is no template", id="dots"),
        pytest.param("/etc/passwd", "", "there is no template", id="absolute"),
    ],
)
def test_a_template_includes_templates_only(letter: Path, included: str, target: str, what: str) -> None:
    for name in (".env", "subscribers.csv", ".git/config.j2"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(f"SENDGRID_API_KEY={SECRET}\n")
    if target:
        Path("templates", included).symlink_to(target)
    Path(TEMPLATE).write_text(f'{{% include "{included}" %}}')
    (problem,) = built(letter).problems
    assert what in problem.what and problem.fix


@pytest.mark.parametrize("linked", ["issues", "templates"])
def test_a_folder_may_be_linked_within_the_newsletter(letter: Path, linked: str) -> None:
    Path("content").mkdir()
    Path(linked).rename(f"content/{linked}")
    Path(linked).symlink_to(f"content/{linked}")
    for command in (("render",), ("check", ISSUE), ("new", "2026-06-01")):
        assert news(*command).exit_code == 0


@pytest.mark.parametrize(
    ("linked", "command"),
    [("issues", ("render",)), ("issues", ("new", "2026-06-08")), ("templates", ("check",))],
)
def test_a_folder_may_not_be_linked_to_elsewhere(
    letter: Path, outside: Path, linked: str, command: tuple[str, ...]
) -> None:
    Path(linked).rename(outside / linked)
    Path(linked).symlink_to(outside / linked)
    done = news(*command)
    assert done.exit_code == 1 and BEHIND in done.output
    assert not (outside / linked / "2026-06-08.yml").exists()


def test_the_newsletter_itself_may_be_linked(
    letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "linked").symlink_to(letter)
    monkeypatch.chdir(tmp_path)
    for command in (("check", "2026-04-27"), ("check", f"letter/{ISSUE}"), ("render", "-o", "linked/build")):
        assert news("-C", "linked", *command).exit_code == 0
    plant(f"letter/{ISSUE}", link("../../outside/secret.yml"))
    assert OUT in news("-C", "linked", "check", f"letter/{ISSUE}").output


def test_a_file_elsewhere_may_be_named(letter: Path, outside: Path) -> None:
    elsewhere = outside / "2026-05-25.yml"
    (outside / "draft.yml").write_text(samples.ISSUE)
    elsewhere.symlink_to("draft.yml")
    assert news("check", str(elsewhere)).exit_code == 0
    assert news("render", "../outside/2026-05-25.yml", "-o", str(outside / "build")).exit_code == 0
    assert (outside / "build/2026-05-25.txt").exists()


def swap(name: str, change: Callable[[], object]) -> None:
    """Change the disk once, at the moment when a file of this name is about to be opened by `os.open`."""
    pending = [change]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if pending and event == "open" and arguments[1] is None and str(arguments[0]).endswith(name):
            pending.pop()()

    sys.addaudithook(hook)  # a hook stays until the process ends; this one does nothing any more


def test_a_link_that_appears_between_the_check_and_the_opening_is_refused(
    letter: Path, outside: Path
) -> None:
    def change() -> None:
        Path(NEXT).unlink()
        Path(NEXT).symlink_to(outside / "secret.yml")

    Path(NEXT).write_text(samples.ISSUE)
    swap(NEXT, change)
    with pytest.raises(IssueError, match=OUT):
        files.load(Path(NEXT), letter)


@pytest.mark.parametrize(
    ("replace", "what"),
    [
        pytest.param(lambda: None, "No such file", id="vanished"),
        pytest.param(lambda: os.mkfifo(NEXT), "is a named pipe", id="pipe"),
    ],
)
def test_a_file_that_is_replaced_before_it_is_opened(
    letter: Path, replace: Callable[[], None], what: str
) -> None:
    Path(NEXT).write_text(samples.ISSUE)
    swap(NEXT, lambda: (Path(NEXT).unlink(), replace()))
    with pytest.raises(IssueError, match=what):
        files.load(Path(NEXT), letter)


def test_a_link_that_appears_in_the_place_of_a_draft_is_refused(letter: Path, outside: Path) -> None:
    swap("the-draft", lambda: Path("the-draft").symlink_to(outside / "bashrc"))
    with pytest.raises(FileExistsError):
        write_atomically(Path("key"), b"key", draft=Path("the-draft"))
    assert (outside / "bashrc").read_text().startswith(SECRET) and not Path("key").exists()


# Excerpts: the preview shows the lines around a problem.

ENVIRONMENT = f"SENDGRID_API_KEY={SECRET}\nNEWS_SECRET_KEY {SECRET}\nSMTP_PASSWORD={SECRET}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ENVIRONMENT, id="not-NAME=value"),
        pytest.param(f"SENDGRID_API_KEY={SECRET}\x01\n", id="control-character"),
        pytest.param(f"SENDGRID_API_KEY={SECRET}\0\n", id="NUL"),
        pytest.param(f"SENDGRID_API_KEY={SECRET}\u00e9\n", id="latin-1"),
    ],
)
def test_a_bad_line_of_the_environment_shows_no_secret(letter: Path, text: str) -> None:
    Path(".env").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as refused:
        loader.load(letter, {})
    problems = refused.value.problems
    assert [problem.where.startswith(".env") for problem in problems] == [True]
    page = Page("2026-04-27", problems=problems)
    assert SECRET not in json.dumps(payloads.page(letter, page, None))
    for command in (
        ("check",),
        ("check", "--format", "json"),
        ("render",),
        ("doctor", "--offline"),
        ("-vv", "status"),
    ):
        assert SECRET not in news(*command).output


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("newsletter.yml", True),
        (ISSUE, True),
        (TEMPLATE, True),
        (str(BUILT_IN / "story.txt.j2"), True),
        (".env", False),
        (".news/secret", False),
        ("subscribers.csv", False),
        ("notes.yml", False),
        ("sub/newsletter.yml", False),
        ("templates/linked.j2", False),
        ("issues/2026-03-02.yml", False),
        ("issues/2026-03-02.md", False),
        ("issues/2026-03-09.yml", False),
        ("issues/2026-03-16.md", True),
        ("README.md", False),
        ("../outside/secret.yml", False),
        ("../outside/2026-03-02.yml", False),
        ("/etc/passwd", False),
    ],
)
def test_excerpts_come_from_the_sources_of_the_mail_only(
    letter: Path, outside: Path, name: str, shown: bool
) -> None:
    for other in (
        ".env",
        ".news/secret",
        "subscribers.csv",
        "notes.yml",
        "README.md",
        "sub/newsletter.yml",
        ".hidden.yml",
    ):
        Path(other).parent.mkdir(exist_ok=True)
        Path(other).write_text(ENVIRONMENT)
    (outside / "2026-03-02.yml").write_text(SECRET)
    Path("templates/linked.j2").symlink_to("../.env")
    Path("issues/2026-03-02.yml").symlink_to(outside / "secret.yml")
    Path("issues/2026-03-02.md").symlink_to(outside / "secret.md")
    Path("issues/2026-03-16.md").write_text("Soup")
    Path("issues/2026-03-09.yml").symlink_to("../.hidden.yml")
    excerpt = payloads.problem(letter, Problem(f"{name}:1", "wrong"))["excerpt"]
    assert bool(excerpt) is shown


# What is written.


@pytest.mark.parametrize("name", ["build/2026-04-27.txt", "build/2026-04-27.html", "build/2026-04-27.eml"])
@pytest.mark.parametrize("target", ["bashrc", "new"])
def test_a_rendered_file_is_not_written_through_a_link(
    letter: Path, outside: Path, name: str, target: str
) -> None:
    Path("build").mkdir()
    Path(name).symlink_to(outside / target)
    assert news("render").exit_code == 0
    assert Path(name).stat().st_size > 100 and not Path(name).is_symlink()
    assert (outside / "bashrc").read_text().startswith(SECRET) and not (outside / "new").exists()
    assert sorted(file.suffix for file in Path("build").iterdir()) == [".eml", ".html", ".txt"]


@pytest.mark.parametrize("kind", [os.mkfifo, Path.mkdir, bind_socket])
def test_a_rendered_file_replaces_files_only(letter: Path, kind: Callable[[Path], None]) -> None:
    Path("build").mkdir()
    plant("build/2026-04-27.txt", kind)
    done = news("render")
    assert done.exit_code == 1 and "build/2026-04-27.txt: error: is a" in done.output
    assert not [file for file in Path("build").iterdir() if file.name.startswith(".")]


@pytest.mark.parametrize(
    "command", [("render",), ("render", "-o", "build"), ("preview", "--screenshot", "build")], ids=" ".join
)
@pytest.mark.parametrize("target", ["", "new"])
def test_a_linked_folder_for_output_must_be_inside(
    letter: Path, outside: Path, command: tuple[str, ...], target: str
) -> None:
    before = sorted(outside.iterdir())
    Path("build").symlink_to(outside / target)
    done = news(*command)
    assert done.exit_code == 1 and "build" in done.output and OUT in done.output
    assert sorted(outside.iterdir()) == before


def test_the_default_folder_is_inside_the_current_one(
    letter: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(letter.parent)
    Path("build").symlink_to("outside")
    assert news("-C", "letter", "render").exit_code == 0  # `outside` is inside the current folder
    Path("build").unlink()
    Path("build").symlink_to("/nowhere/else")
    assert OUT in news("-C", "letter", "render").output


def test_rendered_files_have_the_permissions_of_today(letter: Path) -> None:
    before = os.umask(0o027)
    try:
        news("render")
        Path("build/2026-04-27.txt").chmod(0o600)
        news("render")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(Path(f"build/2026-04-27.{suffix}").stat().st_mode) for suffix in ("html", "txt")]
    assert modes == [0o640, 0o600]


@pytest.mark.parametrize("linked", ["outbox", "outbox/new", "outbox/tmp"])
def test_mail_is_not_written_through_a_linked_outbox(letter: Path, outside: Path, linked: str) -> None:
    for part in ("new", "cur", "tmp"):
        (outside / part).mkdir()
        if linked != "outbox":
            Path("outbox", part).mkdir(parents=True)
    if linked != "outbox":
        Path(linked).rmdir()
    Path(linked).symlink_to(outside)
    done = news("send", "2026-04-27", "--to", "ada@example.com", "--yes")
    assert done.exit_code == 1 and BEHIND in done.output
    assert not [*outside.glob("*/*"), *outside.glob("*.eml*")]


@pytest.mark.parametrize("linked", ["outbox", "outbox/new"])
def test_the_outbox_takes_no_message_through_a_link(letter: Path, outside: Path, linked: str) -> None:
    for part in ("new", "cur", "tmp"):
        (outside / part).mkdir()
    Path(linked).parent.mkdir(exist_ok=True)
    Path(linked).symlink_to(outside)
    (outcome,) = samples.outcomes(open_provider(loader.load(letter)), samples.batch(samples.mailing(letter)))
    assert isinstance(outcome, NotSent) and BEHIND in outcome.reason
    assert not list(outside.glob("*/*"))


def test_the_preview_reads_no_linked_outbox(letter: Path, outside: Path) -> None:
    (outside / "new").mkdir()
    (outside / "new/mail.eml").write_text(f"Subject: {SECRET}\n\n{SECRET}\n")
    Path("outbox").symlink_to(outside)
    assert outbox.of(letter).messages() == (0, []) and outbox.of(letter).open("mail.eml") is None
    Path("outbox").unlink()
    Path("outbox/new").mkdir(parents=True)
    Path("outbox/new/link.eml").symlink_to(outside / "new/mail.eml")
    os.mkfifo("outbox/new/pipe.eml")
    assert outbox.of(letter).messages() == (0, [])
    assert [outbox.of(letter).open(name) for name in ("link.eml", "pipe.eml")] == [None, None]


@pytest.mark.parametrize("kind", [link_outside, os.mkfifo])
def test_the_key_is_read_from_a_file_only(letter: Path, kind: Callable[[Path], None]) -> None:
    news("subscribers", "add", "ada@example.com")
    plant(".news/secret", kind)
    done = news("send", "2026-04-27", "--yes")
    assert done.exit_code == 1 and ".news/secret" in done.output
    assert news("doctor", "--offline").exit_code == 1


@pytest.mark.parametrize("name", ["news.db", "news.db-wal", "news.db-shm"])
@pytest.mark.parametrize("kind", [link_outside, os.mkfifo])
def test_the_database_is_not_opened_through_a_link(
    letter: Path, outside: Path, name: str, kind: Callable[[Path], None]
) -> None:
    Path(".news").mkdir()
    plant(f".news/{name}", kind)
    for command in (("subscribers", "add", "ada@example.com"), ("doctor", "--offline")):
        done = news(*command)
        assert done.exit_code == 1 and ".news/news.db" in done.output
    assert (outside / "secret.env").read_text().startswith(SECRET)


def test_a_list_of_recipients_replaces_a_link(letter: Path, outside: Path) -> None:
    news("subscribers", "add", "ada@example.com")
    news("send", "2026-04-27", "--yes")
    Path("who.csv").symlink_to(outside / "bashrc")
    assert news("status", "2026-04-27", "--csv", "who.csv").exit_code == 0
    assert "ada@example.com,accepted" in Path("who.csv").read_text()
    assert stat.S_IMODE(Path("who.csv").stat().st_mode) == 0o600 and not Path("who.csv").is_symlink()
    assert (outside / "bashrc").read_text().startswith(SECRET)
    plant("who.csv", os.mkfifo)
    assert "who.csv: error: is a named pipe" in news("status", "2026-04-27", "--csv", "who.csv").output


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Let every file end at 500 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_old_file(letter: Path, full_disk: None) -> None:
    Path("build").mkdir()
    Path("build/2026-04-27.html").write_text("old")
    done = news("render")
    assert done.exit_code == 1 and "build/2026-04-27.html: error: cannot be written" in done.output
    assert {file.name: file.read_text() for file in Path("build").iterdir()} == {"2026-04-27.html": "old"}


def test_a_full_disk_leaves_no_half_issue(letter: Path, full_disk: None) -> None:
    assert "issues/2026-05-04.yml: error: cannot be written" in news("new", "2026-05-04").output
    assert [file.name for file in Path("issues").iterdir()] == ["2026-04-27.yml"]


# Lists of subscribers: they may lie anywhere.


@pytest.mark.parametrize(
    ("name", "what"),
    [
        pytest.param("/dev/zero", "is a device, not a regular file", id="zero"),
        pytest.param("sparse.csv", "is longer than 1,000,000 characters", id="one-line"),
        pytest.param("sparse16.csv", "is longer than 1,000,000 characters", id="one-line-of-UTF-16"),
    ],
)
def test_a_list_of_subscribers_is_read_line_by_line(letter: Path, name: str, what: str) -> None:
    sparse(Path("sparse.csv"))
    Path("sparse16.csv").write_bytes(b"\xff\xfe")
    os.truncate("sparse16.csv", 10**12)
    with pytest.raises(SubscriberError, match=what):
        read_file(Path(name))


# The kind of fault: a module that opens files in another way.

# The modules that may open, list or write files themselves, and why.
DISK = {
    "disk/reading.py": "reads for all",
    "disk/writing.py": "writes for all",
    "disk/boundary.py": "lists for all",
    "checks/caniemail/data.py": "reads a file of the package",
    "config/label_texts.py": "reads a file of the package",
    "render/date_line.py": "reads a file of the package",
    "render/translation.py": "reads files of the package",
    "preview/routes.py": "reads files of the package",
    "checks/external/spamassassin.py": "writes into a temporary folder of its own",
    "preview/outbox.py": "lists a maildir, and follows no links",
    "providers/outbox.py": "opens its folder to sync it, and looks for a message",
    "limits/worker.py": "reads a file of the system",
    "store/journal.py": "the locks and journals of processes, in the private folder",
    "state/folder.py": "makes the private folder",
    "state/process_lock.py": "locks files in the private folder, and follows no links",
    "state/git.py": "lists the work trees of a repository",
    "state/migration.py": "moves the private folder, and follows no links",
    "checks/external/private_files.py": "lists the newsletter's folder",
    "issue/files.py": "lists one folder",
    "services/archive_folder.py": "deletes the folder of its own drafts, and follows no links",
}
CALLS = {
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "fdopen", "touch", "symlink_to"),
    *("glob", "rglob", "iterdir", "walk", "scandir", "copyfile", "copytree", "move", "rmtree", "mkstemp"),
}
# Functions of these names that open no file of the newsletter.
OTHERS = {
    "walk",
    "message.walk",
    "read_text",
    "reader.read_text",
    "distribution.read_text",
    "Database.open",
    "archive.open",
    "SealedRef.open",
    "StateSync.open",
    "ArchiveFolder.open",
    "cls.open",
    "webbrowser.open",
    "super().open",  # a connection of imaplib
}


@pytest.fixture(scope="module")
def calls() -> list[tuple[str, int, str, int]]:
    """Return the calls in modules that may open files: module, line, function, and number of arguments."""
    names = re.compile(rf"\b(?:load|{'|'.join(CALLS)})\(")
    return [
        (path.relative_to(PACKAGE).as_posix(), node.lineno, ast.unparse(node.func), len(node.args))
        for path in sorted(PACKAGE.rglob("*.py"))
        if names.search(text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    ]


def test_files_are_opened_in_one_place(calls: list[tuple[str, int, str, int]]) -> None:
    found = [call for call in calls if call[2].rpartition(".")[2] in CALLS and call[2] not in OTHERS]
    assert [call for call in found if call[0] not in DISK] == []
    assert {call[0] for call in found} >= set(DISK)


def test_only_a_file_that_the_user_names_may_be_a_pipe() -> None:
    """A pipe of a stranger's branch, to which nobody writes, would be waited for."""
    callers = [path for path in PACKAGE.rglob("*.py") if "open_named(" in path.read_text(encoding="utf-8")]
    names = {path.relative_to(PACKAGE).as_posix() for path in callers}
    assert names == {"disk/reading.py", "subscribers/table_file.py"}


def test_an_issue_is_loaded_with_the_folder_of_its_newsletter(calls: list[tuple[str, int, str, int]]) -> None:
    loads = [call for call in calls if call[2] in ("files.load", "issues.load")]
    assert len(loads) > 5 and [call for call in loads if call[3] != 2] == []
