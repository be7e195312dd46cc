"""`news archive`: build the pages and feeds of the published issues."""

from datetime import UTC, datetime
from pathlib import Path

import click

from newsletter.cli import output, terminal
from newsletter.cli.command import command
from newsletter.cli.output_folder import output_folder, output_option
from newsletter.display import counted, display_path

_FOLDER = Path("site")


@command()
@output_option(_FOLDER, "of the archive")
@click.option("--no-cards", is_flag=True, help="Do not draw card.png, which other sites show beside a link.")
@click.pass_obj
def archive(folder: Path, target: Path | None, no_cards: bool) -> None:
    """Build the web pages and feeds of the published issues.

    Published are issues that were sent, and those that are ready and due and have no error. Only what has
    changed is written, and the page of an issue that is no longer published is deleted. Files that this
    command did not write are kept. Nothing is uploaded, and no web address is requested.
    """
    from newsletter.config import loader
    from newsletter.services.archive import build_archive

    newsletter = loader.load(folder)
    place, root = output_folder(target, _FOLDER, folder)
    built = build_archive(newsletter, place, root, datetime.now(UTC).date(), draw=not no_cards)
    terminal.show_problems([*newsletter.notices, *built.problems])
    written, unchanged, removed = built.changes
    output.echo(
        f"{display_path(place)}/  {counted(built.issues, 'issue')}: {counted(written, 'file')} written, "
        f"{unchanged} unchanged, {removed} deleted"
    )
    left_out = [counted(built.drafts, "draft")] if built.drafts else []
    if built.later:
        left_out.append(f"{built.later} with a later date")
    if left_out:
        output.echo(f"Left out: {', '.join(left_out)}")
