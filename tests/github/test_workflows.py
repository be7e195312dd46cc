"""The workflows and actions of this repository: what they may do, and who sees their secrets."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.runner import ACTIONS, COMMAND, GITHUB, ROOT, action_step, read, workflow

WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTION_FILES = sorted(ACTIONS.glob("*/action.yml"))
OWN_ACTIONS = [f"$/.github/actions/{file.parent.name}" for file in ACTION_FILES]
NEWS = "$/.github/actions/news"


def steps(loaded: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of a workflow or of an action."""
    runs = [loaded["runs"]] if "runs" in loaded else loaded["jobs"].values()
    return [step for run in runs for step in run.get("steps", ())]


def name_of(file: Path) -> str:
    return file.stem if file.parent.name == "workflows" else file.parent.name


@pytest.mark.parametrize(
    ("schema", "files"), [("vendor.github-workflows", WORKFLOWS), ("vendor.github-actions", ACTION_FILES)]
)
def test_the_files_fit_their_schema(schema: str, files: list[Path]) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("file", [*WORKFLOWS, *ACTION_FILES], ids=name_of)
def test_every_step_is_pinned_and_runs_no_value(file: Path) -> None:
    for step in steps(read(file)):
        uses = step.get("uses", NEWS)
        assert uses in OWN_ACTIONS or re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", uses), step
        if uses not in OWN_ACTIONS:
            assert re.search(rf"{re.escape(uses)} # v\d+\.\d+\.\d+$", file.read_text(), re.MULTILINE)
        assert "${{" not in step.get("run", ""), "a value in a script is run as code: pass it in env"
        if uses.startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("file", WORKFLOWS, ids=name_of)
def test_a_workflow_may_do_little(file: Path) -> None:
    assert read(file)["permissions"] in ({}, {"contents": "read"})
    assert "pull_request_target" not in file.read_text() and "workflow_run" not in file.read_text()


@pytest.mark.parametrize("file", ACTION_FILES, ids=name_of)
def test_an_action_names_its_shells_and_no_secret(file: Path) -> None:
    for step in steps(read(file)):
        assert ("run" in step) == ("shell" in step)
    assert "secrets" not in str(read(file))
    assert all(each["description"] for each in read(file)["inputs"].values())


def test_the_action_installs_only_what_is_pinned() -> None:
    assert action_step("news", "Install news")["run"].splitlines() == [
        'pip install --disable-pip-version-check --require-hashes --only-binary :all: -r "$REQUIREMENTS"',
        "pip install --disable-pip-version-check --no-index --no-deps --no-build-isolation "
        '"$GITHUB_ACTION_PATH/../../.."',
    ]
    text = (ACTIONS / "news" / "action.yml").read_text(encoding="utf-8")
    files = re.findall(r"'(requirements[\w-]*\.txt)'", text)
    assert files and all((GITHUB / name).exists() for name in files)


def test_only_the_steps_of_the_command_see_secrets() -> None:
    loaded = read(ACTIONS / "news" / "action.yml")
    secrets = {
        name for name in loaded["inputs"] if name.endswith(("key", "key-id", "password", "url", "token"))
    }
    assert len(secrets) == 16
    deploy_key = {"state-deploy-key"}
    for step in steps(loaded):
        seen = {name for name in secrets if f"inputs.{name} }}}}" in str(step)}
        is_command, keeps_key = step.get("run") == COMMAND, step.get("name") == "Keep the deploy key for git"
        assert seen == (secrets - deploy_key if is_command else deploy_key if keeps_key else set())


def test_a_command_that_failed_is_finished_with_the_same_inputs() -> None:
    first, rest = action_step("news", "Run the command"), action_step("news", "Finish after a failure")
    same = ("run", "env", "shell")
    assert [first[key] for key in same] == [rest[key] for key in same]
    assert first["if"] == "inputs.command != ''"
    # A person who cancels a run wants no more mail to be sent.
    assert rest["if"] == "${{ !cancelled() && inputs.finish == 'true' && steps.run.outcome == 'failure' }}"


