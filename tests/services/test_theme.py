"""Copying a theme into a newsletter: every file that it uses, and nothing overwritten."""

from pathlib import Path

import pytest

from newsletter.archive.pages import render_not_found, render_style
from newsletter.archive.sign_up import SignUpWay
from newsletter.config import loader
from newsletter.errors import ConfigError, Unavailable
from newsletter.render import template_files
from newsletter.render.pipeline import render
from newsletter.render.themes import THEMES, ThemeName
from newsletter.services.theme import eject, eject_pages
from tests.render import material

YML = """\
name: The Soup Letter
sender: {name: The Soup Letter, email: soup@example.com}
postal_address: 1 Kitchen Road, Example City
unsubscribe: {url: "https://soup.example.com/leave/{token}"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "newsletter.yml").write_text(YML, encoding="utf-8")
    return tmp_path


def results(folder: Path, name: ThemeName) -> dict[str, str]:
    return {file.path.name: file.result for file in eject(folder, name)}


@pytest.mark.parametrize("name", THEMES)
def test_a_copy_renders_the_same_mail(folder: Path, name: ThemeName) -> None:
    (folder / "newsletter.yml").write_text(f"{YML}theme: {name}\n", encoding="utf-8")
    issue = material.issue()
    before = render(issue, loader.load(folder, {}).site)
    assert set(results(folder, name).values()) == {"written"}
    assert render(issue, loader.load(folder, {}).site) == before
    assert set(results(folder, name).values()) == {"kept"}


def test_the_pages_are_copied_into_folders_of_their_own(folder: Path) -> None:
    site = loader.load(folder, {}).site
    before = render_style(site), render_not_found(site, SignUpWay())
    copied = {file.path.relative_to(folder / "templates").as_posix() for file in eject_pages(folder)}
    assert {"archive/issue.html.j2", "archive/style.css.j2", "web/site.css.j2", "web/lost.html.j2"} <= copied
    assert not [path for path in copied if path.endswith(".mjml.j2")]
    site = loader.load(folder, {}).site
    assert (render_style(site), render_not_found(site, SignUpWay())) == before


def test_a_copy_needs_no_file_of_the_installation(folder: Path) -> None:
    results(folder, "letter")
    copied = {path.name: path.read_bytes() for path in (folder / "templates").iterdir()}
    own = {
        path.name: path.read_bytes()
        for path in (template_files.BUILT_IN / "letter").iterdir()
        if path.is_file()
    }
    assert own.items() <= copied.items()
    assert copied["layout.txt.j2"] == (template_files.BUILT_IN / "layout.txt.j2").read_bytes()


def test_nothing_is_overwritten(folder: Path) -> None:
    own = folder / "templates"
    own.mkdir()
    (own / "story.mjml.j2").write_text("mine", encoding="utf-8")
    (own / "head.mjml.j2").symlink_to(folder / "nowhere")
    found = results(folder, "gazette")
    assert found["story.mjml.j2"] == found["head.mjml.j2"] == "differs"
    assert (own / "story.mjml.j2").read_text(encoding="utf-8") == "mine"
    assert not (folder / "nowhere").exists()


def test_a_folder_without_a_newsletter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no newsletter"):
        results(tmp_path, "letter")
    assert list(tmp_path.iterdir()) == []


def test_the_built_in_templates_are_not_a_place_for_copies(folder: Path) -> None:
    (folder / "templates").symlink_to(template_files.BUILT_IN)
    with pytest.raises(ConfigError, match="is that of the built-in templates"):
        results(folder, "letter")


def test_a_folder_outside_the_newsletter_is_not_written(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (folder / "templates").symlink_to(outside)
    with pytest.raises(Unavailable, match="leads out of the newsletter"):
        results(folder, "letter")
    assert list(outside.iterdir()) == []
