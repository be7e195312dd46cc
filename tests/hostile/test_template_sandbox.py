"""Tests that a template can read data, and can run no code of ours, of a library or of Python."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest
from jinja2 import Environment, Undefined
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import Context
from markupsafe import Markup

from newsletter.errors import TemplateError
from newsletter.issue.model import IssueFile
from newsletter.render import sandbox, templates
from newsletter.render.commonmark.notes import NotedText, NoteList
from newsletter.render.pipeline import render, to_text
from newsletter.render.template_data import Date, Fields, TemplateInput, template_data
from newsletter.render.template_functions import Function
from tests.render import material

PICKLE = (
    r'issue.stories[0].passages[0].parse_raw("cposix\nsystem\n(S\'touch ran\'\ntR0(S\'text\'\nS\'x\'\nd.", '
    'content_type="pickle", allow_pickle=true)'
)
ATTACKS = {
    "pickle": PICKLE,
    "pickle-by-item": PICKLE.replace(".parse_raw", '["parse_raw"]'),
    "pickle-by-filter": PICKLE.replace(".parse_raw", '|attr("parse_raw")'),
    "parse-file": 'issue.stories[0].parse_file("/etc/passwd")',
    "annotation": "issue.model_fields.subject.from_annotation(\"__import__('os').system('touch ran')\")",
    "eval": "issue.model_fields.subject.apply_typevars_map({}, {}, {})",
    "schema": "issue.model_json_schema()",
    "construct": "issue.stories[0].model_construct(title=1)",
    "copy": "issue.model_copy()",
    "clock": "issue.date.today()",
    "clock-of-week": "issue.week[0].fromtimestamp(0)",
    "locale": 'issue.date.strftime("%c")',
    "path": "issue.path",
    "source": "issue.source",
    "lines": "issue.lines",
    "template-folder": "site.templates",
    "class": "issue.__class__",
    "class-by-item": 'issue["__class__"]',
    "class-by-filter": 'issue|attr("__class__")',
    "class-by-map": '["" ]|map(attribute="__class__")|first|upper',
    "class-by-sort": '[[1], [2]]|sort(attribute="__class__.x")',
    "class-by-group": '([""]|groupby("__class__")|first).grouper|upper',
    "format": '"{0.__class__}".format(issue)',
    "format-map": '"{x.__class__}".format_map({"x": issue})',
    "format-of-markup": '("{0.__class__}"|safe).format(issue)',
    "format-by-filter": '("{0.__class__}"|attr("format"))(issue)',
    "format-by-item": '"{0.__class__}"["format"](issue)',
    "encode": 'issue.subject.encode("idna")',
    "translate": "issue.subject.translate({65: 66})",
    "change-mapping": "labels.update({'reason': ''})",
    "change-by-pop": "labels.pop('reason')",
    "change-list": "[1].append(2)",
    "class-method": "dict.fromkeys([1])",
    "mro": "dict.mro()",
    "environment": "self._TemplateReference__context.environment",
    "globals": "cycler.__init__.__globals__",
    "joiner": "joiner.__init__.__globals__",
    "namespace": "namespace.__init__.__globals__",
    "namespace-object": "namespace(a=1).__class__",
    "loop": "range.__class__",
    "undefined": "missing._fail_with_undefined_error.__globals__",
    "undefined-object": "issue.missing._undefined_obj",
    "generator": '[1]|map("upper")|attr("gi_frame")',
    "call-a-value": "issue()",
}


@pytest.fixture
def newsletter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a newsletter in which the test runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").mkdir()
    return tmp_path


@pytest.mark.parametrize("attack", [pytest.param(attack, id=name) for name, attack in ATTACKS.items()])
@pytest.mark.parametrize("form", ["{{% set _ = {} %}}{{{{ _ }}}}", "{{{{ {} }}}}"], ids=["set", "print"])
def test_an_attack_is_refused_with_its_line(newsletter: Path, attack: str, form: str) -> None:
    (newsletter / "templates" / "footer.txt.j2").write_text("\n" + form.format(attack))
    with pytest.raises(TemplateError) as refused:
        to_text(TemplateInput(material.full_issue(), material.site(newsletter / "templates")))
    (problem,) = refused.value.problems
    assert problem.where == "templates/footer.txt.j2:2"
    assert not (newsletter / "ran").exists()


# A template that keeps one of every kind of object of Jinja2 that templates can have.
KINDS = """
{%- extends "base.j2" -%}{%- block part -%}
{%- import "macros.j2" as module -%}
{%- macro outer() -%}{{ keep(caller) }}{{ caller() }}{%- endmacro -%}
{%- call outer() -%}{%- endcall -%}
{%- for item in [1, 2] recursive -%}{{ keep(loop) if loop.last }}{%- endfor -%}
{{- keep(self) }}{{ keep(self.part) }}{{ keep(super) }}{{ keep(outer) }}{{ keep(module) -}}
{{- keep(module.macro) }}{{ keep(cycler(1)) }}{{ keep(joiner()) }}{{ keep(namespace(mine=1)) -}}
{{- keep(["a"]|groupby(0)|first) }}{{ keep("<b>"|escape) }}{{ keep(range(1)) }}{{ keep({"a": [1]}) -}}
{{- keep(self["part"]) }}{{ keep(super.super) }}{{ keep([1]|map("string")) -}}
{{-  keep([1]) }}{{ keep(1.5) }}{{ keep(none) }}{{ keep(true) }}{{ keep(missing) -}}
{%- endblock -%}
"""


def objects(newsletter: Path) -> Iterator[Any]:
    """Yield what a template is given, and an object of every kind that it can make."""
    site = material.site(newsletter / "templates")
    given = template_data(material.full_issue(), site)
    environment = templates._environment(str(newsletter / "templates"), True, traced=False)
    yield from (*given.values(), *environment.globals.values())
    kept: list[Any] = []

    def keep(value: Any) -> str:
        kept.append(value)
        return ""

    (newsletter / "templates" / "macros.j2").write_text("{% macro macro() %}{% endmacro %}")
    (newsletter / "templates" / "first.j2").write_text("{% block part %}{% endblock %}")
    (newsletter / "templates" / "base.j2").write_text(
        "{% extends 'first.j2' %}{% block part %}{{ super() }}{% endblock %}"
    )
    (newsletter / "templates" / "kinds.j2").write_text(KINDS)
    environment.get_template("kinds.j2").render(given, keep=Function(keep, "keep"))
    assert len(kept) == 23
    yield from kept


def test_exactly_the_listed_attributes_can_be_read(newsletter: Path) -> None:
    environment = templates._environment(str(newsletter / "templates"), True, traced=False)
    waiting, seen, found = list(objects(newsletter)), set(), set()
    kinds = set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, Undefined | Context):
            continue
        seen.add(id(value))
        kinds.add(type(value).__name__)
        if isinstance(value, dict | tuple | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)
        for name in {*dir(value), *dir(type(value)), "__class__", "__globals__", "func_globals", "gi_frame"}:
            for read in (environment.getattr, environment.getitem):
                result = read(value, name)
                if not isinstance(result, Undefined):
                    found.add((type(value).__name__, name))
                    waiting.append(result)
    own = {("TemplateModule", "macro"), ("Namespace", "mine")}
    listed = {(of.__name__, name) for of, names in sandbox.ATTRIBUTES.items() for name in names}
    listed |= {("Fields", name) for name in sandbox.ATTRIBUTES[dict]}
    # Texts with notes are texts for a template: their notes and numbers cannot be read.
    listed |= {(of.__name__, name) for of in (NotedText, NoteList) for name in sandbox.ATTRIBUTES[str]}
    assert found - listed - own == set()
    assert listed - found == {("LoopContext", "nextitem")}  # the kept loop has ended
    assert kinds == KNOWN_KINDS


# The types of all objects that a template can reach.
KNOWN_KINDS = {
    *("NoneType", "bool", "int", "float", "str", "list", "tuple", "dict", "Fields", "Date", "Markup"),
    *("NotedText", "NoteList"),
    *("LoopContext", "Macro", "Block", "TemplateReference", "TemplateModule"),
    *("Cycler", "Joiner", "Namespace", "_GroupTuple", "range", "Function"),
}


ADDRESS = " at 0x"
# Expressions whose text was an address in memory, and so another one in each run.
RANDOM = {
    "condition": '{% if (range|string)[-6] in "02468ace" %}Hello{% endif %}',
    "global": "{{ range }}",
    "class": "{{ joiner }}",
    "method-of-text": '{{ "a".upper }}',
    "method-of-mapping": "{{ issue.get }}",
    "method-of-loop": "{% for x in [1] %}{{ loop.cycle }}{% endfor %}",
    "method-by-map": '{{ ["a"]|map(attribute="upper")|join }}',
    "cycler": "{{ cycler(1) }}",
    "method-of-cycler": "{{ cycler(1).next }}",
    "joiner": "{{ joiner() }}",
    "block": "{% block name %}{{ self.name }}{% endblock %}",
    "parent": '{% extends "base.j2" %}{% block part %}{{ super }}{% endblock %}',
    "in-a-list": "{{ [range] }}",
    "in-a-namespace": "{{ namespace(a=range) }}",
    "joined": '{{ "a" ~ "b".upper }}',
    "formatted": '{{ "%r"|format(range) }}',
    "pretty": "{{ {1: range}|pprint }}",
}

LISTED = sorted({"mine", "macro", "part"}.union(*sandbox.ATTRIBUTES.values()))
# Arguments of filters and tests, each tried with every object; most of them fit only a few.
ARGUMENTS: list[tuple[Any, ...]] = [(), (1,), (2, "x"), ("upper",), ("title",), ("string",), ("defined",)]


def reachable(environment: Environment, values: list[Any]) -> list[Any]:
    """Return the values, their parts, and the listed attributes of all of them."""
    found: dict[int, Any] = {}
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if id(value) in found or isinstance(value, Undefined):
            continue
        found[id(value)] = value
        if isinstance(value, dict | tuple | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)
        waiting.extend(environment.getattr(value, name) for name in LISTED)
    return list(found.values())


def text_of(value: Any) -> str:
    """Return all texts of a value; "" if it has none."""
    texts = []
    for write in (str, repr, "{}".format, pformat):
        with suppress(TypeError, RecursionError, UndefinedError, SecurityError):
            texts.append(write(value))
    return "\n".join(texts)


def test_no_text_holds_an_address(newsletter: Path) -> None:
    environment = templates._environment(str(newsletter / "templates"), True, traced=False)
    context = environment.from_string("").new_context()
    values = reachable(environment, [*objects(newsletter), (1, "a"), [3, 1], "a b", {"b": 1, "a": 2}])
    one_of_each = {type(value): value for value in values}.values()
    calls = [
        *((name, environment.call_filter) for name in environment.filters),
        *((name, environment.call_test) for name in environment.tests),
    ]
    found = {type(value).__name__ for value in values if ADDRESS in text_of(value)}
    for (name, call), value, arguments in product(calls, one_of_each, ARGUMENTS):
        with suppress(*templates._MISTAKES):
            if ADDRESS in text_of(call(name, value, arguments, context=context)):
                found.add(name)
    assert found == set()


@pytest.mark.parametrize("random", [pytest.param(random, id=name) for name, random in RANDOM.items()])
@pytest.mark.parametrize("template", ["footer.txt.j2", "footer.mjml.j2"])
def test_a_template_has_no_random_text(newsletter: Path, template: str, random: str) -> None:
    (newsletter / "templates" / template).write_text("\n" + random)
    (newsletter / "templates" / "base.j2").write_text("{% block part %}{% endblock %}")
    with pytest.raises(TemplateError) as refused:
        render(material.full_issue(), material.site(newsletter / "templates"))
    (problem,) = refused.value.problems
    assert problem.where == f"templates/{template}:2"
    assert "call" in problem.what


def test_filters_return_lists_and_sort_nothing_by_addresses(newsletter: Path) -> None:
    (newsletter / "templates" / "footer.txt.j2").write_text(
        '{{ [1]|map("string") }} {{ [2, 1]|reverse }} {{ "ab"|batch(1) }} {{ [1, 1]|unique }}\n'
        '{{ {("b", 1): 1, (1, "b"): 2}|pprint }}'
    )
    mail = render(material.issue(), material.site(newsletter / "templates"))
    assert mail.text.endswith("\n['1'] [1, 2] [['a'], ['b']] [1]\n{('b', 1): 1, (1, 'b'): 2}\n")


def test_only_plain_values_are_given(newsletter: Path) -> None:
    def kinds(value: Any) -> Iterator[type]:
        yield type(value)
        if isinstance(value, dict):
            yield from (kind for part in (*value, *value.values()) for kind in kinds(part))
        elif isinstance(value, tuple) and not isinstance(value, Date):
            yield from (kind for part in value for kind in kinds(part))

    extra = {"list": ["text", 1, 1.5, True, None, {"deep": ("x",)}]}
    given = template_data(material.full_issue().model_copy(update={"extra": extra}), material.site())
    plain = {dict, Fields, str, int, float, bool, type(None), tuple, Date}
    assert set(kinds(given)) == plain | {NotedText, NoteList}


def test_a_value_of_another_type_is_not_given() -> None:
    with pytest.raises(TypeError, match="templates cannot have a value of the type PosixPath"):
        template_data(material.issue(extra={"path": Path("/")}), material.site())


@pytest.mark.parametrize("name", ["items", "keys", "values", "get", "update"])
def test_a_field_may_have_the_name_of_a_method(newsletter: Path, name: str) -> None:
    (newsletter / "templates" / "footer.txt.j2").write_text(f"{{{{ issue.extra.{name} }}}}")
    issue = material.issue(extra={name: "a field"})
    assert render(issue, material.site(newsletter / "templates")).text.endswith("\na field\n")


def test_a_template_can_do_what_templates_need(newsletter: Path) -> None:
    (newsletter / "templates" / "footer.txt.j2").write_text(
        "{{ issue.date }} {{ issue.date.year }} {{ issue.week[1].day }} {{ site.language.split('-')[0] }}\n"
        "{% for name, value in issue.extra.items() %}{{ name }}={{ value }}{% endfor %}\n"
        "{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m('x') }}{{ cycler('odd', 'even').next() }}"
        "{% set ns = namespace(n=1) %}{% set ns.n = 2 %}{{ ns.n }}{{ '%02d'|format(7) }}\n"
        "{% for group in issue.stories|groupby('title') %}{{ group.grouper|upper }}{% endfor %}"
        "{{ issue.stories|map(attribute='title')|join(', ') }}{{ issue.stories|length }}"
    )
    issue = material.issue(material.story(title="Leek"), extra={"a": 1, "b": "two"})
    mail = render(issue, material.site(newsletter / "templates"))
    # Jinja2 drops the line end after a block.
    assert mail.text.endswith("\n2026-04-27 2026 3 en\na=1b=two<x>odd207\nLEEKLeek1\n")


def test_markup_of_a_filter_stays_markup() -> None:
    environment = templates._environment(None, True, traced=False)
    assert isinstance(environment.getattr(Markup("a b"), "upper")(), Markup)


def test_the_data_has_every_field_of_an_issue() -> None:
    given = template_data(material.full_issue(), material.site())
    assert set(IssueFile.model_fields) < set(given["issue"])