def test_the_review_of_a_branch_has_no_secret_and_no_write_token() -> None:
    jobs = workflow("review.yml")["jobs"]
    assert "secrets" not in str(jobs) and "token" not in str(jobs["review"])
    assert jobs["review"]["permissions"] == {"contents": "read"}
    writer = jobs["comment"]
    assert writer["permissions"] == {"pull-requests": "write"}
    assert [step["uses"] for step in writer["steps"]] == ["$/.github/actions/comment"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in writer["if"]
    (write,) = steps(read(ACTIONS / "comment" / "action.yml"))
    assert "news " not in write["run"].replace("of news", "") and "uses" not in write
    assert "token" not in str(read(ACTIONS / "review" / "action.yml"))


GUARDS = {
    "cancel": "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)",
    # news itself sends nothing for another branch than the default one.
    "send": "${{ !cancelled() && (needs.pages.result == 'success' || github.event_name != 'push') "
    "&& !github.event.repository.fork }}",
}


def secret_faults(loaded: dict[str, Any]) -> list[str]:
    """Return the jobs of a workflow that could give a secret away, each with the reason."""
    faults = []
    if "secrets." in str(loaded.get("env")) or "inherit" in str(loaded.get("secrets")):
        faults.append("all jobs: have a secret")
    for name, job in loaded["jobs"].items():
        if "secrets" not in str(job):
            continue
        if job.get("if") != GUARDS.get(name):
            faults.append(f"{name}: runs elsewhere too")
        # Where an environment has no secrets, those of the repository are taken.
        if job.get("environment") != "newsletter":
            faults.append(f"{name}: does not ask for the environment")
        if job.get("permissions") != {"contents": "write"} or loaded.get("permissions") != {}:
            faults.append(f"{name}: has other permissions than to save the state")
        if "secrets" in str(job.get("env")) or "container" in job or "services" in job or "uses" in job:
            faults.append(f"{name}: shows secrets to every step, or runs an image")
        faults += [f"{name}: {fault}" for step in job.get("steps", ()) for fault in step_faults(step)]
    return faults


def step_faults(step: dict[str, Any]) -> list[str]:
    uses = step.get("uses", "")
    faults = [] if uses == NEWS or uses.startswith("actions/checkout@") else [f"runs {uses or step['run']}"]
    if "secrets" in str(step.get("env")):
        faults.append("gives a secret to the installation")
    if "secrets" in str(step) and uses != NEWS:
        faults.append("gives a secret to another program than news")
    return faults


@pytest.mark.parametrize("file", WORKFLOWS, ids=name_of)
def test_secrets_are_safe_from_other_programs(file: Path) -> None:
    assert secret_faults(read(file)) == []


CALL = "      - uses: $/.github/actions/news\n"
JOB = "    environment: newsletter\n"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param("!github.event.repository.fork", "true", "send: runs elsewhere too", id="forks"),
        pytest.param(JOB, "", "send: does not ask for the environment", id="environment"),
        pytest.param(CALL, f"      - run: npm ci\n{CALL}", "send: runs npm ci", id="another-program"),
        pytest.param("uses: $/.github", "uses: ./.github", "send: runs ./.github", id="action"),
        pytest.param(
            CALL,
            f"{CALL}        env: {{KEY: '${{{{ secrets.KEY }}}}'}}\n",
            "send: gives a secret to the installation",
            id="secret-for-the-installation",
        ),
        pytest.param(
            "with: {persist-credentials: false}",
            "with: {persist-credentials: false, ssh-key: '${{ secrets.KEY }}'}",
            "send: gives a secret to another program than news",
            id="secret-for-the-checkout",
        ),
        pytest.param(
            "permissions: {}\n",
            "permissions: write-all\n",
            "send: has other permissions than to save the state",
            id="permissions",
        ),
        pytest.param(
            "    uses: $/.github/workflows/pages.yml\n",
            "    uses: $/.github/workflows/pages.yml\n    secrets: inherit\n",
            "pages: shows secrets to every step, or runs an image",
            id="secrets-for-the-archive",
        ),
        pytest.param(
            "jobs:\n",
            "env:\n  KEY: ${{ secrets.KEY }}\njobs:\n",
            "all jobs: have a secret",
            id="secret-for-all",
        ),
        pytest.param(
            JOB,
            f"{JOB}    env:\n      KEY: ${{{{ secrets.KEY }}}}\n",
            "send: shows secrets to every step, or runs an image",
            id="secret-for-the-job",
        ),
    ],
)
def test_an_unsafe_workflow_is_found(old: str, new: str, fault: str) -> None:
    text = (GITHUB / "workflows" / "send.yml").read_text(encoding="utf-8")
    assert old in text
    assert fault in "\n".join(secret_faults(yaml.safe_load(text.replace(old, new))))


