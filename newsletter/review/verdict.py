"""Write the verdict of a review, and the table that says when the issue goes out."""

from collections import Counter
from datetime import date

from newsletter.config.loader import Newsletter
from newsletter.constants import CLIPPED_BYTES
from newsletter.display import counted
from newsletter.errors import SEVERITIES
from newsletter.issue.model import Issue
from newsletter.review.collect import Review
from newsletter.review.markdown import escape, table
from newsletter.services.check import Checked

_BAR = 10


def verdict(review: Review) -> list[str]:
    """Return an alert with the verdict on the issues of a review, in one sentence and its consequence."""
    counts = [severities(checked)["error"] for checked in review.results]
    proof = review.checked.proof
    if errors := sum(counts):
        verb = "stops" if errors == 1 else "stop"
        name = _name(review) if counts[0] else "an issue of this branch"
        return _alert(
            "CAUTION",
            f"Not ready: {counted(errors, 'error')} {verb} the send",
            f"Merged like this, {name} would **not** go out. Correct the errors below;"
            " this review follows each push.",
        )
    assert proof
    issue, newsletter = proof.issue, proof.newsletter
    if not issue.ready:
        what = f"Merging sends nothing until {_name(review)} says `ready: true`."
        return _alert("NOTE", "A draft: no errors, and not marked ready", f"{what}{_warnings(review)}")
    if newsletter.config.provider == "outbox":
        what = "The provider of this newsletter is `outbox`, which keeps mail on its machine."
        return _alert("NOTE", "Ready, but merging sends no mail", f"{what}{_warnings(review)}")
    return _alert("TIP", "Ready: merging sends it", f"{_way(issue, newsletter)}{_warnings(review)}")


def overview(review: Review) -> list[str]:
    """Return a table with the day of the send, its undo window, the size of the mail, and the problems."""
    checked = review.checked
    cells = ["unknown", "unknown"]
    if checked.proof:
        cells = [_goes_out(checked.proof.issue), _undo_window(checked.proof.newsletter)]
    heads = ("Goes out", "Undo", "Size", "Problems")
    return table(heads, [":--"] * 4, [[*cells, size(checked.weight), problem_counts(checked)]])


def severities(checked: Checked) -> Counter[str]:
    """Return the number of problems of each severity."""
    return Counter(problem.severity for problem in checked.problems)


def problem_counts(checked: Checked) -> str:
    """Return the number of problems of each severity in words."""
    counts = severities(checked)
    words = [counted(counts[severity], severity) for severity in SEVERITIES if counts[severity]]
    return " · ".join([f"**{words[0]}**", *words[1:]] if counts["error"] else words) or "none"


def size(weight: int | None) -> str:
    """Return the size of the HTML beside the size at which Gmail cuts a mail off."""
    if weight is None:
        return "unknown"
    filled = min(_BAR, round(weight * _BAR / CLIPPED_BYTES))
    bar = "▰" * filled + "▱" * (_BAR - filled)
    return f"{weight / 1000:.0f} of {CLIPPED_BYTES // 1000} KB {bar}"


def day(one: date) -> str:
    """Return a date as `Mon 27 Apr 2026`."""
    return f"{one:%a} {one.day} {one:%b %Y}"


def _alert(kind: str, heading: str, text: str) -> list[str]:
    return [f"> [!{kind}]", f"> ### {heading}", f"> {text}"]


def _name(review: Review) -> str:
    proof = review.checked.proof
    return f"`{proof.issue.name}`" if proof else escape(review.checked.path) or "the issue"


def _warnings(review: Review) -> str:
    number = sum(severities(checked)["warning"] for checked in review.results)
    return f" Before that, look at {counted(number, 'warning')} below." if number else ""


def _goes_out(issue: Issue) -> str:
    return f"on merge, not before {day(issue.date)}" if issue.ready else "not yet: `ready: true` is missing"


def _seconds(newsletter: Newsletter) -> int:
    return newsletter.config.send.undo_window_seconds


def _undo_window(newsletter: Newsletter) -> str:
    provider = newsletter.config.provider
    if provider == "outbox":
        return "none: `outbox` sends nothing"
    if provider != "sendgrid":
        return f"none: `{provider}` cannot hold mail back"
    return _minutes(_seconds(newsletter)) if _seconds(newsletter) else "none: `send.undo_window` is off"


def _minutes(seconds: int) -> str:
    return f"{seconds // 60} min"


def _way(issue: Issue, newsletter: Newsletter) -> str:
    seconds = _seconds(newsletter) if newsletter.config.provider == "sendgrid" else 0
    if not seconds:
        return "It leaves at once, and **cannot be cancelled**."
    return (
        f"On merge it goes to the provider, is held back for {_minutes(seconds)}, and leaves after that."
        f" To cancel it meanwhile: `news cancel {issue.name}`."
    )
