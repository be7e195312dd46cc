"""The start is quick because each command imports only its modules; `make bench` measures the time."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import samples

HEAVY = {
    "alembic",
    "dns",
    "jinja2",
    "lxml",
    "markdown_it",
    "premailer",
    "pydantic",
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
    "lxml",
    "markdown_it",
    "markupsafe",
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


def loaded(*arguments: str) -> set[str]:
    """Return the top-level packages that a command has loaded when it exits."""
    program = (
        "import sys\n"
        "from newsletter.cli.main import main\n"
        "try:\n"
        "    main(sys.argv[1:], standalone_mode=False)\n"
        "finally:\n"
        "    named = [name for name, module in sys.modules.items() if getattr(module, '__spec__', None)]\n"
        "    print(*sorted({name.partition('.')[0] for name in named}), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


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
    used = loaded("-C", folder, command, *output)
    assert {name for name in used - sys.stdlib_module_names if not name.startswith("_")} == LOADED[command]


def test_render_loads_no_part_of_the_standard_library_that_fetches(tmp_path: Path) -> None:
    folder = str(samples.write(tmp_path))
    assert {"http", "ssl"} & loaded("-C", folder, "render", "-o", str(tmp_path / "build")) == set()