def test_sending_on_merge() -> None:
    send = workflow("send.yml")
    triggers = send[True]  # YAML 1.1 reads the key `on` as true
    assert triggers["push"]["branches"] == ["main"]
    assert triggers["schedule"] and "workflow_dispatch" in triggers
    assert send["concurrency"] == {"group": "newsletter", "queue": "max"}
    # One job lists and sends: jobs that are not run again keep their old outputs.
    assert list(send["jobs"]) == ["pages", "send"]
    job = send["jobs"]["send"]
    assert job["timeout-minutes"] < 6 * 60
    inputs = job["steps"][-1]["with"]
    assert inputs["command"] == "-v send --ready --yes" and inputs["finish"] == "true"


def page_faults(send: dict[str, Any], pages: dict[str, Any]) -> list[str]:
    """Return the reasons for which a page could be missing when its mail leaves, or the site be unsafe."""
    call, sender = send["jobs"].get("pages", {}), send["jobs"]["send"]
    build, deploy, verify = (pages["jobs"].get(name, {}) for name in ("build", "deploy", "verify"))
    faults = []
    if call.get("uses") != "$/.github/workflows/pages.yml" or "workflow_call" not in pages[True]:
        faults.append("the send does not publish the archive")
    if sender.get("needs") != "pages":
        faults.append("the send does not wait for the archive")
    if "needs.pages.result == 'success' || github.event_name != 'push'" not in sender["if"]:
        faults.append("the send of a merge does not need the page, or the daily one waits for ever")
    # GitHub cancels a run that waits for a group that it is in itself.
    if pages["concurrency"] != {"group": "pages", "queue": "max"} or "concurrency" in call:
        faults.append("a run that waits is dropped, or two deploys meet")
    # A run fails at its start if a job of the workflow that it calls may do more than the job that calls it.
    wanted = build["permissions"] | deploy["permissions"]
    if call.get("permissions") != wanted or pages["permissions"] != {}:
        faults.append("the permissions of the call are not those of the jobs that it calls")
    if build["permissions"] != {"contents": "read"}:
        faults.append("the job that renders may write")
    if deploy["permissions"] != {"pages": "write", "id-token": "write"} or deploy.get("needs") != "build":
        faults.append("the job that deploys may do more, or less, than that")
    if verify.get("permissions") != {} or verify.get("needs") != ["build", "deploy"]:
        faults.append("nobody looks at the site, or with a permission")
    if {step["uses"].partition("@")[0] for step in deploy["steps"]} != {"actions/deploy-pages"}:
        faults.append("another program sees the token that deploys")
    if "secrets" in str(pages) + str(call):
        faults.append("the archive sees a secret")
    if build.get("if") != "${{ !github.event.repository.fork }}":
        faults.append("a fork publishes")
    (checkout,) = (step["with"] for step in build["steps"] if "checkout@" in step.get("uses", ""))
    if checkout.get("ref") != pages[True]["push"]["branches"][0]:
        faults.append("a run that is run again publishes an old archive")
    return faults


def pages_and_send() -> tuple[str, str]:
    read_text = [
        (GITHUB / "workflows" / name).read_text(encoding="utf-8") for name in ("send.yml", "pages.yml")
    ]
    return read_text[0], read_text[1]


def test_the_archive_is_published_before_the_send() -> None:
    send, pages = (yaml.safe_load(text) for text in pages_and_send())
    assert page_faults(send, pages) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param("    needs: pages\n", "", "does not wait", id="order"),
        pytest.param("needs.pages.result == 'success' || ", "", "does not need the page", id="condition"),
        pytest.param(" || github.event_name != 'push'", "", "waits for ever", id="for-ever"),
        pytest.param("workflows/pages.yml", "workflows/ci.yml", "does not publish", id="another-workflow"),
        pytest.param("  workflow_call:\n", "", "does not publish", id="no-call"),
        pytest.param("group: pages, queue: max", "group: pages", "is dropped", id="queue"),
        pytest.param("group: pages, queue", "group: newsletter, queue", "two deploys meet", id="group"),
        pytest.param(
            "      id-token: write # to prove which branch is deployed\n  send:",
            "  send:",
            "permissions of the call",
            id="permissions-of-the-call",
        ),
        pytest.param(
            "contents: read # to check out", "contents: write # to", "renders may write", id="build"
        ),
        pytest.param("pages: write # to deploy", "contents: write", "deploys may do more", id="deploy"),
        pytest.param(
            "    steps:\n      - id: first\n",
            "    steps:\n      - uses: $/.github/actions/news\n      - id: first\n",
            "another program",
            id="another-program",
        ),
        pytest.param(
            "command: archive",
            "state-key: ${{ secrets.KEY }}\n          command: archive",
            "secret",
            id="secret",
        ),
        pytest.param(
            "    permissions:\n      contents: read # to check out the branch\n      pages",
            "    secrets: inherit\n    permissions:\n      contents: read\n      pages",
            "secret",
            id="inherited-secrets",
        ),
        pytest.param("needs: [build, deploy]", "needs: build", "nobody looks", id="verify"),
        pytest.param("!github.event.repository.fork", "true", "fork publishes", id="fork"),
        pytest.param(', ref: "main"', "", "old archive", id="old-archive"),
    ],
)
def test_a_page_that_could_be_missing_is_found(old: str, new: str, fault: str) -> None:
    texts = pages_and_send()
    assert any(old in text for text in texts)
    send, pages = (yaml.safe_load(text.replace(old, new)) for text in texts)
    assert fault in "\n".join(page_faults(send, pages))


