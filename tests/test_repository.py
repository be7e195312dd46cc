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

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PACKAGES = sorted((ROOT / "newsletter").rglob("__init__.py"))


def workflow(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


def test_workflows_are_workflows() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_pinned_and_may_do_little(path: Path) -> None:
    loaded = workflow(path.name)
    assert loaded["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in path.read_text()
    for step in steps(path.name):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + "0" * 40)), step
        assert "${{" not in step.get("run", ""), "a value in a script is run as code: pass it in env"
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


DEFAULT_BRANCH = "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)"
FROM_REQUIREMENTS = (
    "pip install --disable-pip-version-check --require-hashes --only-binary :all: -r .github/requirements.txt"
)
FROM_FOLDER = "pip install --disable-pip-version-check --no-index --no-deps --no-build-isolation ."


NEWS = ("news ", "exec news ")
PROGRAMS = (*NEWS, "echo ", "exit ")


def secret_faults(loaded: dict[str, Any]) -> list[str]:
    """Return the jobs of a workflow that could give a secret away, each with the reason."""
    faults = []
    if "secrets." in str(loaded.get("env")) or "inherit" in str(loaded.get("secrets")):
        faults.append("all jobs: have a secret")
    for name, job in loaded["jobs"].items():
        if "secrets" not in str(job):
            continue
        guard = " ".join(str(job.get("if")).removeprefix("${{").removesuffix("}}").split())
        if DEFAULT_BRANCH not in guard.split(" && ") or "||" in guard:
            faults.append(f"{name}: runs on every branch")
        if not str(job.get("environment", "")).startswith("newsletter"):
            faults.append(f"{name}: takes secrets from the repository")
        if job.get("permissions", loaded.get("permissions")) != {"contents": "read"}:
            faults.append(f"{name}: has more permissions than to read")
        if "secrets" in str(job.get("env")) or "container" in job or "services" in job or "uses" in job:
            faults.append(f"{name}: shows secrets to every step, or runs an image")
        faults += [f"{name}: {fault}" for step in job["steps"] for fault in step_faults(step)]
    return faults


def step_faults(step: dict[str, Any]) -> list[str]:
    uses, run = step.get("uses", "actions/checkout@"), step.get("run", "news --version")
    faults = []
    if not uses.startswith(("actions/checkout@", "actions/setup-python@")):
        faults.append(f"{uses} is not needed")
    for line in run.splitlines():
        if line not in (FROM_REQUIREMENTS, FROM_FOLDER) and not line.startswith(PROGRAMS):
            faults.append(f"runs {line}")
    if "secrets" in step.get("env", {}) or ("secrets." in str(step) and not run.startswith(NEWS)):
        faults.append("gives a secret to another program than news")
    return faults


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_secrets_are_safe_from_other_branches_and_other_programs(path: Path) -> None:
    assert secret_faults(workflow(path.name)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param(f"    if: {DEFAULT_BRANCH}\n", "", "due: runs on every branch", id="guard-of-due"),
        pytest.param(f"&& {DEFAULT_BRANCH}\n", "\n", "send: runs on every branch", id="guard-of-send"),
        pytest.param(
            f"    if: {DEFAULT_BRANCH}\n",
            f"    if: true || {DEFAULT_BRANCH}\n",
            "due: runs on every branch",
            id="guard-or",
        ),
        pytest.param(
            "    environment: newsletter\n", "", "send: takes secrets from the repository", id="environment"
        ),
        pytest.param("--require-hashes ", "", "due: runs pip install", id="hashes"),
        pytest.param("--only-binary :all: ", "", "send: runs pip install", id="source"),
        pytest.param("--no-build-isolation ", "", "due: runs pip install", id="build"),
        pytest.param("--no-deps ", "", "send: runs pip install", id="dependencies"),
        pytest.param(
            "      - id: due\n", "      - run: npm ci\n      - id: due\n", "due: runs npm", id="npm"
        ),
        pytest.param(
            "permissions:\n  contents: read\n",
            "permissions: write-all\n",
            "send: has more permissions than to read",
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
    text = (ROOT / ".github" / "workflows" / "send.yml").read_text(encoding="utf-8")
    assert old in text
    assert fault in "\n".join(secret_faults(yaml.safe_load(text.replace(old, new))))


def test_sending_on_merge() -> None:
    send = workflow("send.yml")
    job = send["jobs"]["send"]
    assert send[True]["push"]["branches"] == ["main"]  # YAML 1.1 reads the key `on` as true
    assert job["concurrency"] == {"group": "send-${{ matrix.issue }}", "cancel-in-progress": False}
    assert job["strategy"]["max-parallel"] == 1
    (last,) = [step for step in job["steps"] if step.get("name") == "Send"]
    # With `exec`, news gets the signal of a run that is cancelled.
    assert last["run"] == 'exec news -v send --ready --issue "$ISSUE" --yes'
    secrets = ("NEWS_DATABASE_URL", "NEWS_SECRET_KEY", "SENDGRID_API_KEY", "SMTP_PASSWORD")
    assert last["env"] == {
        "ISSUE": "${{ matrix.issue }}",
        **{name: f"${{{{ secrets.{name} }}}}" for name in secrets},
        **{name: f"${{{{ vars.{name} }}}}" for name in ("SENDGRID_HOST", "SMTP_HOST")},
        "GITHUB_TOKEN": "${{ github.token }}",
    }


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


def locked() -> dict[str, tuple[str, int]]:
    """Return the version and the number of hashes of each package in .github/requirements.txt."""
    text = (ROOT / ".github" / "requirements.txt").read_text(encoding="utf-8")
    lines = text.replace("\\\n", " ").splitlines()
    pattern = re.compile(r"([\w.-]+)==(\S+)(?: ; [^#]+?)?((?: +--hash=sha256:[0-9a-f]{64})+)")
    matches = [(line, pattern.fullmatch(line)) for line in lines if not line.startswith("#")]
    assert [line for line, match in matches if not match] == []
    found = [match for _, match in matches if match]
    return {canonicalize_name(match[1]): (match[2], match[3].count("sha256")) for match in found}


def test_what_a_send_installs_is_pinned_as_it_is_tested() -> None:
    tested, installed = constraints(), locked()
    assert all(hashes for _, hashes in installed.values())
    assert {name: version for name, (version, _) in installed.items() if tested.get(name) != version} == {}
    parts = requirements()
    needed = {canonicalize_name(each.name) for part in ("build", "news", "postgres") for each in parts[part]}
    assert needed - set(installed) == set()
    assert "//" not in (ROOT / ".github" / "requirements.txt").read_text(encoding="utf-8")


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
    assert {"make test", "make package", "make demo"} <= set((ROOT / ".ci" / "run").read_text().splitlines())


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
