"""The workflows, the make targets and the wheel of the repository; test_documents.py tests the documents."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.runner import ACTION, GITHUB, ROOT, workflow

WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PACKAGES = sorted((ROOT / "newsletter").rglob("__init__.py"))


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


def test_workflows_are_workflows() -> None:
    check_schema("vendor.github-workflows", *WORKFLOWS)
    check_schema("vendor.github-actions", ACTION)


def check_schema(schema: str, *files: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


OWN_ACTION = "$/.github/actions/news"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_pinned_and_may_do_little(path: Path) -> None:
    loaded = workflow(path.name)
    assert loaded["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in path.read_text() and "workflow_run" not in path.read_text()
    for step in steps(path.name):
        assert_pinned(step)
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def assert_pinned(step: dict[str, Any]) -> None:
    uses = step.get("uses", OWN_ACTION)
    assert uses == OWN_ACTION or re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", uses), step
    assert "${{" not in step.get("run", ""), "a value in a script is run as code: pass it in env"


INSTALLS = (
    'pip install --disable-pip-version-check --require-hashes --only-binary :all: -r "$REQUIREMENTS"',
    "pip install --disable-pip-version-check --no-index --no-deps --no-build-isolation "
    '"$GITHUB_ACTION_PATH/../../.."',
)


def test_the_action_installs_only_what_is_pinned() -> None:
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    for step in action["runs"]["steps"]:
        assert_pinned(step)
        assert ("run" in step) == ("shell" in step)
    install, command = action["runs"]["steps"][-2:]
    assert tuple(install["run"].splitlines()) == INSTALLS
    assert command["run"] == "exec news $COMMAND" and command["if"] == "inputs.command != ''"
    assert "secrets" not in str(action["runs"])
    files = re.findall(r"'(requirements[\w-]*\.txt)'", ACTION.read_text(encoding="utf-8"))
    assert files and all((ACTION.parent / ".." / ".." / name).exists() for name in files)


def test_the_review_of_a_branch_has_no_secret_and_no_write_token() -> None:
    jobs = workflow("review.yml")["jobs"]
    assert (
        "secrets" not in str(jobs)
        and "permissions" not in jobs["review"]
        and "token" not in str(jobs["review"])
    )
    writer = jobs["comment"]
    assert writer["permissions"] == {"pull-requests": "write"}
    assert not any(
        "uses" in step or "news " in step["run"].replace("of news", "") for step in writer["steps"]
    )
    assert "github.event.pull_request.head.repo.full_name == github.repository" in writer["if"]


DEFAULT_BRANCH = "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)"
# A scheduled run is always of the default branch, and its event does not name the repository's settings.
GUARDS = (
    DEFAULT_BRANCH,
    f"!github.event.repository.fork && (github.event_name == 'schedule' || {DEFAULT_BRANCH})",
)
CHECKED_DATE = (
    "[[ $ISSUE =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] "
    '|| { echo "::error::Write the date as 2026-05-04."; exit 1; }'
)


def secret_faults(loaded: dict[str, Any]) -> list[str]:
    """Return the jobs of a workflow that could give a secret away, each with the reason."""
    faults = []
    if "secrets." in str(loaded.get("env")) or "inherit" in str(loaded.get("secrets")):
        faults.append("all jobs: have a secret")
    for name, job in loaded["jobs"].items():
        if "secrets" not in str(job):
            continue
        if " ".join(str(job.get("if")).removeprefix("${{").removesuffix("}}").split()) not in GUARDS:
            faults.append(f"{name}: runs on every branch")
        # Where an environment has no secrets, those of the repository are taken.
        if job.get("environment") != "newsletter":
            faults.append(f"{name}: does not ask for the environment")
        if job.get("permissions") != {"contents": "write"} or loaded.get("permissions") != {
            "contents": "read"
        }:
            faults.append(f"{name}: has other permissions than to save the state")
        if "secrets" in str(job.get("env")) or "container" in job or "services" in job or "uses" in job:
            faults.append(f"{name}: shows secrets to every step, or runs an image")
        faults += [f"{name}: {fault}" for step in job["steps"] for fault in step_faults(step)]
    return faults


def step_faults(step: dict[str, Any]) -> list[str]:
    uses, run = step.get("uses", OWN_ACTION), step.get("run", CHECKED_DATE)
    faults = []
    if uses != OWN_ACTION and not uses.startswith("actions/checkout@"):
        faults.append(f"{uses} is not needed")
    is_news = run.startswith("exec news ") and "\n" not in run.strip() and not re.search(r"[|;&<>`(]", run)
    if run != CHECKED_DATE and not is_news:
        faults.append(f"runs {run}")
    if "secrets" in step.get("env", {}) or ("secrets." in str(step) and not is_news):
        faults.append("gives a secret to another program than news")
    return faults


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_secrets_are_safe_from_other_branches_and_other_programs(path: Path) -> None:
    assert secret_faults(workflow(path.name)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param(f"\n      || {DEFAULT_BRANCH}", " || true", "send: runs on every branch", id="guard"),
        pytest.param("!github.event.repository.fork && ", "", "send: runs on every branch", id="forks"),
        pytest.param(
            "    environment: newsletter\n", "", "send: does not ask for the environment", id="environment"
        ),
        pytest.param("run: exec news", "run: news", "send: runs news", id="exec"),
        pytest.param("send --ready --yes", "send --ready --yes | tee log", "send: runs exec news", id="pipe"),
        pytest.param(
            "      - uses: $/",
            "      - run: npm ci\n      - uses: $/",
            "send: runs npm ci",
            id="another-program",
        ),
        pytest.param(
            "uses: $/.github", "uses: ./.github", "send: ./.github/actions/news is not needed", id="action"
        ),
        pytest.param(
            "      - uses: $/.github/actions/news\n",
            "      - uses: $/.github/actions/news\n        env: {KEY: '${{ secrets.KEY }}'}\n",
            "send: gives a secret to another program than news",
            id="secret-for-the-installation",
        ),
        pytest.param(
            "permissions:\n  contents: read\n",
            "permissions: write-all\n",
            "send: has other permissions than to save the state",
            id="permissions",
        ),
        pytest.param(
            "jobs:\n",
            "env:\n  KEY: ${{ secrets.KEY }}\njobs:\n",
            "all jobs: have a secret",
            id="secret-for-all",
        ),
        pytest.param(
            "    environment: newsletter\n",
            "    environment: newsletter\n    env:\n      KEY: ${{ secrets.KEY }}\n",
            "send: shows secrets to every step, or runs an image",
            id="secret-for-the-job",
        ),
    ],
)
def test_an_unsafe_workflow_is_found(old: str, new: str, fault: str) -> None:
    text = (GITHUB / "workflows" / "send.yml").read_text(encoding="utf-8")
    assert old in text
    assert fault in "\n".join(secret_faults(yaml.safe_load(text.replace(old, new))))


SECRETS = ("NEWS_STATE_KEY", "NEWS_DATABASE_URL", "NEWS_SECRET_KEY", "SENDGRID_API_KEY", "SMTP_PASSWORD")
VARIABLES = {
    **{name: f"${{{{ secrets.{name} }}}}" for name in SECRETS},
    **{name: f"${{{{ vars.{name} }}}}" for name in ("SENDGRID_HOST", "SMTP_HOST")},
    "GITHUB_TOKEN": "${{ github.token }}",
}


def test_sending_on_merge() -> None:
    send = workflow("send.yml")
    triggers = send[True]  # YAML 1.1 reads the key `on` as true
    assert (
        triggers["push"]["branches"] == ["main"] and triggers["schedule"] and "workflow_dispatch" in triggers
    )
    assert send["concurrency"] == {"group": "newsletter", "queue": "max"}
    # One job lists and sends: jobs that are not run again keep their old outputs.
    (job,) = send["jobs"].values()
    assert job["timeout-minutes"] < 6 * 60
    first, rest = job["steps"][-2:]
    assert first["run"] == rest["run"] == "exec news -v send --ready --yes"
    assert first["env"] == rest["env"] == VARIABLES


def test_a_send_is_cancelled_beside_the_runs_that_send() -> None:
    cancel = workflow("cancel.yml")
    assert list(cancel[True]) == ["workflow_dispatch"] and "concurrency" not in str(cancel)
    (job,) = cancel["jobs"].values()
    check, *_, last = job["steps"]
    assert check["run"] == CHECKED_DATE and last["run"] == 'exec news -v cancel "$ISSUE" --yes'
    assert last["env"] == {"ISSUE": "${{ inputs.issue }}", **VARIABLES}


def constraints() -> dict[str, str]:
    """Return the version of each package that the tests run with."""
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def requirements() -> dict[str, list[Requirement]]:
    """Return the requirements of each part of pyproject.toml."""
    read = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = {
        "build": read["build-system"]["requires"],
        "news": read["project"]["dependencies"],
        **read["project"]["optional-dependencies"],
    }
    return {part: list(map(Requirement, lines)) for part, lines in parts.items()}


def locked(name: str) -> dict[str, tuple[str, int]]:
    """Return the version and the number of hashes of each package in a file of .github."""
    text = (GITHUB / name).read_text(encoding="utf-8")
    assert "//" not in text
    lines = text.replace("\\\n", " ").splitlines()
    pattern = re.compile(r"([\w.-]+)==(\S+)(?: ; [^#]+?)?((?: +--hash=sha256:[0-9a-f]{64})+)")
    matches = [(line, pattern.fullmatch(line)) for line in lines if not line.startswith("#")]
    assert [line for line, match in matches if not match] == []
    found = [match for _, match in matches if match]
    return {canonicalize_name(match[1]): (match[2], match[3].count("sha256")) for match in found}


@pytest.mark.parametrize(
    ("name", "extras"),
    [("requirements.txt", ["postgres"]), ("requirements-review.txt", ["postgres", "preview"])],
)
def test_what_a_workflow_installs_is_pinned_as_it_is_tested(name: str, extras: list[str]) -> None:
    tested, installed = constraints(), locked(name)
    assert all(hashes for _, hashes in installed.values())
    assert {name: version for name, (version, _) in installed.items() if tested.get(name) != version} == {}
    parts = requirements()
    needed = {canonicalize_name(each.name) for part in ("build", "news", *extras) for each in parts[part]}
    assert needed - set(installed) == set()


@pytest.mark.parametrize("part", requirements())
def test_the_oldest_versions_that_are_allowed_are_those_that_are_tested(part: str) -> None:
    tested = constraints()
    wrong = {
        str(each): tested.get(canonicalize_name(each.name))
        for each in requirements()[part]
        if each.name != "news" and str(each.specifier) != f">={tested.get(canonicalize_name(each.name))}"
    }
    assert wrong == {}


def test_ci_runs_on_the_oldest_and_the_newest_python() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    oldest = re.search(r'requires-python = ">=([\d.]+)"', project)
    assert oldest
    assert workflow("ci.yml")["jobs"]["test"]["strategy"]["matrix"]["python"][0] == oldest[1]
    assert any(".ci/run" in step.get("run", "") for step in steps("ci.yml"))
    made = re.findall(r"^make (.+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert {"demo", "package", "test"} <= {target for line in made for target in line.split()}


def test_the_workflows_are_linted() -> None:
    lint = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    assert "/zizmor --offline" in lint and "/actionlint " in lint


def test_every_case_runs_at_night() -> None:
    nightly = workflow("nightly.yml")
    assert nightly[True]["schedule"]  # YAML 1.1 reads the key `on` as true
    assert any(step.get("run", "").endswith("make test-all") for step in steps("nightly.yml"))
    assert "--every-case" in (ROOT / "Makefile").read_text()


def test_every_library_has_an_import_contract() -> None:
    """import-linter checks only the libraries that a contract names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    protected = {module for contract in contracts for module in contract.get("protected_modules", ())}
    graph = grimp.build_graph("newsletter", include_external_packages=True, cache_dir=None)
    imported = {module.partition(".")[0] for module in graph.modules} - {"newsletter"}
    assert protected == imported - sys.stdlib_module_names


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: path.parent.name)
def test_a_package_holds_only_its_docstring(path: Path) -> None:
    """The import of a module runs the __init__ of its packages, so imports there slow every command."""
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    version = [statement for statement in statements if ast.unparse(statement).startswith("__version__ = ")]
    assert len(statements) - len(version) == 1
    assert not version or path == ROOT / "newsletter" / "__init__.py"
    assert isinstance(statements[0], ast.Expr) and isinstance(statements[0].value, ast.Constant)


def test_the_wheel_carries_templates_and_the_preview_page(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True, check=True
    ).stdout
    for template in (ROOT / "templates").glob("*.j2"):
        assert f"newsletter/templates/{template.name}" in listed
    for page in (ROOT / "newsletter" / "preview" / "page").glob("*"):
        assert f"newsletter/preview/page/{page.name}" in listed
    assert "newsletter/store/migrations/versions/0001" in listed
    assert "tests/" not in listed and "issues/" not in listed


def without_cause(path: Path) -> list[str]:
    """Return each `raise … from None` in a file, except those under a comment `no cause: <reason>`."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    raised = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Raise)]
    hidden = [node for node in raised if isinstance(node.cause, ast.Constant) and node.cause.value is None]
    return [
        f"{path}:{node.lineno}"
        for node in hidden
        if not re.match(r"\s*# no cause: \w", lines[node.lineno - 2])
    ]


def test_errors_keep_their_cause() -> None:
    files = sorted((ROOT / "newsletter").rglob("*.py"))
    assert [location for path in files for location in without_cause(path)] == []


def test_an_error_without_its_cause_is_found(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("try:\n    f()\nexcept OSError:\n    raise ValueError() from None\n")
    assert without_cause(file) == [f"{file}:4"]
