"""Tests that no mail takes long, or much memory, to be made into a message after it was rendered."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from newsletter.cli.main import main
from newsletter.preview.builder import build
from newsletter.render.part_limits import MAX_PART_BYTES, MAX_PLACEHOLDERS
from tests import samples

PLACEHOLDERS = "more than 1,000 placeholders such as [[name]]"
LARGE = "is larger than 2 MB"
FOOTERS = [
    pytest.param("footer.txt.j2", '{{ "[[name]]" * 200000 }}', PLACEHOLDERS, id="placeholders-in-text"),
    pytest.param("footer.txt.j2", '{{ "[[name]]" * 2000000 }}', LARGE, id="millions-in-text"),
    pytest.param(
        "footer.mjml.j2", '<mj-raw>{{ "[[address]]" * 100000 }}</mj-raw>', PLACEHOLDERS, id="in-html"
    ),
    pytest.param("footer.txt.j2", '{{ "word " * 500000 }}', LARGE, id="text"),
    pytest.param("footer.txt.j2", '{{ "\u00e4" * 1200000 }}', LARGE, id="bytes"),
    pytest.param("footer.mjml.j2", '<mj-raw>{{ "word " * 500000 }}</mj-raw>', LARGE, id="html"),
]


@pytest.fixture
def newsletter(tmp_path: Path) -> Path:
    folder = samples.write(tmp_path)
    (folder / "templates").mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize(("template", "footer", "what"), FOOTERS)
def test_the_preview_has_a_problem_in_place_of_a_huge_mail(
    newsletter: Path, template: str, footer: str, what: str
) -> None:
    (newsletter / "templates" / template).write_text("\n" + footer, encoding="utf-8")
    page = build(newsletter)
    (problem,) = page.problems
    assert what in problem.what and problem.where.endswith(f"templates/{template}:2")
    assert page.proof is None


def test_html_that_grows_when_it_is_compiled_is_not_cut(newsletter: Path) -> None:
    """A mail without its content was the result: libxml2 gives up after 10 MB, and says nothing."""
    pictures = '{% for _ in range(1500) %}<mj-carousel-image src="https://a.example/" />{% endfor %}'
    (newsletter / "templates" / "footer.mjml.j2").write_text(
        f"<mj-section><mj-column><mj-carousel>{pictures}</mj-carousel></mj-column></mj-section>"
    )
    (problem,) = build(newsletter).problems
    assert problem.what == "the HTML part is larger than 2 MB"


def test_render_refuses_a_huge_mail(newsletter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(newsletter)
    (newsletter / "templates" / "footer.txt.j2").write_text('\n{{ "[[name]]" * 200000 }}')
    done = CliRunner().invoke(main, ["render", "-o", "build"])
    assert done.exit_code == 1
    assert "templates/footer.txt.j2:2: " in done.output and PLACEHOLDERS in done.output
    assert not (newsletter / "build").exists()


def test_a_mail_at_the_bounds_is_rendered(newsletter: Path) -> None:
    (newsletter / "templates" / "footer.txt.j2").write_text(
        '{{ "[[name]]" * '
        + str(MAX_PLACEHOLDERS - 10)
        + ' }}{{ "a" * '
        + str(MAX_PART_BYTES - 20_000)
        + " }}"
    )
    page = build(newsletter)
    assert page.problems == () and page.mail
    assert len(page.mail.text) > MAX_PART_BYTES - 20_000
