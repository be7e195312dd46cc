"""Names that were retired do not come back: one word a concept, and the word is the trade's.

Only identifiers and module names are compared, not prose: users go on reading *undo window*.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("newsletter", "tests", "benchmarks", "docs")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def read_names() -> dict[str, set[str]]:
    """Return the names of each list: of modules, of identifiers, and of the definitions of one file."""
    lines = (ROOT / "tests" / "data" / "retired_names.txt").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\n  ", " ")
    lists = (line.partition(": ") for line in text.splitlines())
    return {heading: set(names.split()) for heading, _, names in lists}


NAMES = read_names()
IDENTIFIERS = NAMES["identifiers"]
DEFINITIONS = [heading for heading in NAMES if heading.endswith(".py")]


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.keyword(arg=str(name)):
                yield node.value.lineno, name
            case ast.alias(name=name, asname=alias):
                yield node.lineno, alias or name


def definitions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield functions, classes, fields and constants, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield node.lineno, name
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield node.lineno, name


def retired(path: Path, names: Iterator[tuple[int, str]], forbidden: set[str]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{line}: {name}" for line, name in names if name in forbidden]


def test_no_module_has_a_retired_name() -> None:
    modules = sorted((ROOT / "newsletter").rglob("*.py"))
    assert [str(path.relative_to(ROOT)) for path in modules if path.stem in NAMES["modules"]] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_identifier_has_a_retired_name(folder: str) -> None:
    found = []
    for path in FILES:
        if path.relative_to(ROOT).parts[0] == folder:
            found += retired(path, identifiers(ast.parse(path.read_text(encoding="utf-8"))), IDENTIFIERS)
    assert found == []


@pytest.mark.parametrize("module", DEFINITIONS)
def test_no_definition_has_a_retired_name(module: str) -> None:
    path = ROOT / module
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert retired(path, definitions(tree), NAMES[module]) == []


def test_a_retired_name_is_found() -> None:
    source = (
        "from newsletter.sending import seams\ndef settle(fates=(), *, lane): lane.wishes = aside(drift=1)\n"
    )
    names = {name for _, name in identifiers(ast.parse(source)) if name in IDENTIFIERS}
    assert names == {"seams", "fates", "lane", "wishes", "aside", "drift"}
