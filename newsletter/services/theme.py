"""Copy the templates of a theme into a newsletter, to be changed there."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from newsletter.config import loader
from newsletter.disk import reading
from newsletter.display import display_path
from newsletter.errors import ConfigError
from newsletter.render.template_files import BUILT_IN, MAX_BYTES, is_built_in, page_templates, theme_templates
from newsletter.render.themes import ThemeName
from newsletter.services.new_files import NewFile, create_or_keep


def eject(folder: Path, name: ThemeName) -> Iterator[NewFile]:
    """Copy every template of a theme into the newsletter's folder; yield each file. None is overwritten.

    Raise ConfigError if the folder has no newsletter, or if its templates are the built-in ones; Unavailable
    if a file cannot be written.
    """
    return _copy(folder, {template: Path(template.name) for template in theme_templates(name)})


def eject_pages(folder: Path) -> Iterator[NewFile]:
    """Copy every template of the web pages, which all themes share. Yield and raise as `eject`."""
    return _copy(folder, {template: template.relative_to(BUILT_IN) for template in page_templates()})


def _copy(folder: Path, templates: Mapping[Path, Path]) -> Iterator[NewFile]:
    """Copy built-in templates to paths in the newsletter's own folder."""
    loader.refuse_missing(folder)
    own = folder / loader.TEMPLATES
    if is_built_in(own):
        what = "this folder is that of the built-in templates"
        raise ConfigError.of(display_path(own), what, f"change the files in {display_path(BUILT_IN)} itself")
    for template, path in templates.items():
        yield create_or_keep(own / path, reading.read(template, MAX_BYTES), root=folder)
