"""Write a review as Markdown for GitHub: the verdict first, then what the reviewer needs to decide."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from newsletter import __version__
from newsletter.checks import inbox_preview
from newsletter.checks.proof import Proof
from newsletter.review.changes_section import changes_section
from newsletter.review.collect import Review
from newsletter.review.github_run import GithubRun
from newsletter.review.markdown import escape, link, table, trimmed
from newsletter.review.problems_section import further_section, problems_section
from newsletter.review.source_links import SourceLinks
from newsletter.review.verdict import overview, severities, verdict

MARKER = "<!-- news-review"
"""The start of the first line, by which the workflow finds the comment that it wrote before."""
MAX_COMMENT_CHARACTERS = 60_000
"""GitHub refuses a comment of more than 65,536 characters."""
MAX_COMMENT_BYTES = 120_000
"""A variable of the environment has at most 128 KiB; a workflow may pass the comment to a job in one."""
MAX_SUMMARY_BYTES = 1_000_000
"""GitHub refuses a summary of more than 1 MiB."""
MAIL, TEXT = "mail.html", "mail.txt"
PICTURES = ("desktop-light.png", "desktop-dark.png", "phone-light.png", "phone-dark.png")
_NOT_IN_MARKER = re.compile(r"[^A-Za-z0-9_./]")


@dataclass(frozen=True)
class Artifacts:
    """The files of a review that a reader can open.

    `links` are their addresses by name; without any, `folder` is where they are. `no_pictures` is the reason
    if there are no pictures.
    """

    links: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    no_pictures: str = ""


def comment(review: Review, run: GithubRun, artifacts: Artifacts) -> str:
    """Return the review as the text of a comment, of at most MAX_COMMENT_CHARACTERS and MAX_COMMENT_BYTES."""
    whole = link("summary of this run", run.run)
    left_out = f"*The rest is left out here, because it is too long for a comment: see the {whole}.*"
    return _written(review, run, artifacts, left_out, MAX_COMMENT_CHARACTERS, _size_of_comment)


def summary(review: Review, run: GithubRun, artifacts: Artifacts) -> str:
    """Return the review as the text of the summary of a run, of at most MAX_SUMMARY_BYTES."""
    left_out = "*The rest is left out here, because it is too long for a summary.*"
    return _written(review, run, artifacts, left_out, MAX_SUMMARY_BYTES, lambda text: len(text.encode()))


def _written(
    review: Review,
    run: GithubRun,
    artifacts: Artifacts,
    left_out: str,
    size: int,
    measure: Callable[[str], int],
) -> str:
    sources = SourceLinks(run, review.repository.top if review.repository else None)
    fold = not any(severities(checked)["error"] for checked in review.results)
    lines = [
        _marker(review),
        *verdict(review),
        "",
        *overview(review),
        *_inbox(review.checked.proof),
        *problems_section(review, sources),
        *changes_section(review, sources, fold=fold),
        *further_section(review, sources),
    ]
    end = ["", *_artifacts(review, run, artifacts), "", _footer(run)]
    return trimmed(lines, end, size, left_out=left_out, measure=measure)


def _size_of_comment(text: str) -> int:
    """Return the number of characters, or the part of the bytes that counts the same if that is more."""
    share = MAX_COMMENT_BYTES // MAX_COMMENT_CHARACTERS
    return max(len(text), -(-len(text.encode()) // share))


def _marker(review: Review) -> str:
    """Return the first line: the same for each review of a newsletter, and another for another newsletter."""
    folder = _NOT_IN_MARKER.sub("_", review.folder)[:200]
    return f"{MARKER} {folder} -->" if folder else f"{MARKER} -->"


def _inbox(proof: Proof | None) -> list[str]:
    """Return the issue as a row of an inbox, and its subject as a phone cuts it off."""
    if proof is None:
        return []
    subject, preheader = map(inbox_preview.visible_text, (proof.rendered.subject, proof.rendered.preheader))
    sender = escape(inbox_preview.visible_text(proof.newsletter.config.sender.name), 60)
    row = f"**{escape(inbox_preview.cut(subject, inbox_preview.DESKTOP_SUBJECT_COLUMNS))}**"
    if preheader:
        row += f" · {escape(inbox_preview.cut(preheader, inbox_preview.PREVIEW_COLUMNS))}"
    lines = table(("From", "Subject and preheader"), (":--", ":--"), [[f"**{sender}**", row]])
    phone = inbox_preview.cut(subject, inbox_preview.PHONE_SUBJECT_COLUMNS)
    if phone != subject:
        letters = inbox_preview.PHONE_SUBJECT_COLUMNS
        lines += ["", f"On a phone, about {letters} letters: **{escape(phone)}**"]
    return ["", "### In the inbox", "", *lines]


def _artifacts(review: Review, run: GithubRun, artifacts: Artifacts) -> list[str]:
    if review.checked.proof is None:
        return ["The mail cannot be shown before the errors above are corrected."]
    lines = ["### See it", ""]
    if artifacts.links:
        lines.append(_links(artifacts.links))
    elif run.run:
        lines.append(f"The mail, its text and its pictures are the artifacts of [this run]({run.run}).")
    else:
        lines.append(f"The mail, its text and its pictures are in the folder {escape(artifacts.folder)}.")
    if artifacts.no_pictures:
        lines += ["", f"There are no pictures: {escape(artifacts.no_pictures)}."]
    return lines


def _links(links: Mapping[str, str]) -> str:
    """Return the links to those files that have an address."""
    parts = [f"**[Open the mail]({links[MAIL]})**"] if MAIL in links else []
    parts += [f"[as text]({links[TEXT]})"] if TEXT in links else []
    for device in ("desktop", "phone"):
        names = ((scheme, f"{device}-{scheme}.png") for scheme in ("light", "dark"))
        if shown := [f"[{scheme}]({links[name]})" for scheme, name in names if name in links]:
            parts.append(f"{device} {', '.join(shown)}")
    return " · ".join(parts)


def _footer(run: GithubRun) -> str:
    parts = [
        f"news {__version__}",
        *([f"commit {link(f'`{run.sha[:7]}`', run.commit(run.sha))}"] if run.sha else []),
        *([f"[this run]({run.run})"] if run.run else []),
        "no subscriber was read, and nothing was sent",
    ]
    return f"<sub>{' · '.join(parts)}</sub>"
