"""Export a rendered issue into files: its HTML, its text, and a complete message to a sample recipient."""

from collections.abc import Iterator
from pathlib import Path

from newsletter.config.loader import Newsletter
from newsletter.disk import writing
from newsletter.disk.failures import cannot_be, write_hint
from newsletter.display import display_path
from newsletter.errors import Unavailable
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.mail.sample import sample_message
from newsletter.render.model import Rendered
from newsletter.render.pipeline import render


def rendered(newsletter: Newsletter, path: Path) -> tuple[Issue, Rendered]:
    """Load and render an issue file. Raise IssueError or TemplateError."""
    issue = files.load(path, newsletter.folder)
    return issue, render(issue, newsletter.site)


def write(
    issue: Issue, rendered: Rendered, newsletter: Newsletter, folder: Path, root: Path | None = None
) -> Iterator[tuple[str, int]]:
    """Write an issue's `.html`, `.txt` and `.eml` files; yield each path with its size in bytes.

    An unchanged issue gives the same bytes each time. Raise Unavailable if a file cannot be written, or if
    symbolic links lead from `folder` out of `root`.
    """
    parts = {
        "html": rendered.html.encode(),
        "txt": rendered.text.encode(),
        "eml": sample_message(issue, rendered, newsletter),
    }
    for suffix, content in parts.items():
        path = folder / f"{issue.name}.{suffix}"
        try:
            writing.write_public(path, content, root=root)
        except OSError as failure:
            what = cannot_be("written", failure)
            fix = write_hint(failure, "choose another folder: --output FOLDER")
            raise Unavailable(what, fix, where=display_path(path)) from failure
        yield display_path(path), len(content)
