"""The steps that send nothing: those of the action, the date of cancel.yml, and the comment of review.yml."""

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from tests import repositories, runner, samples
from tests.required import need
from tests.runner import ACTION, Runner

# A program `gh` that prints the ids of comments from a file, as `--jq` chooses them, and records its calls.
FAKE_GH = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$HOME/calls"
case " $* " in *" --input - "*) cat >> "$HOME/body" ;; *) cat "$HOME/ids" ;; esac
"""


@pytest.fixture
def machine(tmp_path: Path) -> Runner:
    repositories.repository(samples.write(tmp_path / "first"))
    repositories.git(tmp_path, "clone", "-q", "--bare", "first", "origin.git")
    return Runner(tmp_path / "runner", tmp_path / "origin.git", {})


def action_step(name: str) -> dict[str, object]:
    steps = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]
    (found,) = [step for step in steps if step.get("name") == name]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        pytest.param("render -o out", "render -o out", id="words"),
        pytest.param("check *", "check *", id="star"),
        pytest.param("check $(id);id", "check $(id);id", id="shell"),
    ],
)
def test_the_command_of_the_action(command: str, arguments: str, machine: Runner) -> None:
    program = machine.folder / "bin" / "news"
    program.write_text('#!/bin/sh\necho "$@" with "$GITHUB_TOKEN"\n')
    machine.values = {"inputs.command": command, "inputs.token": "ghs_example"}
    done = machine.run(action_step("Run the command"))
    assert done.exit_code() == 0 and done.output == f"{arguments} with ghs_example\n"


def test_the_action_finds_its_requirements(machine: Runner) -> None:
    step = action_step("Find the cache of pip")
    program = machine.folder / "bin" / "pip"
    program.write_text("#!/bin/sh\necho /cache\n")
    program.chmod(0o755)
    # The expression that chooses the file is not evaluated here.
    step["env"] = {"REQUIREMENTS": "requirements-review.txt", "GITHUB_ACTION_PATH": str(ACTION.parent)}
    assert machine.run(step).exit_code() == 0
    lines = (machine.folder / "outputs").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines)
    assert Path(found["file"]).samefile(runner.GITHUB / "requirements-review.txt")
    assert len(found["sum"]) == 64 and found["folder"] == "/cache"


@pytest.mark.parametrize(
    ("date", "code"),
    [("2026-05-04", 0), ("--help", 1), ("2026-05-04 --yes", 1), ("", 1), ("2026-05-04\nx", 1), ("$(id)", 1)],
)
def test_the_date_of_a_cancel_is_checked(date: str, code: int, machine: Runner) -> None:
    machine.values = {"inputs.issue": date}
    done = machine.run(runner.step("cancel.yml", "cancel", "Check the date"))
    assert done.exit_code() == code
    assert done.output == ("" if code == 0 else "::error::Write the date as 2026-05-04.\n")


@pytest.mark.parametrize(("ids", "method"), [("", "POST"), ("7\n9\n", "PATCH")])
def test_the_comment_is_written_once_and_then_edited(ids: str, method: str, machine: Runner) -> None:
    need(None if shutil.which("jq") else "jq (Debian: apt install jq)")
    (machine.folder / "ids").write_text(ids)
    gh = machine.folder / "bin" / "gh"
    gh.write_text(FAKE_GH)
    gh.chmod(0o755)
    body = '<!-- news-review -->\n`$(id)` says "soup"'
    machine.values = {"needs.review.outputs.comment": body, "github.event.pull_request.number": "5"}
    done = machine.run(runner.step("review.yml", "comment", "Write or edit the comment"))
    assert done.exit_code() == 0, done.output
    assert json.loads((machine.folder / "body").read_text()) == {"body": body}
    place = "comments/7" if method == "PATCH" else "5/comments"
    written = (machine.folder / "calls").read_text().splitlines()[-1]
    assert f"--method {method} repos/example/newsletter/issues/{place} --input -" in written


def test_another_text_is_no_comment(machine: Runner) -> None:
    machine.values = {"needs.review.outputs.comment": "hello\n<!-- news-review -->"}
    done = machine.run(runner.step("review.yml", "comment", "Write or edit the comment"))
    assert done.exit_code() == 1 and "is not a review of news" in done.output
    assert not os.path.exists(machine.folder / "calls")


@pytest.mark.every_case
def test_the_review_of_a_merge(tmp_path: Path) -> None:
    need(None if shutil.which("jq") else "jq (Debian: apt install jq)")
    first = repositories.repository(samples.write(tmp_path / "first"))
    samples.write(first, issue=samples.ISSUE.replace("Leek & potato", "Leek and potato"))
    repositories.commit(first)
    repositories.git(tmp_path, "clone", "-q", "--bare", "first", "origin.git")
    machine = Runner(tmp_path / "runner", tmp_path / "origin.git", {}, depth=2)
    job = runner.workflow("review.yml")["jobs"]["review"]
    (review,) = [step for step in job["steps"] if step.get("id") == "review"]
    machine.values = {"inputs.command": review["with"]["command"]}
    done = machine.run(action_step("Run the command"))
    assert done.exit_code() == 0, done.output
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/upload-artifact@"):
            name = Path(step["with"]["path"]).name
            assert name.endswith(".png") or (machine.checkout / "review" / name).exists()
    mail = "https://github.com/example/newsletter/actions/runs/1/artifacts/2"
    machine.values = {"steps.mail.outputs.artifact-url": mail}
    assert machine.run(runner.step("review.yml", "review", "Write the summary")).exit_code() == 0
    assert mail in (machine.folder / "summary").read_text()
    start, *lines, end = (machine.folder / "outputs").read_text().splitlines()
    assert start == f"comment<<{end}" and len(end) == 32
    assert lines[0] == "<!-- news-review -->" and any(mail in line for line in lines)
