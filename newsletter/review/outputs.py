"""Write the files of a review: its Markdown, and the mail as a page, as text, and as pictures."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from newsletter.checks.proof import Proof
from newsletter.disk import reading, writing
from newsletter.disk.failures import cannot_be, read_hint, write_hint
from newsletter.display import display_path
from newsletter.errors import ConfigError, Unavailable
from newsletter.preview import mail_views, screenshots
from newsletter.review import report
from newsletter.review.collect import Review
from newsletter.review.github_run import GithubRun
from newsletter.review.mail_page import mail_page
from newsletter.review.report import MAIL, PICTURES, TEXT, Artifacts

COMMENT, SUMMARY = "comment.md", "summary.md"
FILES = (COMMENT, SUMMARY, MAIL, TEXT, *PICTURES)
_MAX_LINKS_BYTES = 100_000
_ADDRESS = re.compile(r"https?://[\w.:/?&=%~+,;@#-]+", re.ASCII)
_FORM = 'write {"mail.html": "https://…"}, with the names of the files of the review'


def write_review(
    review: Review, run: GithubRun, folder: Path, *, root: Path | None, links: Mapping[str, str] | None
) -> Iterator[Path]:
    """Write the files of a review into a folder; yield the path of each one.

    With `links`, write the Markdown only: the other files exist, and the links lead to them. Raise
    Unavailable if a file cannot be written, or if symbolic links lead from `folder` out of `root`. Without a
    working Chromium there are no pictures, and the Markdown says why.
    """
    artifacts = Artifacts(links or {}, display_path(folder))
    if links is None and review.checked.proof:
        page, text = _mail(review.checked.proof)
        yield from (_write(folder / name, content, root) for name, content in ((MAIL, page), (TEXT, text)))
        taken, why = _take_pictures(review.checked.proof, folder, root)
        yield from taken
        artifacts = Artifacts({}, display_path(folder), why)
    yield _write(folder / SUMMARY, report.summary(review, run, artifacts), root)
    yield _write(folder / COMMENT, report.comment(review, run, artifacts), root)


def read_links(file: Path) -> dict[str, str]:
    """Return the addresses of a JSON file, by the names of the files of a review; an empty one is left out.

    Raise ConfigError if it is no such file.
    """
    shown = display_path(file)
    try:
        loaded = json.loads(reading.read(file, _MAX_LINKS_BYTES))
    except OSError as failure:
        fix = read_hint(failure, "name a JSON file: --links FILE")
        raise ConfigError.of(shown, cannot_be("read", failure), fix) from failure
    except (ValueError, RecursionError) as failure:
        raise ConfigError.of(shown, "this is not valid JSON", _FORM) from failure
    if not isinstance(loaded, dict):
        raise ConfigError.of(shown, "this is no JSON object", _FORM)
    links: dict[str, str] = {}
    for name in FILES:
        if address := loaded.get(name):  # the step of the workflow that uploads a file may have been skipped
            if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
                raise ConfigError.of(shown, f"`{name}` is not a web address", _FORM)
            links[name] = address
    return links


def _mail(proof: Proof) -> tuple[str, str]:
    """Return the mail as a page and as text, with the values of a made-up subscriber."""
    mailing, recipient = mail_views.addressed(proof)
    page = mail_page(mail_views.html_for(mailing, recipient), proof.rendered.subject)
    return page, mail_views.text_for(mailing, recipient)


def _take_pictures(proof: Proof, folder: Path, root: Path | None) -> tuple[list[Path], str]:
    """Take the pictures; return their paths, and the reason if there are none."""
    html = mail_views.html_for(*mail_views.addressed(proof))
    taken: list[Path] = []
    try:
        screenshots.take(html, folder, "", lambda one: taken.append(Path(one.path)), root)
    except Unavailable as failure:
        return taken, str(failure)
    return taken, ""


def _write(path: Path, content: str, root: Path | None) -> Path:
    try:
        writing.write_public(path, content.encode(), root=root)
    except OSError as failure:
        fix = write_hint(failure, "choose another folder: --output FOLDER")
        raise Unavailable(cannot_be("written", failure), fix, where=display_path(path)) from failure
    return path
