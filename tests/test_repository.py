"""The requirements, the make targets and the wheel of the repository."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.runner import GITHUB, ROOT, workflow

PACKAGES = sorted((ROOT / "newsletter").rglob("__init__.py"))


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job["steps"]]


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
    for template in (ROOT / "templates").rglob("*.j2"):
        assert f"newsletter/{template.relative_to(ROOT).as_posix()}" in listed
    for texts in (ROOT / "newsletter" / "render").glob("*_texts/*"):
        assert texts.relative_to(ROOT).as_posix() in listed
    for page in (ROOT / "newsletter" / "preview" / "page").glob("*"):
        assert f"newsletter/preview/page/{page.name}" in listed
    for text in (ROOT / "newsletter" / "starter").rglob("*.*"):
        assert text.suffix not in (".yml", ".md") or text.relative_to(ROOT).as_posix() in listed
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
