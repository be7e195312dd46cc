"""Starting is quick because each command loads only what it needs; `make bench` measures the milliseconds."""

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


def loaded(*arguments: str) -> set[str]:
    """The top-level packages that a command has loaded when it is done."""
    program = (
        "import sys\n"
        "from newsletter.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
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
