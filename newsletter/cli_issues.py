"""The editor's commands: `news new`, `preview`, `render`, `schema`."""

import gc
from datetime import datetime
from pathlib import Path

import click

from newsletter.names import PREVIEW_PORT


@click.command()
@click.argument("date", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]))
@click.pass_obj
def new(folder: Path, date: datetime) -> None:
    """Start an issue: a commented file to fill in."""
    from newsletter import config, issues

    path = issues.create(config.load(folder).issues, date.date())
    click.echo(f"Wrote {path}. See it as you write: news preview {path.stem}")


@click.command()
def schema() -> None:
    """Print the JSON Schema, for your editor."""
    from newsletter import issues

    click.echo(issues.schema(), nl=False)


@click.command()
@click.argument("issue", required=False)
@click.option(
    "--port",
    default=PREVIEW_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Where to listen on 127.0.0.1.",
)
@click.pass_obj
def preview(folder: Path, issue: str | None, port: int) -> None:
    """Show an issue in the browser, as you write.

    The newest one, unless another is named.
    """
    from newsletter import config
    from newsletter.preview import serve

    if not (folder / config.FILE).exists():
        config.load(folder)  # says that there is no newsletter here
    gc.enable()
    serve(folder, issue, port=port, ready=lambda url: click.echo(f"{url}  (Ctrl-C ends it)"))


@click.command()
@click.argument("issue", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), default="build", show_default=True)
@click.pass_obj
def render(folder: Path, issue: str | None, output: Path) -> None:
    """Write an issue as .html, .txt and .eml.

    The newest one, unless another is named.
    """
    from newsletter import config, export, issues
    from newsletter.render import render as rendered

    newsletter = config.load(folder)
    loaded = issues.load(issues.find(newsletter.issues, issue))
    for path, size in export.write(loaded, rendered(loaded, newsletter.site), newsletter, output):
        click.echo(f"{path}  {size:,} bytes")
