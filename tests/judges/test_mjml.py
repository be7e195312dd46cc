"""Tests that the table of MJML's attributes is that of npm's mjml."""

import json
import subprocess
from functools import cache

import pytest

from newsletter.render.mjml_reference import COLOURS, EFFECTIVE, IGNORED, type_of
from tests.judges import installed

# Its packages take half a minute to install, and a table changes with a new version only.
pytestmark = pytest.mark.every_case

# An attribute of 4.18 that 5.4 does not have any more.
ONLY_4 = {("mj-hero", "container-background-color")}
# Attributes that MJML takes without listing them.
UNLISTED = {"css-class", "mj-class"}
# Any text for MJML, which knows one value.
NARROWED = {("mj-style", "inline")}


@cache
def npm() -> dict[str, dict[str, str]]:
    """Return the attributes of each component with their types."""
    program = """
        const { components } = require('mjml-preset-core'), table = {};
        for (const component of Object.values(components))
            table[component.componentName] = component.allowedAttributes || {};
        process.stdout.write(JSON.stringify(table));
    """
    table: dict[str, dict[str, str]] = json.loads(node(program))
    return table


def node(program: str) -> str:
    return subprocess.run(
        ["node", "-e", program], cwd=installed.mjml(), capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("tag", sorted(EFFECTIVE.keys() - {"mjml", "mj-all", "mj-class"} | {"mj-raw"}))
def test_each_component_has_the_attributes_of_npm(tag: str) -> None:
    ours = EFFECTIVE.get(tag, frozenset()) | IGNORED.get(tag, frozenset())
    assert {name for name in ours - UNLISTED if (tag, name) not in ONLY_4} == npm()[tag].keys()


def test_components_without_attributes() -> None:
    listed = EFFECTIVE.keys() | IGNORED.keys()
    assert {tag for tag, attributes in npm().items() if attributes} == listed - {"mjml", "mj-all", "mj-class"}


def test_types() -> None:
    for tag, attributes in npm().items():
        for name in EFFECTIVE.get(tag, frozenset()) & attributes.keys():
            if (tag, name) not in NARROWED:
                assert _unordered(type_of(tag, name)) == _unordered(attributes[name]), (tag, name)


def test_colours() -> None:
    program = "process.stdout.write(JSON.stringify(require('mjml-core/lib/types/helpers/colors.js')))"
    assert set(json.loads(node(program))) == COLOURS


def _unordered(kind: str) -> object:
    name, _, options = kind.partition("(")
    return (name, frozenset(options.rstrip(")").split(","))) if name == "enum" else kind
