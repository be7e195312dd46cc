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


def test_sending_on_merge() -> None:
    send = workflow("send.yml")
    job = send["jobs"]["send"]
    assert send[True]["push"]["branches"] == ["main"]  # YAML 1.1 reads the key `on` as true
    assert job["concurrency"] == {"group": "send-${{ matrix.issue }}", "cancel-in-progress": False}
    assert job["strategy"]["max-parallel"] == 1
    (last,) = [step for step in job["steps"] if step.get("name") == "Send"]
    assert last["run"] == 'news -v send --ready --issue "$ISSUE" --yes'
    secrets = {name: f"${{{{ secrets.{name} }}}}" for name in last["env"] if name != "ISSUE"}
    assert last["env"] == {"ISSUE": "${{ matrix.issue }}", **secrets}
    assert {"NEWS_DATABASE_URL", "NEWS_SECRET_KEY", "SENDGRID_API_KEY", "SMTP_PASSWORD"} == set(secrets)


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
