"""Tests of a newsletter's templates: their order, their data, and the messages about their mistakes."""

import os
import re
from pathlib import Path

import pytest

from newsletter.errors import TemplateError
from newsletter.render.pipeline import render, to_mjml
from newsletter.render.template_data import TemplateInput
from newsletter.render.template_files import BUILT_IN
from newsletter.render.templates import render_template
from tests.render import material
from tests.render.material import Refusal


def test_one_part_overrides_one_part(templates: Path) -> None:
    (templates / "passage.mjml.j2").write_text("<mj-text>{{ passage.heading }}, mine</mj-text>")
    mail = render(material.full_issue(), material.site(templates))
    built_in = render(material.full_issue(), material.site())
    assert "Opening, mine" in mail.html
    assert mail.text == built_in.text
    assert "Bye, mine" in mail.html


def test_without_templates_of_its_own(tmp_path: Path) -> None:
    built_in = render(material.full_issue(), material.site())
    assert render(material.full_issue(), material.site(tmp_path / "nowhere")) == built_in


def test_a_template_that_comes_changes_or_goes_counts_at_once(templates: Path) -> None:
    issue, site, footer = material.issue(), material.site(templates), templates / "footer.txt.j2"
    built_in = render(issue, site)
    footer.write_text("first")
    assert render(issue, site).text.endswith("\nfirst\n")
    footer.write_text("second")
    os.utime(footer, ns=(1, 1))
    assert render(issue, site).text.endswith("\nsecond\n")
    footer.unlink()
    assert render(issue, site) == built_in


def test_free_fields(templates: Path) -> None:
    (templates / "footer.mjml.j2").write_text("<mj-raw>{{ issue.extra.song.title }}</mj-raw>")
    issue = material.issue(extra={"song": {"title": "<Soup> & I"}})
    assert "&lt;Soup&gt; &amp; I" in render(issue, material.site(templates)).html


@pytest.mark.parametrize(
    "rule", [".toc a", ".essay h2", ".topic", ".under", ".caption", ".ink th", ".ad > table"]
)
def test_a_head_without_the_body_has_the_rules_of_every_part(templates: Path, rule: str) -> None:
    given = "{% set sans, serif, start, direction = 'Arial', 'Georgia', 'left', 'ltr' %}"
    (templates / "layout.mjml.j2").write_text(
        given + '<mjml>{% include "head.mjml.j2" %}<mj-body><mj-raw>Hi</mj-raw></mj-body></mjml>'
    )
    assert rule in render(material.issue(), material.site(templates)).html


@pytest.mark.parametrize("theme", ["letter", "gazette"])
def test_a_theme_has_only_files_of_its_own(theme: str) -> None:
    others = {path: path.read_bytes() for path in BUILT_IN.rglob("*.j2") if path.parent.name != theme}
    files = {path.name: path.read_bytes() for path in (BUILT_IN / theme).iterdir() if path.is_file()}
    assert files and not {*files.values()} & {*others.values()}
    assert (BUILT_IN / "open.mjml.j2").exists() and "open.mjml.j2" not in files


@pytest.mark.parametrize("name", sorted(path.name for path in BUILT_IN.glob("*.j2")))
def test_line_ends_and_a_byte_order_mark_change_nothing(templates: Path, name: str) -> None:
    raw = (BUILT_IN / name).read_bytes()
    (templates / name).write_bytes(b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"))
    issue = material.full_issue()
    assert render(issue, material.site(templates)) == render(issue, material.site())


def test_css_that_a_template_wants_inlined(templates: Path) -> None:
    style = """<mj-style inline='inline'> p > b { color: #123456; } a::before { content: "→"; }</mj-style>"""
    body = "<mj-body><mj-raw><p><b>x</b></p></mj-raw></mj-body>"
    (templates / "layout.mjml.j2").write_text(
        f"<mjml><mj-head>{style}</mj-head>{body}</mjml>", encoding="utf-8"
    )
    assert '<b style="color:#123456">x</b>' in render(material.issue(), material.site(templates)).html


def test_rtl() -> None:
    mail = render(material.full_issue(), material.site(language="ar-EG"))
    assert '<html lang="ar-EG" dir="rtl"' in mail.html
    assert set(re.findall(r"<(\w+)[^>]*direction:ltr", mail.html)) == {"pre"}
    assert mail.html.count("text-align:right") > 10


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        pytest.param("x\n{% if %}\n", 2, "Expected an expression", id="syntax"),
        pytest.param("x\n\n{% foo %}", 3, "Encountered unknown tag 'foo'; correct the template", id="tag"),
        pytest.param("\n{% for a in [1] %}\n", 2, "that needs to be closed is 'for'", id="unclosed-for"),
        pytest.param("\n{{ 1|foo }}", 2, "No filter named 'foo'", id="filter"),
        pytest.param("\n\n{{ foo }}", 3, "'foo' is undefined; a template can use", id="undefined"),
        pytest.param("\n{{ issue.titel }}", 2, "Issue has no field 'titel'", id="undefined-field"),
        pytest.param("\n{{ issue.extra.a.b }}", 2, "has no field 'a'", id="undefined-extra"),
        pytest.param('\n{% include "nope.j2" %}', 2, "there is no template nope.j2; correct", id="include"),
        pytest.param('\n{% include "../a.j2" %}', 2, "there is no template ../a.j2", id="include-above"),
        pytest.param('\n{% include "footer.mjml.j2" %}', 2, "include each other in a loop", id="cycle"),
        pytest.param("\n{{ ''.__class__ }}", 2, "'__class__' of 'str' object is unsafe; tem", id="unsafe"),
        pytest.param("\n{{ labels.update(a='b') }}", 2, "Labels has no field 'update'", id="changing"),
        pytest.param("\n\n\n{{ 1/0 }}", 4, "division by zero; correct the expression", id="zero"),
        pytest.param("\n{{ 1 + 'a' }}", 2, "unsupported operand", id="type"),
        pytest.param("\n{% for n in range(9**9) %}{% endfor %}", 2, "Range too big", id="range"),
        pytest.param("\n{{ issue.subject() }}", 2, "not callable", id="call"),
        pytest.param("\n{{ range(3)|random }}", 2, "No filter named 'random'", id="random"),
    ],
)
def test_jinja_mistakes(refusal: Refusal, content: str, line: int, message: str) -> None:
    answer = refusal("footer.mjml.j2", content)
    assert answer.startswith(f"templates/footer.mjml.j2:{line}: ")
    assert message in answer


