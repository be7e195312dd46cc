"""Copy the templates of a theme into a newsletter, to be changed there."""

from collections.abc import Iterator
from pathlib import Path

from newsletter.config import loader
from newsletter.disk import reading
from newsletter.display import display_path
from newsletter.errors import ConfigError
from newsletter.render.template_files import BUILT_IN, MAX_BYTES, is_built_in, page_templates, theme_templates
from newsletter.render.themes import ThemeName
from newsletter.services.new_files import NewFile, create_or_keep


def eject(folder: Path, name: ThemeName, *, pages: bool = False) -> Iterator[NewFile]:
    """Copy every template of a theme into the newsletter's folder; yield each file. None is overwritten.

    With `pages`, copy those of the web pages instead, which all themes share. Raise ConfigError if the folder
    has no newsletter, or if its templates are the built-in ones; Unavailable if a file cannot be written.
    """
    loader.refuse_missing(folder)
    own = folder / loader.TEMPLATES
    if is_built_in(own):
        what = "this folder is that of the built-in templates"
        raise ConfigError.of(display_path(own), what, f"change {display_path(BUILT_IN / name)} itself")
    for template in page_templates() if pages else theme_templates(name):
        path = own / (template.relative_to(BUILT_IN) if pages else template.name)
        yield create_or_keep(path, reading.read(template, MAX_BYTES), root=folder)
