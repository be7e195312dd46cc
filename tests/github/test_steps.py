"""The steps of the actions that send nothing, and the workflows of this repository."""

import json
import os
import shutil
from pathlib import Path

import pytest

from newsletter.starter.github_workflows import workflows
from tests import repositories, runner, samples
from tests.required import need
from tests.runner import Runner

# A program `gh` that prints the ids of comments from a file, as `--jq` chooses them, and records its calls.
FAKE_GH = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$HOME/calls"
case " $* " in *" --input - "*) cat >> "$HOME/body" ;; *) cat "$HOME/ids" ;; esac
"""
# A program `news` that prints its arguments, one in a line.
FAKE_NEWS = '#!/bin/sh\nprintf \'%s\\n\' "$@" "$GITHUB_TOKEN" "$NEWS_STATE_KEY"\n'
COMMENT = runner.called_step(runner.workflow("review.yml"), "comment", "comment", "Write or edit the comment")


@pytest.fixture
def machine(tmp_path: Path) -> Runner:
    repositories.repository(samples.write(tmp_path / "first"))
    repositories.git(tmp_path, "clone", "-q", "--bare", "first", "origin.git")
    return Runner(tmp_path / "runner", tmp_path / "origin.git", {})


def test_this_repository_has_the_workflows_that_init_writes() -> None:
    for path, text in workflows(runner.OWN_WORKFLOWS).items():
        assert (runner.ROOT / path).read_text(encoding="utf-8") == text, "run `make golden`"


@pytest.mark.parametrize("title", ["Run the command", "Finish after a failure"])
@pytest.mark.parametrize(
    ("command", "issue", "arguments"),
    [
        pytest.param("render -o out", "", ["render", "-o", "out"], id="words"),
        pytest.param("check *", "", ["check", "*"], id="star"),
        pytest.param("check $(id);id", "", ["check", "$(id);id"], id="shell"),
        pytest.param("cancel --yes", "2026-05-04", ["cancel", "--yes", "--issue=2026-05-04"], id="issue"),
        pytest.param("cancel", "* --yes $(id)", ["cancel", "--issue=* --yes $(id)"], id="issue-is-one-word"),
    ],
)
def test_the_command_of_the_action(
    command: str, issue: str, arguments: list[str], title: str, machine: Runner
) -> None:
    (machine.folder / "bin" / "news").write_text(FAKE_NEWS)
    machine.values = {
        "inputs.command": command,
        "inputs.issue": issue,
        "inputs.folder": "soup letter",
        "inputs.token": "ghs_example",
        "inputs.state-key": "a key",
    }
    step = runner.action_step("news", title)
    assert step["run"] == runner.COMMAND
    done = machine.run(step)
    assert done.exit_code() == 0
    assert done.output.splitlines() == ["-C", "soup letter", *arguments, "ghs_example", "a key"]


def test_the_action_finds_its_requirements(machine: Runner) -> None:
    step = runner.action_step("news", "Find the cache of pip")
    program = machine.folder / "bin" / "pip"
    program.write_text("#!/bin/sh\necho /cache\n")
    program.chmod(0o755)
    # The expression that chooses the file is not evaluated here.
    place = str(runner.ACTIONS / "news")
    step["env"] = {"REQUIREMENTS": "requirements-review.txt", "GITHUB_ACTION_PATH": place}
    assert machine.run(step).exit_code() == 0
    lines = (machine.folder / "outputs").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines)
    assert Path(found["file"]).samefile(runner.GITHUB / "requirements-review.txt")
    assert len(found["sum"]) == 64 and found["folder"] == "/cache"


def install_gh(machine: Runner, ids: str) -> None:
    (machine.folder / "ids").write_text(ids)
    gh = machine.folder / "bin" / "gh"
    gh.write_text(FAKE_GH)
    gh.chmod(0o755)


@pytest.mark.parametrize(("ids", "method"), [("", "POST"), ("7\n9\n", "PATCH")])
def test_the_comment_is_written_once_and_then_edited(ids: str, method: str, machine: Runner) -> None:
    need(None if shutil.which("jq") else "jq (Debian: apt install jq)")
    install_gh(machine, ids)
    body = '<!-- news-review -->\n`$(id)` says "soup"'
    machine.values = {"needs.review.outputs.comment": body, "github.event.pull_request.number": "5"}
    done = machine.run(COMMENT)
    assert done.exit_code() == 0, done.output
    assert json.loads((machine.folder / "body").read_text()) == {"body": body}
    place = "comments/7" if method == "PATCH" else "5/comments"
    written = (machine.folder / "calls").read_text().splitlines()[-1]
    assert f"--method {method} repos/example/newsletter/issues/{place} --input -" in written


def test_another_text_is_no_comment(machine: Runner) -> None:
    install_gh(machine, ids="")
    machine.values = {"needs.review.outputs.comment": "hello\n<!-- news-review -->"}
    done = machine.run(COMMENT)
    assert done.exit_code() == 1 and "is no review" in done.output
    assert not os.path.exists(machine.folder / "calls")


@pytest.mark.every_case
def test_the_review_of_a_merge(tmp_path: Path) -> None:
    need(None if shutil.which("jq") else "jq (Debian: apt install jq)")
    first = repositories.repository(samples.write(tmp_path / "first"))
    samples.write(first, issue=samples.ISSUE.replace("Leek & potato", "Leek and potato"))
    repositories.commit(first)
    repositories.git(tmp_path, "clone", "-q", "--bare", "first", "origin.git")
    machine = Runner(tmp_path / "runner", tmp_path / "origin.git", {"inputs.folder": "."}, depth=2)
    done = machine.run(runner.action_step("review", "Review the issue"))
    assert done.exit_code() == 0, done.output
    for step in runner.read(runner.ACTIONS / "review" / "action.yml")["runs"]["steps"]:
        if step.get("uses", "").startswith("actions/upload-artifact@"):
            name = Path(step["with"]["path"]).name
            assert name.endswith(".png") or (machine.checkout / "review" / name).exists()
    mail = "https://github.com/example/newsletter/actions/runs/1/artifacts/2"
    machine.values = {"inputs.folder": ".", "steps.mail.outputs.artifact-url": mail}
    assert machine.run(runner.action_step("review", "Write the summary")).exit_code() == 0
    assert mail in (machine.folder / "summary").read_text()
    start, *lines, end = (machine.folder / "outputs").read_text().splitlines()
    assert start == f"comment<<{end}" and len(end) == 32
    assert lines[0] == "<!-- news-review -->" and any(mail in line for line in lines)
