"""Tests that no template can end a command with a traceback, or keep a memory of earlier renderings."""

from pathlib import Path

import pytest

from newsletter.errors import TemplateError
from newsletter.render.pipeline import to_text
from newsletter.render.template_data import TemplateInput
from tests.render import material

MISTAKES = {
    "blocks": "{% for a in [1] %}" * 25 + "{% endfor %}" * 25,
    "indentation": "{% if 1 %}" * 150 + "{% endif %}" * 150,
    "brackets": "{{ " + "1+(" * 150 + "1" + ")" * 150 + " }}",
    "levels": "{{ " + "not " * 5000 + "1 }}",
    "list": "{{ " + "[" * 300 + "]" * 300 + " }}",
    "number": "{{ " + "1" * 5000 + " }}",
    "power": "{{ 10**5000 }}",
    "parameter-twice": "{% macro m(a, a) %}{% endmacro %}",
    "argument-twice": "{{ dict(a=1, a=2) }}",
    "reserved-argument": "{{ dict(__debug__=1) }}",
    "cycler": "{{ cycler() }}",
    "truncate": "{{ 'abc'|truncate(1, leeway=0) }}",
    "long-name": "{% include '" + "a" * 5000 + "' %}",
    "name-with-nul": "{% include 'a\\x00' %}",
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_has_its_file_and_a_line(mistake: str, tmp_path: Path) -> None:
    (tmp_path / "footer.txt.j2").write_text(mistake)
    with pytest.raises(TemplateError) as raised:
        to_text(TemplateInput(material.issue(), material.site(tmp_path)))
    assert raised.value.where == f"{tmp_path}/footer.txt.j2:1"
    assert "include each other" not in raised.value.what


@pytest.mark.parametrize("name", ["self", "[self]", "issue", "issue.date", "5", "none", "true"])
@pytest.mark.parametrize("tag", ["{%% include %s %%}", "{%% import %s as x %%}", "{%% extends %s %%}"])
def test_a_name_that_is_not_text_is_explained(tag: str, name: str, tmp_path: Path) -> None:
    """`{% include self %}` was answered with "0"."""
    (tmp_path / "footer.txt.j2").write_text(tag % name)
    with pytest.raises(TemplateError, match="the name of a template must be text"):
        to_text(TemplateInput(material.issue(), material.site(tmp_path)))


def test_the_line_of_a_mistake_that_python_finds(tmp_path: Path) -> None:
    (tmp_path / "footer.txt.j2").write_text("a\n{{ 1 }}\n\n{{ dict(a=1, a=2) }}\n{{ 2 }}\n")
    with pytest.raises(TemplateError, match=r"footer\.txt\.j2:4: keyword argument repeated: a"):
        to_text(TemplateInput(material.issue(), material.site(tmp_path)))


def test_a_template_cannot_count_how_often_it_is_rendered(tmp_path: Path) -> None:
    (tmp_path / "counter.j2").write_text("{% set ns = namespace(n=0) %}{% set turn = cycler(1, 2) %}")
    count = "{% import 'counter.j2' as c %}{% set ns = c.ns %}{% set ns.n = ns.n + 1 %}"
    (tmp_path / "footer.txt.j2").write_text(count + "{{ ns.n }}, {{ c.turn.next() }}")
    first, second = (to_text(TemplateInput(material.issue(), material.site(tmp_path))) for _ in range(2))
    assert first == second and first.endswith("1, 1\n")
