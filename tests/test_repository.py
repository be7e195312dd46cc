"""What the repository promises beside the code: its documents, its workflows, its make targets."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import grimp
import pytest
import yaml

from newsletter.checks.registry import CHECKS
from newsletter.cli.main import main
from newsletter.config.model import Config, Labels

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PACKAGES = sorted((ROOT / "newsletter").rglob("__init__.py"))
DOCUMENTS = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/sending.md"]


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
        assert "${{" not in step.get("run", ""), "a value in a script is code: hand it over in env"
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
    """Importing a module imports its packages too: what they import, every command pays for."""
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    version = [one for one in statements if ast.unparse(one).startswith("__version__ = ")]
    assert len(statements) - len(version) == 1
    assert not version or path == ROOT / "newsletter" / "__init__.py"
    assert isinstance(statements[0], ast.Expr) and isinstance(statements[0].value, ast.Constant)


def commands(group: click.Group, prefix: str = "news") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        found[f"{prefix} {name}"] = command
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix} {name}")
    return found


def mentioned(text: str) -> list[str]:
    """Every `news …` command line in a document's code."""
    code = re.findall(r"```\w*\n(.*?)```|`(news [^`]*)`", text, re.DOTALL)
    lines = [line for block, inline in code for line in (block or inline).splitlines()]
    return [line.partition("#")[0].strip() for line in lines if line.strip().startswith("news ")]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_in_documents_exist_with_their_options(name: str) -> None:
    known = commands(main)
    for line in mentioned((ROOT / name).read_text(encoding="utf-8")):
        words = line.split()
        while len(words) > 1 and words[1].startswith("-"):
            own = next((one for one in main.params if words[1].replace("-vv", "-v") in one.opts), None)
            assert own, f"{line}: no option {words[1]}"
            del words[1 : 2 if isinstance(own, click.Option) and (own.count or own.is_flag) else 3]
        if len(words) < 2 or words[1] == "…":
            continue
        command = known.get(" ".join(words[:3])) or known.get(" ".join(words[:2]))
        assert command, line
        options = {option for parameter in command.params for option in parameter.opts}
        for option in re.findall(r"(?<!\S)--?[a-z][\w-]*", " ".join(words)):
            assert option in options, f"{line}: no option {option}"


def test_the_readme_names_every_command() -> None:
    table = README.partition("## Commands")[2].partition("\n## ")[0]
    for name, command in commands(main).items():
        assert f"| `{name}" in table, f"README does not explain {name}"
        assert command.help


def test_the_readme_has_every_key_of_the_configuration() -> None:
    table = README.partition("## Configuration")[2].partition("\n## ")[0]
    for key in Config.model_fields:
        assert re.search(rf"^\| `{key}\b", table, re.MULTILINE), f"README does not explain {key}"
    for label in Labels.model_fields:
        assert f"\n  {label}: " in table
    for check in CHECKS:
        assert f"`{check}`" in table
    for variable in ("SENDGRID_API_KEY", "SMTP_PASSWORD", "NEWS_SECRET_KEY", "NEWS_DATABASE_URL"):
        assert f"`{variable}`" in table


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_in_documents_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (ROOT / name).parent.joinpath(target).exists(), f"{name}: {target}"


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
    """Each `raise … from None` in a file, except those with a comment `no cause: <reason>` above them."""
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
    assert [found for path in files for found in without_cause(path)] == []


def test_an_error_without_its_cause_is_found(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("try:\n    f()\nexcept OSError:\n    raise ValueError() from None\n")
    assert without_cause(file) == [f"{file}:4"]
