"""Tests that no template freezes a command or takes the memory of the machine."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from newsletter.cli.main import main
from newsletter.errors import LimitReached
from newsletter.limits.process import (
    MAX_SECONDS,
    MAX_SECONDS_WITH_WAITS,
    LimitedProcess,
    run_limited_with_waits,
)
from newsletter.preview.builder import build
from newsletter.services.check import check
from tests import samples

LARGE = {
    "center": '{{ "a"|center(3000000000) }}',
    "format": '{{ "%3000000000d"|format(1) }}',
    "repeat": '{{ "a" * 3000000000 }}',
    "repeat-list": "{{ [1] * 3000000000 }}",
    "indent": '{{ "a\\nb"|indent(3000000000) }}',
    "replace": '{{ ("a" * 100000)|replace("a", "b" * 100000) }}',
}
ENDLESS = {
    "power": "{{ 9**(9**9) }}",
    "power-of-compiler": "{% if 7**(9**9) %}{% endif %}",
    "loops": "{% for x in range(99999) %}" * 3 + "{% endfor %}" * 3,
    "digits": "{% set ns = namespace(a=3) %}{% for _ in range(99) %}{% set ns.a = ns.a * ns.a %}{% endfor %}",
    "captured": '{% set a %}{% for _ in range(99999) %}{{ "a" * 99999 }}{% endfor %}{% endset %}',
}


@pytest.fixture
def newsletter(tmp_path: Path) -> Path:
    folder = samples.write(tmp_path)
    (folder / "templates").mkdir(exist_ok=True)
    return folder


@pytest.fixture
def limited() -> Iterator[LimitedProcess]:
    with closing(LimitedProcess(1.0)) as process:
        yield process


def with_footer(newsletter: Path, bomb: str) -> Path:
    (newsletter / "templates" / "footer.txt.j2").write_text("\n" + bomb)
    return newsletter


@pytest.mark.parametrize("bomb", [pytest.param(bomb, id=name) for name, bomb in LARGE.items()])
def test_what_needs_too_much_memory_is_a_mistake_of_the_template(
    newsletter: Path, limited: LimitedProcess, bomb: str
) -> None:
    (problem,) = limited.run(build, with_footer(newsletter, bomb)).problems
    assert problem.what == "needs too much memory"
    assert problem.where.endswith("templates/footer.txt.j2:2")


@pytest.mark.parametrize("bomb", [pytest.param(bomb, id=name) for name, bomb in ENDLESS.items()])
def test_what_takes_too_long_is_a_problem_of_the_issue(
    newsletter: Path, limited: LimitedProcess, bomb: str
) -> None:
    (result,) = check(with_footer(newsletter, bomb), limited=limited.run)
    (problem,) = result.problems
    assert problem.what in (
        "building or checking the issue takes longer than 1 seconds",
        "needs too much memory",  # on a fast machine, before the time is over
    )
    assert result.path.endswith("2026-04-27.yml")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["render", "-o", "build"], id="render"),
        pytest.param(["check"], id="check"),
        pytest.param(["preview", "--screenshot", "pictures"], id="screenshot"),
        pytest.param(["send", "2026-04-27", "--to", "ada@example.com", "--yes"], id="test"),
        pytest.param(["send", "2026-04-27", "--dry-run"], id="send"),
        pytest.param(["send", "--ready", "--dry-run"], id="ready"),
    ],
)
def test_every_command_that_builds_an_issue_has_the_limits(
    newsletter: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(newsletter)
    with_footer(newsletter, LARGE["center"])
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 1, done.output
    assert "templates/footer.txt.j2:2: " in done.output
    assert "needs too much memory" in done.output


def test_ctrl_c_ends_a_command_at_once(newsletter: Path) -> None:
    with_footer(newsletter, "{{ 9**(9**9) }}")
    program = subprocess.Popen(
        [sys.executable, "-m", "newsletter", "-v", "-C", str(newsletter), "check"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not children(program.pid):
        time.sleep(0.02)
    (child,) = children(program.pid)
    program.send_signal(signal.SIGINT)
    output, _ = program.communicate(timeout=60)
    assert program.returncode == 1
    assert "Traceback" not in output
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_the_checks_that_wait_for_others_have_limits_too(newsletter: Path) -> None:
    # They fill the templates again, to find places; a template can be slow only then.
    def reached(function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Any:
        raise LimitReached(f"{function.__name__} takes too long")

    (checked,) = check(newsletter, spam=True, limited_with_waits=reached)
    assert "run takes too long" in [problem.what for problem in checked.problems]
    assert checked.weight


def test_a_wait_is_not_limited_but_work_is() -> None:
    soft, _ = run_limited_with_waits(resource.getrlimit, resource.RLIMIT_CPU)
    assert MAX_SECONDS < soft <= MAX_SECONDS + 3 < MAX_SECONDS_WITH_WAITS
