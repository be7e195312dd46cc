"""Write the text of the first files of a newsletter: newsletter.yml, an issue, README.md and .gitignore."""

import json
import re
from collections.abc import Mapping, Sequence

from newsletter.starter.details import Details
from newsletter.starter.texts import starter_text

ARCHIVE = "site/"
"""The folder of `news archive`, as it is written in .gitignore."""
IGNORED: Mapping[str, tuple[str, ...]] = {
    ".env": (".env",),
    ".venv/": (".venv/file",),
    "build/": ("build/file",),
    "outbox/": ("outbox/file",),
    ARCHIVE: ("site/file",),
    "subscribers*.csv": ("subscribers.csv", "subscribers-2.csv"),
}
"""The lines of .gitignore, with examples of the files that each ignores."""
_IGNORED_WHY = "# Secrets, mail, lists of subscribers and built files stay out of Git."
_TODO = "# Replace each TODO: `news check` finds them, and nothing is sent with one."
_NO_SITE = "# site: https://example.com"
_JOINERS = "\u200c\u200d"  # parts of emoji and of Persian words
_MARKDOWN = re.compile(r"[\\`*_\[\]<>&~#$|]")


def newsletter_yml(details: Details, undo_window: str = "", site: str = "") -> str:
    """Return a newsletter.yml, in which TODO marks the details that are not known yet.

    With an undo window, such as `90m`, it sends through SendGrid and keeps its state on a Git ref; without,
    it sends into the outbox, or through SendGrid if readers unsubscribe there. `site` is the address of its
    archive, "" for none.
    """
    sending = "github" if undo_window else "sendgrid" if details.sendgrid_group else "outbox"
    values = {
        "todo": _TODO if any(details.missing()) else "",
        "name": quoted(details.name),
        "sender_name": quoted(details.sender_name or details.name),
        "sender_email": quoted(details.sender_email or "TODO@example.com"),
        "postal_address": quoted(details.postal_address or "TODO: name, street, town"),
        "unsubscribe": _unsubscribe(details),
        "site": f"site: {quoted(site)}" if site else _NO_SITE,
        "language": quoted(details.language),
        "theme": details.theme,
        "sending": starter_text(f"{sending}.yml", {"undo_window": undo_window}).rstrip(),
    }
    return starter_text("newsletter.yml", values)


def first_issue(name: str, theme: str, *, markdown: bool) -> str:
    """Return the file of an example issue for a theme, which can be sent as it is; `name` is its date."""
    return starter_text(f"examples/{theme}.{'md' if markdown else 'yml'}", {"date": name})


def readme(name: str, *, on_ref: bool) -> str:
    """Return a README.md of ten lines; `on_ref`: the state of the newsletter is on a Git ref."""
    state = "ref" if on_ref else "folder"
    values = {
        "name": _MARKDOWN.sub(r"\\\g<0>", name),
        "state": starter_text(f"readme-{state}.md", {}).rstrip(),
    }
    return starter_text("readme.md", values)


def missing_lines(gitignore: bytes) -> Sequence[str]:
    """Return the lines of IGNORED that a .gitignore lacks, by its text alone."""
    present = {line.rstrip().removeprefix(b"/") for line in gitignore.splitlines()}
    # `build` ignores the folder too, but `.env/` does not ignore the file.
    return [line for line in IGNORED if not present & {line.encode(), line.encode().removesuffix(b"/")}]


def with_lines(gitignore: bytes, lines: Sequence[str]) -> bytes:
    """Return a .gitignore with lines, and the reason for them, at its end; the same one without lines."""
    if not lines:
        return gitignore
    newline = b"\r\n" if b"\r\n" in gitignore else b"\n"
    start = b"" if not gitignore or gitignore.endswith(b"\n") else newline
    return gitignore + start + b"".join(line.encode() + newline for line in (_IGNORED_WHY, *lines))


def quoted(text: str) -> str:
    """Return one line of text as a YAML string in quotation marks."""
    plain = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() or c in _JOINERS else f"\\U{ord(c):08x}" for c in plain)


def _unsubscribe(details: Details) -> str:
    if details.sendgrid_group:
        return f"{{sendgrid_group: {details.sendgrid_group}}}"
    return f"{{url: {quoted(details.unsubscribe or 'https://example.com/TODO/{token}')}}}"
