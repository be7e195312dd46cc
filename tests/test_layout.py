"""The house: imports point down only, and a third-party library lives in one module."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "newsletter"

COMMANDS = ("check", "doctor", "issues", "report", "send", "status", "subscribers", "undo")
# From the top down; what stands in one line may import what stands in the same or a lower one.
FLOORS = [
    {"__main__"},
    {"cli"},
    {f"cli_{name}" for name in COMMANDS} - {"cli_report"},
    {"cli_report"},
    {"terminal", "preview"},
    {"sending", "formats", "doctor"},
    {"undo", "checking"},
    {"preparing", "export", "delivery", "claiming", "clock"},
    {"staging", "flights", "doubts"},
    {"store", "providers"},
    {"seams", "events", "fates", "lanes", "snapshot"},
    {"checks", "specimen", "message", "mime", "secret", "csvfile", "person", "records"},
    {"render", "links"},
    {"issues", "config"},
    {"validation", "environment", "durations"},
    {"yamlfile", "yamlsyntax", "yamlvalues", "address", "pacing"},
    {"models"},
    {"findings"},
    {"asking", "spamassassin", "outcomes", "errors", "shown", "names", "private", "longrun", "__init__"},
]
# Library: the only modules that may import it.
HOMES = {
    "alembic": {"store/migrations"},
    "cssselect2": {"checks/css"},
    "cssutils": {"render/inlining"},
    "dns": {"doctor/resolver"},
    "dotenv": {"environment"},
    "email_validator": {"address"},
    "jinja2": {"render/templates"},
    # Two uses of one parser: MJML is XML, and a mail is HTML.
    "lxml": {"render/structure", "checks/document"},
    "markdown_it": {"render/markdown"},
    "mjml": {"render/mjml"},
    "markupsafe": {"render/templates"},
    "playwright": {"preview/pictures"},
    "premailer": {"render/inlining"},
    # Models are pydantic's, so whoever defines, validates or words them knows it; secrets are its SecretStr.
    "pydantic": {"models", "config", "environment", "validation", "providers"},
    "pydantic_core": {"models", "config", "validation", "person"},
    "python_http_client": {"providers/sendgrid"},
    "requests": {"asking"},
    "rich": {"terminal"},
    "sendgrid": {"providers/sendgrid"},
    "sqlalchemy": {"store"},
    "starlette": {"preview"},
    "tinycss2": {"checks/css"},
    "uvicorn": {"preview"},
    "watchfiles": {"preview"},
    "yaml": {"yamlfile", "yamlsyntax", "yamlvalues"},
    "click": {"terminal", "cli", *(f"cli_{name}" for name in COMMANDS)},
}


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "versions" not in path.parts]


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix().removesuffix("/__init__")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, anywhere in it, but not for types alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            if node.module == "newsletter":
                yield from ((f"newsletter.{alias.name}", node.lineno) for alias in node.names)


def floor(module: str) -> int:
    top = module.split("/")[0]
    return next(number for number, names in enumerate(FLOORS) if top in names)


def upward(path: Path) -> list[str]:
    """The imports of a file that point up."""
    found = []
    for imported, line in imports(path):
        parts = imported.split(".")
        if parts[0] == "newsletter" and len(parts) > 1 and parts[1] in {n for f in FLOORS for n in f}:
            here, there = floor(name(path)), floor(parts[1])
            if there < here:
                found.append(f"{name(path)}:{line} imports {imported}")
    return found


@pytest.mark.parametrize("path", modules(), ids=name)
def test_imports_point_down(path: Path) -> None:
    assert upward(path) == []


def test_every_module_has_a_floor() -> None:
    for path in modules():
        assert floor(name(path)) >= 0


PROTOCOL = (
    "claiming",
    "delivery",
    "doubts",
    "fates",
    "flights",
    "lanes",
    "pacing",
    "seams",
    "staging",
    "undo",
)


@pytest.mark.parametrize("module", PROTOCOL)
def test_the_protocol_knows_no_store_and_no_provider(module: str) -> None:
    known = {imported for imported, _ in imports(PACKAGE / f"{module}.py")}
    assert not [one for one in known if one.startswith(("newsletter.store", "newsletter.providers"))]


@pytest.mark.parametrize("path", modules(), ids=name)
def test_a_library_lives_in_one_place(path: Path) -> None:
    for imported, line in imports(path):
        library, here = imported.split(".")[0], name(path)
        if library in sys.stdlib_module_names or library == "newsletter":
            continue
        homes = HOMES[library]
        at_home = any(here == home or here.startswith(f"{home}/") for home in homes)
        assert at_home, f"{here}:{line} imports {imported}, which belongs into {homes}"


def test_an_import_that_points_up_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    (tmp_path / "models.py").write_text("def late():\n    from newsletter import cli\n")
    assert upward(tmp_path / "models.py") == ["models:2 imports newsletter.cli"]
