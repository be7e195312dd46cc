"""A runner of GitHub: `run` steps of workflows and of this repository's actions, in a checkout of their own.

Steps with `uses` are not run: `news` is on the PATH already. With `forks`, a step that runs a command of news
is run without bash, which is quicker.
"""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from newsletter.starter.github_workflows import WorkflowOptions
from tests import repositories
from tests.forks import Fork, ForkServer

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
ACTIONS = GITHUB / "actions"
OWN_WORKFLOWS = WorkflowOptions(None, "", "main", pages=True)
COMMAND = 'exec news -C "$FOLDER" $COMMAND ${ISSUE:+"--issue=$ISSUE"}'
"""The line of the action `news` that runs a command."""
_EXPRESSION = re.compile(r"\$\{\{ (\S+) \}\}")
_WAIT_SECONDS = 60.0

StepFields = Mapping[str, Any]


def read(file: Path) -> dict[str, Any]:
    """Return the content of a workflow or an action."""
    loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def workflow(name: str) -> dict[str, Any]:
    """Return a workflow of this repository."""
    return read(GITHUB / "workflows" / name)


def action_step(action: str, title: str) -> dict[str, Any]:
    """Return the step of an action of this repository that has a name."""
    steps = read(ACTIONS / action / "action.yml")["runs"]["steps"]
    (found,) = [step for step in steps if step.get("name") == title]
    assert isinstance(found, dict)
    return found


def called_step(workflow: Mapping[str, Any], job: str, action: str, title: str) -> dict[str, Any]:
    """Return the step of an action with the inputs that a job of a workflow gives to the action."""
    (call,) = [step for step in workflow["jobs"][job]["steps"] if _calls(step, action)]
    declared = read(ACTIONS / action / "action.yml")["inputs"]
    inputs = {name: each.get("default", "") for name, each in declared.items()} | call.get("with", {})
    assert inputs.keys() == declared.keys()
    step = action_step(action, title)

    def given(match: re.Match[str]) -> str:
        return str(inputs[match[1].removeprefix("inputs.")]) if match[1].startswith("inputs.") else match[0]

    return step | {"env": {name: _EXPRESSION.sub(given, value) for name, value in step["env"].items()}}


def _calls(step: StepFields, action: str) -> bool:
    return str(step.get("uses", "")).partition("@")[0].endswith(f"/.github/actions/{action}")


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; fail after a minute."""
    until = time.monotonic() + _WAIT_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@dataclass
class Runner:
    """A checkout of one commit in its own folder; `values` are those of expressions like `secrets.NAME`."""

    folder: Path
    origin: Path
    values: Mapping[str, str]
    commit: str = ""
    ref: str = "refs/heads/main"
    program: tuple[str, ...] = ("newsletter",)
    forks: ForkServer | None = None
    depth: int = 1

    def __post_init__(self) -> None:
        self.checkout.mkdir(parents=True)
        self.commit = self.commit or repositories.git(self.origin, "rev-parse", "main").strip()
        repositories.git(self.checkout, "init", "-q", "--template=")
        repositories.git(self.checkout, "remote", "add", "origin", str(self.origin))
        repositories.git(
            self.checkout, "fetch", "-q", f"--depth={self.depth}", f"file://{self.origin}", self.commit
        )
        repositories.git(self.checkout, "checkout", "-q", "--detach", self.commit)
        program = self.folder / "bin" / "news"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-m", *self.program])} "$@"\n')
        program.chmod(0o755)

    @property
    def checkout(self) -> Path:
        """Return the folder in which the steps run."""
        return self.folder / "checkout"

    def start(self, step: StepFields) -> "StepProcess":
        """Start a step's script with its shell; its process is the one that GitHub sends signals to."""
        script, output = self.folder / "step.sh", self.folder / "output"
        script.write_text(step["run"] + "\n")
        shell = step.get("shell", "bash -e {0}")
        if shell == "bash":
            shell = "bash --noprofile --norc -eo pipefail {0}"
        environment = self._environment(step.get("env", {}))
        with output.open("wb") as file:
            if self.forks:
                assert step["run"] == COMMAND
                issue = [f"--issue={environment['ISSUE']}"] if environment["ISSUE"] else []
                words = ["-C", environment["FOLDER"], *environment["COMMAND"].split(), *issue]
                command, place = (*self.program, *words), file.fileno()
                fork = self.forks.start(
                    *command, folder=self.checkout, output=place, errors=place, environment=environment
                )
                return StepProcess(fork, output)
            started = subprocess.Popen(
                [script if word == "{0}" else word for word in shlex.split(shell)],
                cwd=self.checkout,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        return StepProcess(started, output)

    def run(self, step: StepFields) -> "StepProcess":
        """Run a step to its end."""
        done = self.start(step)
        done.exit_code()
        return done

    def _environment(self, step: Mapping[str, str]) -> dict[str, str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.folder),
            "RUNNER_TEMP": str(self.folder),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "example/newsletter",
            "GITHUB_RUN_ID": "1",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_REF": self.ref,
            "GITHUB_SHA": self.commit,
            "GITHUB_OUTPUT": str(self.folder / "outputs"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            **{name: _EXPRESSION.sub(self._value, str(value)) for name, value in step.items()},
        }

    def _value(self, expression: re.Match[str]) -> str:
        # A secret or a variable that is not set is an empty text.
        return self.values.get(expression[1], "")


@dataclass
class StepProcess:
    """The process of a step."""

    process: subprocess.Popen[bytes] | Fork
    file: Path

    def exit_code(self) -> int:
        """Wait for the end; return the exit code, negative after a signal."""
        return self.process.wait(_WAIT_SECONDS)

    @property
    def output(self) -> str:
        return self.file.read_text(errors="replace")