def test_a_mistake_in_the_text_part(refusal: Refusal) -> None:
    assert refusal("story.txt.j2", "\n{{ foo }}").startswith("templates/story.txt.j2:2: 'foo' is undefined")


def test_a_cycle_of_two(templates: Path, refusal: Refusal) -> None:
    (templates / "a.j2").write_text('{% include "footer.mjml.j2" %}')
    assert "include each other in a loop" in refusal("footer.mjml.j2", '{% include "a.j2" %}')


def test_not_utf8(templates: Path) -> None:
    (templates / "story.mjml.j2").write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(TemplateError, match=r"^templates/story.mjml.j2:2: not UTF-8 text"):
        to_mjml(TemplateInput(material.issue(), material.site(templates)))


def test_a_folder_in_place_of_a_template(templates: Path) -> None:
    (templates / "story.mjml.j2").mkdir()
    with pytest.raises(TemplateError, match=r"^templates/story.mjml.j2: is a folder, not a regular file"):
        to_mjml(TemplateInput(material.issue(), material.site(templates)))


def test_paths_are_shown_as_one_would_write_them_here(
    refusal: Refusal, templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert refusal("story.txt.j2", "{{ foo }}").startswith(f"{str(templates)[1:]}/story.txt.j2:1: ")


# Each `@` marks a line that must be traced to the template; `p` is another template.
CONSTRUCTS = (
    "text @\n",
    "  {% if issue %}\n@{% endif %}\n",
    "@ {% if issue -%}\n\n @ {%- endif %}\n",
    "{# a\n b\n c #}\n",
    "{#- a\n b -#}\n\n\n",
    "{% set\n  x = [\n 1,\n 2] %}\n",
    'a @ {{ "x\ny"\n }} b @\n',
    "{{- issue.subject -}}\n\n@\n",
    "{% for n in [1, 2, 3] %}\n  @ {{ n }}\n  @\n{% endfor %}\n",
    "{%- for n in [1, 2] -%}\n @ \n{%- endfor -%}\n",
    "{% raw %}\n@ {{ x }}\n{% endraw %}@\n",
    '{% include "p.mjml.j2" %}\n',
    '@{% include "p.mjml.j2" %}@\n',
    "\n\n",
    "{% set y %}@ caught\n@{% endset %}{{ y }}\n",
    "{% macro m(a) %}\n @ {{ a }}\n{% endmacro %}{{ m(1) }}@\n",
    "@ {%+ if true %} @ {% endif %}@\n",
    "{{ issue.opening[0].text|markdown }}@\n",
)
PART = "{# c\n #}\n@ {% if 1 -%}\n @\n{% endif %}\n@\n{{ issue.subject }} @"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("order", range(20))
def test_output_is_traced_to_the_line_of_its_template(templates: Path, order: int, line_end: str) -> None:
    turned = "".join(CONSTRUCTS[order:] + CONSTRUCTS[:order])
    for name, source in (("main.mjml.j2", turned), ("p.mjml.j2", PART)):
        lines = source.split("\n")
        marked = [line.replace("@", f"«{name}:{n}»") for n, line in enumerate(lines, 1)]
        (templates / name).write_bytes(line_end.join(marked).encode())
    filled = render_template("main.mjml.j2", TemplateInput(material.full_issue(), material.site(templates)))
    marks = list(re.finditer("«(.*?)»", filled.text))
    assert len(marks) > 30
    for mark in marks:
        assert filled.where(mark.start()) == f"templates/{mark[1]}"
