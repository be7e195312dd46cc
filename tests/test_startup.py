"""The start is quick because each command imports only its modules; `make bench` measures the time."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests import samples

HEAVY = {
    "alembic",
    "dns",
    "feedparser",
    "jinja2",
    "jmespath",
    "linkify_it",
    "lxml",
    "markdown_it",
    "premailer",
    "pydantic",
    "requests",
    "rich",
    "sendgrid",
    "sqlalchemy",
}

RUNNING = {"click", "newsletter"}
READING = RUNNING | {
    "annotated_types",
    "pydantic",
    "pydantic_core",
    "typing_extensions",
    "typing_inspection",
    "yaml",
}
RENDERING = READING | {
    "cachetools",
    "cssselect",
    "cssutils",
    "jinja2",
    "linkify_it",
    "lxml",
    "markdown_it",
    "markupsafe",
    "mdit_py_plugins",
    "mdurl",
    "mjml",
    "more_itertools",
    "premailer",
}
LOADED = {
    "--help": RUNNING,
    "render": RENDERING,
    "check": RENDERING | {"cssselect2", "tinycss2", "webencodings"},
    # Not Alembic, which only the migration of an older database needs.
    "status": READING | {"sqlalchemy"},
}
"""The packages outside the standard library that a command loads.

Each takes time at every start: a new package needs a reason, and `make bench` shows its cost.
"""


PROGRAM = """
import os, sys
from pathlib import Path
from newsletter.cli.main import main

folder = Path(sys.argv.pop(1))

def write_names(process):
    names = [name for name, module in sys.modules.items() if getattr(module, "__spec__", None)]
    (folder / process).write_text(" ".join(names))

def exit_of_fork(code, exit=os._exit):
    write_names(f"fork-{os.getpid()}")
    exit(code)

os._exit = exit_of_fork
try:
    main(sys.argv[1:], standalone_mode=False)
finally:
    write_names("waiting")
"""


def loaded_by_processes(*arguments: str) -> list[set[str]]:
    """Return the modules that each process of a command has loaded when it exits, forks first."""
    with TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", PROGRAM, folder, *arguments], capture_output=True, check=True)
        return [set(file.read_text().split()) for file in sorted(Path(folder).iterdir())]


def loaded(*arguments: str) -> set[str]:
    """Return the top-level packages that a command has loaded when it exits, with those of its forks."""
    return packages(set().union(*loaded_by_processes(*arguments)))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def of_others(modules: set[str]) -> set[str]:
    """Return the packages outside the standard library."""
    return {name for name in packages(modules) - sys.stdlib_module_names if not name.startswith("_")}


@pytest.mark.parametrize("arguments", [["--help"], ["send", "--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert HEAVY & loaded(*arguments) == set()


def test_help_loads_no_log() -> None:
    assert "logging" not in loaded("--help")


def test_render_loads_no_database_no_provider_and_nothing_that_fetches(tmp_path: Path) -> None:
    folder = str(samples.write(tmp_path))
    used = loaded("-C", folder, "render", "-o", str(tmp_path / "build"))
    assert {"jinja2", "premailer", "pydantic"} <= used
    assert {"sqlalchemy", "alembic", "sendgrid", "rich", "requests", "email_validator", "dns"} & used == set()


@pytest.mark.parametrize("command", LOADED)
def test_a_command_loads_these_packages_and_no_others(command: str, tmp_path: Path) -> None:
    folder = str(samples.write(tmp_path))
    output = ["-o", str(tmp_path / "build")] if command == "render" else []
    assert of_others(loaded("-C", folder, command, *output)) == LOADED[command]


def test_a_new_issue_without_a_source_loads_nothing_that_fetches(tmp_path: Path) -> None:
    used = loaded("-C", str(samples.write(tmp_path)), "new", "2026-05-11")
    assert (tmp_path / "issues" / "2026-05-11.yml").exists()
    assert {"feedparser", "http", "jmespath", "markdown_it", "requests", "ssl"} & used == set()


def test_render_loads_no_part_of_the_standard_library_that_fetches(tmp_path: Path) -> None:
    folder = str(samples.write(tmp_path))
    assert {"http", "ssl"} & loaded("-C", folder, "render", "-o", str(tmp_path / "build")) == set()


@pytest.mark.parametrize("command", ["render", "check"])
def test_the_process_that_waits_for_a_fork_is_small(command: str, tmp_path: Path) -> None:
    """The system copies each page of memory that a fork changes: the fork of a large process is slow."""
    folder = str(samples.write(tmp_path))
    output = ["-o", str(tmp_path / "build")] if command == "render" else []
    in_fork, waiting = loaded_by_processes("-C", folder, command, *output)
    assert of_others(waiting) == RUNNING
    assert {"multiprocessing", "shutil", "socket", "subprocess", "tempfile"} & waiting == set()
    assert {"multiprocessing", "http.cookiejar"} & in_fork == set()


def test_a_command_does_not_load_the_others(tmp_path: Path) -> None:
    commands = {"check", "doctor", "issue", "recover", "review", "send", "state", "status", "subscribers"}
    (waiting,) = loaded_by_processes("-C", str(samples.write(tmp_path)), "schema")
    assert {name for name in commands if f"newsletter.cli.{name}" in waiting} == {"issue"}
