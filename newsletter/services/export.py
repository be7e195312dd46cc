"""Export a rendered issue into files: its HTML, its text, and a complete message to a sample recipient.

`rendered` and `exported` run in a process with limits, and import their modules there. It is a fork: the
system copies each page of memory that it changes, so the process that forks should be small.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.disk import writing
from newsletter.display import display_path
from newsletter.errors import Unavailable

if TYPE_CHECKING:
    from newsletter.config.loader import Newsletter
    from newsletter.issue.model import Issue
    from newsletter.render.model import Rendered


def rendered(newsletter: "Newsletter", path: Path) -> "tuple[Issue, Rendered]":
    """Load and render an issue file. Raise IssueError or TemplateError."""
    from newsletter.issue import files
    from newsletter.render.pipeline import render

    issue = files.load(path, newsletter.folder)
    return issue, render(issue, newsletter.site)


def exported(folder: Path, name: str | None = None) -> dict[str, bytes]:
    """Return the files `.html`, `.txt` and `.eml` of the named issue of a newsletter, or of its newest issue.

    An unchanged issue gives the same bytes each time. Raise ConfigError, IssueError or TemplateError.
    """
    from newsletter.config import loader
    from newsletter.issue import files
    from newsletter.mail.sample import sample_message

    newsletter = loader.load(folder, review=True)
    issue, mail = rendered(newsletter, files.find(newsletter.issues, name))
    return {
        f"{issue.name}.html": mail.html.encode(),
        f"{issue.name}.txt": mail.text.encode(),
        f"{issue.name}.eml": sample_message(issue, mail, newsletter),
    }


def write(exported: Mapping[str, bytes], folder: Path, root: Path | None = None) -> Iterator[tuple[str, int]]:
    """Write the files of an issue into a folder; yield each path with its size in bytes.

    Raise Unavailable if a file cannot be written, or if symbolic links lead from `folder` out of `root`.
    """
    for name, content in exported.items():
        path = folder / name
        try:
            writing.write_public(path, content, root=root)
        except OSError as failure:
            fix = "choose another folder: --output FOLDER"
            raise Unavailable.unwritable(path, failure, fix) from failure
        yield display_path(path), len(content)