def is_true(condition: str, **values: object) -> bool:
    """Return the value of a condition of a job; `values` are those of the last words of its names."""
    expression = condition.removeprefix("${{").removesuffix("}}").replace("&&", " and ").replace("||", " or ")
    expression = re.sub(r"!(?!=)", " not ", expression).replace("cancelled()", "cancelled")
    names = re.sub(r"(?:\w+\.)+(\w+)", r"\1", expression)
    return bool(eval(names.strip(), {}, values))


@pytest.mark.parametrize(
    ("event", "result", "sends"),
    [
        ("push", "success", True),
        ("push", "failure", False),
        ("push", "cancelled", False),
        ("push", "skipped", False),
        # An issue waits for its page until the next daily run at most.
        ("schedule", "success", True),
        ("schedule", "failure", True),
        ("schedule", "cancelled", True),
        ("workflow_dispatch", "failure", True),
    ],
)
def test_a_merge_sends_only_after_its_page(event: str, result: str, sends: bool) -> None:
    condition = workflow("send.yml")["jobs"]["send"]["if"]
    values = {"event_name": event, "result": result, "fork": False, "cancelled": False}
    assert is_true(condition, **values) is sends
    # A person who cancels the run wants no mail to be sent, and a fork sends none.
    assert not is_true(condition, **values | {"cancelled": True})
    assert not is_true(condition, **values | {"fork": True})


def test_the_archive_is_published_when_it_changes() -> None:
    pages, send = workflow("pages.yml"), workflow("send.yml")
    triggers = pages[True]
    assert list(triggers) == ["push", "schedule", "workflow_dispatch", "workflow_call"]
    # An issue that becomes due has its page before the daily send.
    minute, hour = triggers["schedule"][0]["cron"].split()[:2]
    assert (minute, int(hour) + 1) == ("17", int(send[True]["schedule"][0]["cron"].split()[1]))
    assert set(triggers["push"]["paths"]) == {*send[True]["push"]["paths"], "pictures/**"}
    assert pages["jobs"]["deploy"]["environment"]["name"] == "github-pages"


def test_a_deploy_can_be_run_again() -> None:
    """Artifacts of earlier attempts stay, and deploy-pages refuses two of one name."""
    jobs = workflow("pages.yml")["jobs"]
    name = "github-pages-${{ github.run_attempt }}"
    assert jobs["build"]["outputs"]["artifact"] == name
    assert jobs["build"]["steps"][-1]["with"] == {"name": name, "path": "site"}
    first, second = jobs["deploy"]["steps"]
    assert first["continue-on-error"] is True and second["if"] == "steps.first.outcome == 'failure'"
    for step in (first, second):
        assert step["with"] == {"artifact_name": "${{ needs.build.outputs.artifact }}"}
    # Each of the two gives up after ten minutes.
    assert jobs["deploy"]["timeout-minutes"] > 20


def test_a_send_is_cancelled_beside_the_runs_that_send() -> None:
    cancel = workflow("cancel.yml")
    assert list(cancel[True]) == ["workflow_dispatch"] and "concurrency" not in str(cancel)
    (job,) = cancel["jobs"].values()
    inputs = job["steps"][-1]["with"]
    assert inputs["command"] == "-v cancel --yes" and inputs["issue"] == "${{ inputs.issue }}"


def test_the_workflows_are_linted() -> None:
    lint = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    assert "/zizmor --offline" in lint and "/actionlint " in lint
