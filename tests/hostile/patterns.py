"""Find the regular expressions of the project in its source, with the ways in which they are used."""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import newsletter

PACKAGE = Path(newsletter.__file__).parent
_FUNCTIONS = ("compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")
_ANCHORED = ("match", "fullmatch")
# The position of the flags in a call of a function of `re`.
_FLAGS_AT = {"compile": 1, "sub": 4, "subn": 4, "split": 3}


@dataclass(frozen=True)
class Pattern:
    """A regular expression in the source; `built` is the name of the function that builds it at run time."""

    where: str
    methods: tuple[str, ...] = ("finditer",)
    source: str | bytes = ""
    flags: int = 0
    built: str = ""


def in_project() -> list[Pattern]:
    """Return every regular expression of the package."""
    trees = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        text = file.read_text(encoding="utf-8")
        if "re." in text:
            trees[".".join(parts).removesuffix(".__init__")] = ast.parse(text)
    uses = _uses(trees)
    return [pattern for module, tree in trees.items() for pattern in in_tree(module, tree, uses)]


def in_tree(module: str, tree: ast.AST, uses: dict[tuple[str, str], set[str]]) -> Iterator[Pattern]:
    """Yield the regular expressions of a module."""
    names = {
        id(node.value): target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for function, node in _calls(tree, ""):
        assert isinstance(node.func, ast.Attribute)
        method = node.func.attr
        if method == "compile":
            methods = uses.get((module, names.get(id(node), "")), {"finditer"})
        else:
            methods = {method}
        methods = {m if m in _ANCHORED else "finditer" for m in methods}
        where = f"{module}:{node.lineno}"
        try:
            source, flags = _evaluated(module, node, method)
        except NameError:
            yield Pattern(where, tuple(sorted(methods)), built=f"{module}.{function}")
        else:
            yield Pattern(where, tuple(sorted(methods)), source, flags)


def _calls(node: ast.AST, function: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of functions of `re`, each with the name of the function around it."""
    if isinstance(node, ast.FunctionDef):
        function = node.name
    if isinstance(node, ast.ImportFrom) and node.module == "re":
        raise AssertionError(f"line {node.lineno}: write `import re`, so that patterns are found")
    if isinstance(node, ast.Import) and any(name.name == "re" and name.asname for name in node.names):
        raise AssertionError(f"line {node.lineno}: write `import re`, so that patterns are found")
    if isinstance(node, ast.Call) and _is_of_re(node.func):
        yield function, node
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, function)


def _is_of_re(function: ast.expr) -> bool:
    is_attribute = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
    return is_attribute and function.value.id == "re" and function.attr in _FUNCTIONS


def _evaluated(module: str, node: ast.Call, method: str) -> tuple[str | bytes, int]:
    """Return the pattern and the flags of a call. Raise NameError if a local variable is in them."""
    given = node.args[_FLAGS_AT.get(method, 2) :] + [k.value for k in node.keywords if k.arg == "flags"]
    names = vars(importlib.import_module(module))
    source, flags = (_value(part, names) if part else 0 for part in (node.args[0], (*given, None)[0]))
    return source, int(flags)


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    return eval(compile(ast.Expression(node), "pattern", "eval"), dict(names))


def _uses(trees: dict[str, ast.Module]) -> dict[tuple[str, str], set[str]]:
    """Return the methods that are called on each name; `finditer` for a name that is used in another way."""
    uses: dict[tuple[str, str], set[str]] = {}
    for module, tree in trees.items():
        nodes = list(ast.walk(tree))
        homes = {
            name.asname or name.name: (node.module, name.name)
            for node in nodes
            if isinstance(node, ast.ImportFrom) and node.module
            for name in node.names
        }
        called = {id(node.value): node.attr for node in nodes if isinstance(node, ast.Attribute)}
        for node in nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                home = homes.get(node.id, (module, node.id))
                uses.setdefault(home, set()).add(called.get(id(node), "finditer"))
    return uses


def patterns_given_to(module: str, function: str) -> list[str]:
    """Return the first argument of each call of a function in its module."""
    file = importlib.import_module(module).__file__ or ""
    names = vars(importlib.import_module(module))
    return [
        _value(node.args[0], names)
        for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
    ]
