"""`news review`: write the review of an issue for a pull request."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli import output
from newsletter.cli.command import command
from newsletter.cli.output import Styled
from newsletter.cli.output_folder import output_folder, output_option
from newsletter.constants import REFUSED
from newsletter.display import counted, display_path

if TYPE_CHECKING:
    from newsletter.services.check import Checked

_FOLDER = Path("build") / "review"


@command()
@click.argument("issue", required=False)
@click.option("--base", metavar="COMMIT", help="Compare with this commit, such as main or HEAD^.")
@output_option(_FOLDER, "for the files")
@click.option(
    "--links",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the Markdown again, with links to the addresses in this JSON file.",
)
@click.option("--annotations", is_flag=True, help="Print the problems as annotations for GitHub.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 for errors of the issue too.")
@click.pass_obj
def review(
    folder: Path,
    issue: str | None,
    base: str | None,
    target: Path | None,
    links: Path | None,
    annotations: bool,
    exit_zero: bool,
) -> None:
    """Write the review of an issue for a pull request.

    It is Markdown for a comment and for a summary, the mail as HTML and as text, and four pictures. Without
    ISSUE, review the newest issue that differs from the base. Nothing is sent, and no subscriber is read.

    Exit codes: 0 no errors; 1 the issue has errors, and also if the review cannot be written.
    """
    from newsletter.review import collect, outputs
    from newsletter.review.github_run import GithubRun

    addresses = outputs.read_links(links) if links else None
    found = collect.review(folder, issue, base)
    place, root = output_folder(target, _FOLDER, folder)
    written = outputs.write_review(found, GithubRun.of(os.environ), place, root, addresses)
    for path in written.files:
        output.echo(display_path(path))
    if written.no_pictures:
        output.echo(Styled(f"There are no pictures: {written.no_pictures}", "yellow"), err=True)
    failed = [_show(checked) for checked in found.results]
    if annotations:
        _annotate(found.results)
    sys.exit(REFUSED if any(failed) and not exit_zero else 0)


def _show(checked: "Checked") -> bool:
    """Print the number of problems of an issue; return True if there are errors."""
    from newsletter.review.verdict import severities

    counts = severities(checked)
    found = ", ".join(counted(number, severity) for severity, number in counts.items() if number)
    colour = "red" if counts["error"] else None
    output.echo(f"{checked.path}: ", Styled(found or "no problems found", colour))
    return bool(counts["error"])


def _annotate(results: "tuple[Checked, ...]") -> None:
    """Print annotations, the severest first: GitHub shows ten of a step's errors, and ten warnings."""
    from newsletter.cli.check_formats import as_github

    output.echo_commands(as_github(results))
