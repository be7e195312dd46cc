"""Write the files of a review: its Markdown, and the mail as a page, as text, and as pictures."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from newsletter.checks.proof import Proof
from newsletter.disk import reading, writing
from newsletter.disk.failures import cannot_be, read_hint
from newsletter.display import display_path
from newsletter.errors import ConfigError, Unavailable
from newsletter.preview import local_pictures, mail_views, screenshots
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


@dataclass(frozen=True)
class Written:
    """The files that were written, and the reason if there are no pictures among them."""

    files: Sequence[Path]
    no_pictures: str = ""


def write_review(
    review: Review, run: GithubRun, folder: Path, root: Path | None, links: Mapping[str, str] | None = None
) -> Written:
    """Write the files of a review into a folder.

    With `links`, write the Markdown only: the other files were uploaded, and the links lead to them. Without
    a working Chromium there are no pictures, and the Markdown says why. Raise Unavailable if a file cannot be
    written, or if symbolic links lead from `folder` out of `root`.
    """
    if links is not None:
        no_pictures = "" if PICTURES[0] in links else "the log of the run says why"
        mail = Written([])
    else:
        mail = _write_mail(review.checked.proof, folder, root) if review.checked.proof else Written([])
        no_pictures = mail.no_pictures
    artifacts = Artifacts(links or {}, display_path(folder), no_pictures)
    texts = ((SUMMARY, report.summary), (COMMENT, report.comment))
    markdown = [_write(folder / name, text(review, run, artifacts), root) for name, text in texts]
    return replace(mail, files=[*mail.files, *markdown])


def _write_mail(proof: Proof, folder: Path, root: Path | None) -> Written:
    """Write a mail as a page, as text and as pictures, with the values of a made-up subscriber."""
    mailing, recipient = mail_views.addressed(proof)
    html = local_pictures.embedded(mail_views.html_for(mailing, recipient), proof.newsletter.site)
    files = [
        _write(folder / MAIL, mail_page(html, proof.rendered.subject), root),
        _write(folder / TEXT, mail_views.text_for(mailing, recipient), root),
    ]
    try:
        screenshots.take(html, folder, "", lambda picture: files.append(Path(picture.path)), root)
    except Unavailable as failure:
        return Written(files, str(failure))
    return Written(files)


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


def _write(path: Path, content: str, root: Path | None) -> Path:
    try:
        writing.write_public(path, content.encode(), root=root)
    except OSError as failure:
        fix = "choose another folder: --output FOLDER"
        raise Unavailable.unwritable(path, failure, fix) from failure
    return path
