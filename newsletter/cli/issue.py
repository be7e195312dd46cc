"""The editor's commands: `news new`, `preview`, `render`, `schema`."""

import gc
from datetime import datetime
from pathlib import Path

import click

from newsletter.constants import PREVIEW_PORT
from newsletter.display import printable

_DAYS = "2026-05-04, today, tomorrow or monday"


@click.command()
@click.argument("date", metavar="DATE", required=False)
@click.pass_obj
def new(folder: Path, date: str | None) -> None:
    """Start an issue: a commented file to fill in.

    DATE is its day, such as 2026-05-04, or today, tomorrow or monday (the next one).
    """
    from newsletter.config import loader
    from newsletter.issue import skeleton

    if date is None:
        raise click.UsageError(f"name the day of the issue: {_DAYS}")
    try:
        day = skeleton.parse_day(date, datetime.now().date())
    except ValueError as problem:
        raise click.UsageError(f'"{printable(date)}" is no day; write it as {_DAYS}') from problem
    path = skeleton.create(loader.load(folder).issues, day)
    click.echo(f"Wrote {path}. See it as you write: news preview {path.stem}")


@click.command()
def schema() -> None:
    """Print the JSON Schema, for your editor."""
    from newsletter.issue import files

    click.echo(files.schema(), nl=False)


@click.command()
@click.argument("issue", required=False)
@click.option(
    "--port",
    default=PREVIEW_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Where to listen.",
)
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="The address to listen on."
)
@click.option(
    "--screenshot",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write PNGs for desktop and phone, light and dark, instead; needs Chromium.",
)
@click.pass_obj
def preview(folder: Path, issue: str | None, port: int, host: str, screenshot: Path | None) -> None:
    """Show an issue in the browser, as you write.

    The newest one, unless another is named.
    """
    from newsletter.config import loader
    from newsletter.hosts import is_loopback
    from newsletter.preview.launch import serve

    if screenshot is not None:
        _take_pictures(folder, issue, screenshot)
        return
    if not (folder / loader.FILE).exists():
        loader.load(folder)  # says that there is no newsletter here

    def ready(url: str) -> None:
        click.echo(f"{url}  (Ctrl-C ends it)")
        if not is_loopback(host):
            click.secho(f"Whoever reaches {host} can read drafts here.", fg="yellow", err=True)

    gc.enable()
    serve(folder, issue, host=host, port=port, ready=ready)


def _take_pictures(folder: Path, issue: str | None, output: Path) -> None:
    from newsletter.config import loader
    from newsletter.issue import files
    from newsletter.preview import mail_views, screenshots
    from newsletter.services.prepare import proof

    newsletter = loader.load(folder)
    loaded = files.load(files.find(newsletter.issues, issue))
    html = mail_views.html_for(*mail_views.addressed(proof(newsletter, loaded)))

    def told(taken: screenshots.Screenshot) -> None:
        cut = f", the first {taken.cut:,} pixels of the mail" if taken.cut else ""
        click.echo(f"{taken.path}  {taken.size:,} bytes{cut}")

    screenshots.take(html, output, loaded.name, told)


@click.command()
@click.argument("issue", required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), default="build", show_default=True)
@click.pass_obj
def render(folder: Path, issue: str | None, output: Path) -> None:
    """Write an issue as .html, .txt and .eml.

    The newest one, unless another is named.
    """
    from newsletter.config import loader
    from newsletter.issue import files
    from newsletter.render.pipeline import render as rendered
    from newsletter.services import export

    newsletter = loader.load(folder)
    loaded = files.load(files.find(newsletter.issues, issue))
    for path, size in export.write(loaded, rendered(loaded, newsletter.site), newsletter, output):
        click.echo(f"{path}  {size:,} bytes")
