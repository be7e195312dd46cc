"""Attributes of MJML that would silently do nothing: each is refused with its file and line."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from newsletter.cli.main import main
from newsletter.errors import TemplateError
from newsletter.render.pipeline import render
from newsletter.render.template_files import BUILT_IN
from tests.render import material

FOOTER = "<mj-section><mj-column>\n{}\n</mj-column></mj-section>"
BUTTON = '<mj-button href="https://example.com/">Read</mj-button>'


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the templates folder of the newsletter in which the test runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "templates").mkdir()
    return tmp_path / "templates"


def refusal(templates: Path, name: str, content: str) -> str:
    """Return the message about a wrong template."""
    (templates / name).write_text(content, encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        render(material.full_issue(), material.site(templates))
    return str(caught.value.problems[0])


def built_in(name: str, old: str, new: str) -> str:
    """Return a built-in template with a change."""
    content = (BUILT_IN / name).read_text(encoding="utf-8")
    assert old in content
    return content.replace(old, new, 1)


@pytest.mark.parametrize(
    ("inside", "line", "message"),
    [
        pytest.param(
            BUTTON.replace("href", "hrf"),
            2,
            "<mj-button> has no attribute `hrf`; did you mean `href`?",
            id="hrf",
        ),
        pytest.param(
            '<mj-image src="https://example.com/a.png"\n alt="A"\n wdth="9px" />',
            4,
            "<mj-image> has no attribute `wdth`; did you mean `width`?",
            id="wdth-on-its-own-line",
        ),
        pytest.param(
            BUTTON.replace("href", "HREF"), 2, "has no attribute `HREF`; did you mean `href`?", id="case"
        ),
        pytest.param(
            f'{BUTTON}\n<mj-text>a</mj-text><mj-text href="/a">hrf="b"</mj-text>',
            3,
            "<mj-text> has no attribute `href`; delete it",
            id="of-another-component",
        ),
        pytest.param(
            '<mj-text class="ink">a</mj-text>', 2, "no attribute `class`; did you mean `", id="class"
        ),
        pytest.param('<mj-text style="color:red">a</mj-text>', 2, "no attribute `style`; d", id="style"),
        pytest.param('<mj-text data-x="1">a</mj-text>', 2, "no attribute `data-x`; delete it", id="data"),
        pytest.param('<mj-text v:ext="1">a</mj-text>', 2, "no attribute `v:ext`", id="namespace"),
        pytest.param(
            '<mj-text mj-class="mta">a</mj-text>',
            2,
            'no <mj-class name="mta">; did you mean `meta`?',
            id="mj-class",
        ),
        pytest.param(
            '<mj-text mj-class="meta zz">a</mj-text>',
            2,
            'no <mj-class name="zz">; define it in',
            id="second-class",
        ),
        pytest.param(
            '<mj-button title="a" href="/a">a</mj-button>',
            2,
            "`title` of <mj-button> has no effect",
            id="ignored",
        ),
        pytest.param(
            '<mj-text padding="10xp">a</mj-text>',
            2,
            '`padding` of <mj-text> cannot be "10xp"; write a length such as 16px or 50%',
            id="unit",
        ),
        pytest.param(
            '<mj-text padding="1px 1px 1px 1px 1px">a</mj-text>',
            2,
            "`padding` of <mj-text> cannot be",
            id="five-edges",
        ),
        pytest.param(
            '<mj-text font-size="16">a</mj-text>',
            2,
            'cannot be "16"; write a length such as 16px',
            id="no-unit",
        ),
        pytest.param(
            '<mj-text color="#12345">a</mj-text>',
            2,
            'cannot be "#12345"; write a colour such as #',
            id="colour",
        ),
        pytest.param(
            '<mj-text color="blakc">a</mj-text>', 2, 'cannot be "blakc"; write a colour', id="colour-name"
        ),
        pytest.param(
            '<mj-text color="#000;background:url(//x.example)">a</mj-text>',
            2,
            "cannot be",
            id="css-in-a-colour",
        ),
        pytest.param(
            '<mj-text align="centre">a</mj-text>',
            2,
            'cannot be "centre"; write left or center or',
            id="choice",
        ),
        pytest.param('<mj-image fluid-on-mobile="yes" src="/a" />', 2, "write true or false", id="boolean"),
        pytest.param(
            '<mj-table cellpadding="4px"><tr></tr></mj-table>', 2, "write a whole number", id="number"
        ),
        pytest.param(
            '<mj-text align="\u202elft">a</mj-text>', 2, '`align` of <mj-text> cannot be "', id="invisible"
        ),
        pytest.param('<mj-text padding="' + "1px " * 50_000 + '">a</mj-text>', 2, "cannot be", id="long"),
        pytest.param(
            '<mj-text color="rgb(' + "1," * 100_000 + '">a</mj-text>', 2, "cannot be", id="long-colour"
        ),
    ],
)
def test_attributes_without_effect(templates: Path, inside: str, line: int, message: str) -> None:
    answer = refusal(templates, "footer.mjml.j2", FOOTER.replace("{}", inside))
    assert answer.startswith(f"templates/footer.mjml.j2:{line}: ")
    assert message in answer and len(answer) < 250
    assert answer.isprintable()


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        pytest.param(
            "story.mjml.j2",
            ' href="{{ story.link }}" background',
            ' hrf="{{ story.link }}" background',
            "<mj-button> has no attribute `hrf`; did you mean `href`?",
            id="button-in-a-loop",
        ),
        pytest.param(
            "head.mjml.j2",
            "<mj-all font-family",
            "<mj-all font-famly",
            "<mj-all> has no attribute `font-famly`",
            id="mj-all",
        ),
        pytest.param(
            "head.mjml.j2",
            'name="card" back',
            'name="card" bakc',
            "<mj-class> has no attribute `bakcground-color`",
            id="class",
        ),
        pytest.param(
            "head.mjml.j2",
            '<mj-class name="card"',
            '<mj-class nam="card"',
            "<mj-class> has no attribute `nam`; did you mean `name`?",
            id="nameless-class",
        ),
        pytest.param(
            "head.mjml.j2",
            '<mj-section padding="0"',
            '<mj-section mj-class="card" padding="0"',
            "`mj-class` of <mj-section> has no effect inside <mj-attributes>",
            id="class-in-defaults",
        ),
        pytest.param(
            "head.mjml.j2",
            '<mj-section padding="0"',
            '<mj-body width="500px" /><mj-section padding="0"',
            "<mj-body> has no effect inside <mj-attributes>",
            id="body-in-defaults",
        ),
        pytest.param(
            "head.mjml.j2",
            '<mj-column padding="0"',
            '<mj-column pading="0"',
            "<mj-column> has no attribute `pading`; did you mean `padding`?",
            id="defaults",
        ),
        pytest.param(
            "head.mjml.j2",
            '<mj-style inline="inline">',
            '<mj-style inline="yes">',
            '`inline` of <mj-style> cannot be "yes"; write inline',
            id="mj-style",
        ),
        pytest.param(
            "head.mjml.j2",
            '<mj-breakpoint width="480px"',
            '<mj-breakpoint width="480"',
            '`width` of <mj-breakpoint> cannot be "480"',
            id="breakpoint",
        ),
        pytest.param(
            "head.mjml.j2",
            "<mj-title>",
            '<mj-title lang="en">',
            "<mj-title> has no attribute `lang`",
            id="no-attributes",
        ),
        pytest.param(
            "head.mjml.j2",
            "<mj-title>",
            "<mj-html-attributes></mj-html-attributes><mj-title>",
            "<mj-html-attributes> is not supported",
            id="html-attributes",
        ),
        pytest.param(
            "layout.mjml.j2",
            '<mj-body background-color="#f3f1ed"',
            '<mj-body backgroundcolor="#f3f1ed"',
            "<mj-body> has no attribute `backgroundcolor`; did you mean `background-color`?",
            id="body",
        ),
        pytest.param(
            "layout.mjml.j2",
            "<mjml lang",
            "<mjml lnag",
            "<mjml> has no attribute `lnag`; did you mean `lang`?",
            id="mjml",
        ),
    ],
)
def test_attributes_of_the_built_in_templates(
    templates: Path, name: str, old: str, new: str, message: str
) -> None:
    source = built_in(name, old, new)
    line = source.count("\n", 0, source.index(new)) + 1
    assert refusal(templates, name, source).startswith(f"templates/{name}:{line}: {message}")


def test_render_and_check_refuse_a_button_without_its_link(templates: Path) -> None:
    root = templates.parent
    (root / "newsletter.yml").write_text(
        (material.REPOSITORY / "newsletter.yml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (root / "issues").mkdir()
    (root / "issues" / "2026-04-27.yml").write_text(
        material.REAL.read_text(encoding="utf-8"), encoding="utf-8"
    )
    story = built_in("story.mjml.j2", ' href="{{ story.link }}" b', ' hrf="{{ story.link }}" b')
    (templates / "story.mjml.j2").write_text(story, encoding="utf-8")
    for command in (["render"], ["check"], ["check", "--format", "github"]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 1
        assert "story.mjml.j2" in result.output and "has no attribute `hrf`" in result.output


def test_html_is_not_mjml(templates: Path) -> None:
    html = '<a hrf="x" wdth="1" class="ink" mj-class="none">a</a>'
    (templates / "footer.mjml.j2").write_text(
        f"<mj-raw>{html}</mj-raw><mj-section><mj-column><mj-text>{html}</mj-text><mj-button>{html}</mj-button>"
        f'<mj-table><tr><td nowrp="">{html}</td></tr></mj-table></mj-column></mj-section>'
    )
    assert render(material.issue(), material.site(templates)).html.count('hrf="x"') == 4


def test_spaces_around_the_equals_sign_keep_a_style_inline(templates: Path) -> None:
    head = built_in("head.mjml.j2", 'inline="inline"', "inline = 'inline'")
    (templates / "head.mjml.j2").write_text(head, encoding="utf-8")
    issue = material.issue()
    assert render(issue, material.site(templates)) == render(issue, material.site())
