"""`news theme …`: the designs of the mail."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from newsletter.cli import output
from newsletter.cli.command import Group
from newsletter.cli.layout import show_command, show_heading
from newsletter.cli.new_files import show_new_files

if TYPE_CHECKING:
    from newsletter.render.themes import ThemeName


@click.group(cls=Group)
def theme() -> None:
    """Show the designs of the mail, or copy one to change it."""


@theme.command(name="list")
@click.pass_obj
def list_themes(folder: Path) -> None:
    """Print the themes, and which of them newsletter.yml chooses.

    The columns are the name, the use, and a description.
    """
    from newsletter.config import loader
    from newsletter.render.themes import THEMES

    chosen = loader.load_file(folder)[0].theme
    for name, one in THEMES.items():
        output.echo_row(name, "in use" if name == chosen else "-", one.description)


@theme.command()
@click.argument("name", metavar="NAME", required=False)
@click.option("--pages", is_flag=True, help="Copy the templates of the web pages, not those of the mail.")
@click.pass_obj
def eject(folder: Path, name: str | None, pages: bool) -> None:
    """Copy the templates of a theme into templates/, to change them.

    A file that exists is kept. Templates in this folder come before those of any theme; delete a copy to use
    the theme's own again.
    """
    from newsletter.config import loader
    from newsletter.render.themes import THEMES
    from newsletter.services import theme as service

    if pages:
        if name is not None:
            raise click.UsageError("all themes share the web pages: write news theme eject --pages")
        show_new_files(service.eject_pages(folder), "differs from the built-in one, and is kept")
        show_heading("NEXT")
        show_command("See each change in the browser, in the view Page", "news preview")
        return
    if name not in THEMES:
        known = ", ".join(THEMES)
        if name is None:
            raise click.UsageError(f"name a theme, one of {known}; or write --pages for the web pages")
        raise click.BadParameter(f"there is no theme {name}; write one of {known}")
    chosen = loader.load_file(folder)[0].theme
    show_new_files(service.eject(folder, cast("ThemeName", name)), "is not the theme's, and is kept")
    show_heading("NEXT")
    if name != chosen:
        show_command("Choose its colours and fonts in newsletter.yml", f"theme: {name}")
    show_command("See each change of a template in the browser", "news preview")
