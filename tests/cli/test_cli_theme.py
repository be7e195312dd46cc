"""`news theme`: the list of themes, and the report on copied templates."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from newsletter.cli.main import main
from tests.services.test_theme import YML


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("newsletter.yml").write_text(f"{YML}theme: letter\n", encoding="utf-8")


def test_the_list_names_the_theme_in_use() -> None:
    result = CliRunner().invoke(main, ["theme", "list"])
    assert result.exit_code == 0
    rows = [line.split("\t")[:2] for line in result.output.splitlines()]
    assert rows == [["digest", "-"], ["letter", "in use"], ["gazette", "-"]]


def test_eject_says_what_it_wrote_and_what_it_left_alone() -> None:
    Path("templates").mkdir()
    Path("templates/story.mjml.j2").write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(main, ["theme", "eject", "gazette"])
    assert result.exit_code == 0
    assert "written   templates/head.mjml.j2\n" in result.output
    assert "differs   templates/story.mjml.j2\n" in result.output
    assert "templates/story.mjml.j2: warning: is not the theme's, and is kept" in result.output
    assert "theme: gazette" in result.output


def test_an_unknown_theme_is_answered_with_the_known_ones() -> None:
    result = CliRunner().invoke(main, ["theme", "eject", "zebra"])
    assert result.exit_code == 2
    assert "there is no theme zebra; write one of digest, letter, gazette" in result.output
    assert not Path("templates").exists()


def test_the_pages_belong_to_no_theme() -> None:
    result = CliRunner().invoke(main, ["theme", "eject", "--pages"])
    assert result.exit_code == 0
    assert "written   templates/archive/issue.html.j2\n" in result.output
    assert "theme:" not in result.output
    result = CliRunner().invoke(main, ["theme", "eject", "letter", "--pages"])
    assert result.exit_code == 2
    assert "all themes share the web pages: write news theme eject --pages" in result.output


def test_a_theme_must_be_named() -> None:
    result = CliRunner().invoke(main, ["theme", "eject"])
    assert result.exit_code == 2
    assert "name a theme, one of digest, letter, gazette; or write --pages" in result.output
