"""The commands for editors: `news new`, `preview`, `render`, `schema`."""

import datetime as dt
import gc
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import command, listen_options
from newsletter.cli.output import Styled
from newsletter.cli.output_folder import output_folder
from newsletter.constants import PREVIEW_PORT
from newsletter.display import counted, shortened

if TYPE_CHECKING:
    from newsletter.config.loader import Newsletter

_BUILD = Path("build")
_DATE_FORMS = "2026-05-04, today, tomorrow or monday"


@command()
@click.argument("date", metavar="DATE", required=False)
@click.option(
    "--markdown/--yaml",
    default=None,
    help="Write Markdown with front matter, or YAML; by default, the format of the newest issue.",
)
@click.option(
    "--from",
    "sources",
    metavar="NAME",
    multiple=True,
    help="Begin with the entries of this source of newsletter.yml, a story each; may be repeated.",
)
@click.option(
    "--week",
    metavar="WEEK",
    help="The week of the entries, such as 2026-W18; by default, the week before that of DATE.",
)
@click.pass_obj
def new(
    folder: Path, date: str | None, markdown: bool | None, sources: Sequence[str], week: str | None
) -> None:
    """Create an issue: a commented file to fill in.

    DATE is the date of the issue, such as 2026-05-04, or today, tomorrow or monday (next Monday).

    With --from, the file has a story for each entry of a source: its title, link and authors, and its text as
    a comment to write from. Only then is the network used.
    """
    from newsletter.config import loader
    from newsletter.issue import skeleton

    if date is None:
        raise click.UsageError(f"name the date of the issue: {_DATE_FORMS}")
    try:
        day = skeleton.parse_day(date, dt.datetime.now().date())
    except ValueError as problem:
        raise click.UsageError(
            f'"{shortened(date, 60)}" is not a date; write it as {_DATE_FORMS}'
        ) from problem
    if week is not None and not sources:
        raise click.UsageError("--week is for the entries of a source: add --from NAME")
    newsletter = loader.load(folder, review=True)
    if sources:
        _begin_from_sources(newsletter, sources, day, markdown, week)
        return
    path = skeleton.create(newsletter.issues, day, markdown=markdown)
    output.echo(f"Wrote {path}. To see it while you write: news preview {path.stem}")


def _begin_from_sources(
    newsletter: "Newsletter", sources: Sequence[str], day: dt.date, markdown: bool | None, week: str | None
) -> None:
    from newsletter.services import new_issue
    from newsletter.sources.window import parse_week

    try:
        chosen = None if week is None else parse_week(week)
    except ValueError as problem:
        what = f'"{shortened(week or "", 60)}" is not a week; write it as 2026-W18'
        raise click.UsageError(what) from problem
    begun = new_issue.create(newsletter, sources, day, markdown=markdown, week=chosen)
    terminal.show_problems(begun.notes)
    stories = counted(begun.stories, "story to write", "stories to write")
    output.echo(
        f"Wrote {begun.path} with {stories}. To see it while you write: news preview {begun.path.stem}"
    )


@command()
def schema() -> None:
    """Print the JSON Schema of an issue, for your editor."""
    from newsletter.issue import files

    output.echo_json(files.schema(), end="")


@command()
@click.argument("issue", required=False)
@listen_options(PREVIEW_PORT)
@click.option(
    "--screenshot",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write PNGs for desktop and phone, light and dark, into this folder, relative to the current one, "
    "and exit; needs Chromium.",
)
@click.pass_obj
def preview(folder: Path, issue: str | None, port: int, host: str, screenshot: Path | None) -> None:
    """Show an issue in the browser while you write.

    Without ISSUE, show the newest issue.
    """
    from newsletter.config import loader
    from newsletter.network.hosts import is_loopback
    from newsletter.preview.launch import serve

    if screenshot is not None:
        _take_screenshots(folder, issue, screenshot)
        return
    loader.refuse_missing(folder)
    if issue is not None:
        _tell_if_missing(folder, issue)
    _settle_state(folder)

    def ready(url: str) -> None:
        output.echo(f"{url}  (Ctrl-C stops it)")
        if not is_loopback(host):
            output.echo(Styled(f"Everyone who can reach {host} can read your drafts.", "yellow"), err=True)

    gc.enable()
    serve(folder, issue, host=host, port=port, ready=ready)


def _tell_if_missing(folder: Path, issue: str) -> None:
    """Show a note if the issue does not exist; the preview starts anyway, and shows it once it is saved."""
    from newsletter.config import loader
    from newsletter.errors import IssueError
    from newsletter.issue import files

    try:
        files.find(folder / loader.ISSUES, issue)
    except IssueError as missing:
        terminal.show_problems(replace(problem, severity="note") for problem in missing.problems)


def _settle_state(folder: Path) -> None:
    """Move the state of an earlier version, and show that; the preview starts even if that is refused."""
    from newsletter.config import loader
    from newsletter.errors import NewsError
    from newsletter.state.location import VARIABLE, locate

    try:
        location = locate(folder, os.environ.get(VARIABLE, ""))
        terminal.show_problems(loader.settle_state(location))
    except NewsError as refused:
        terminal.show_problems(refused.problems)


def _take_screenshots(folder: Path, issue: str | None, target: Path) -> None:
    from newsletter.config import loader
    from newsletter.disk.boundary import root_of
    from newsletter.issue import files
    from newsletter.limits.process import run_limited
    from newsletter.mail.sample import sample_mailing
    from newsletter.preview import local_pictures, mail_views, screenshots
    from newsletter.services.export import rendered

    newsletter = loader.load(folder, review=True)
    loaded, mail = run_limited(rendered, newsletter, files.find(newsletter.issues, issue))
    html = mail_views.html_for(*sample_mailing(loaded, mail, newsletter))
    html = local_pictures.embedded(html, newsletter.site)

    def show(screenshot: screenshots.Screenshot) -> None:
        cut = f", only the first {screenshot.cut:,} pixels of the mail" if screenshot.cut else ""
        output.echo(f"{screenshot.path}  {screenshot.size:,} bytes{cut}")

    screenshots.take(html, target, loaded.name, show, root_of(target, folder))


@command()
@click.argument("issue", required=False)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    show_default=str(_BUILD),
    help="The folder for the files, relative to the current one.",
)
@click.pass_obj
def render(folder: Path, issue: str | None, target: Path | None) -> None:
    """Write an issue as .html, .txt and .eml files.

    Without ISSUE, write the newest issue.
    """
    from newsletter.limits.process import run_limited
    from newsletter.services import export

    exported = run_limited(export.exported, folder, issue)
    for path, size in export.write(exported, *output_folder(target, _BUILD, folder)):
        output.echo(f"{path}  {size:,} bytes")
