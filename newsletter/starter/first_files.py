"""Write the text of the first files of a newsletter: newsletter.yml, an issue, and .gitignore."""

import json
import re
from datetime import date

from newsletter.display import printable
from newsletter.starter.texts import starter_text

IGNORED = (".env", ".venv/", "build/", "outbox/", "subscribers*.csv")
_IGNORED_WHY = "# Secrets, mail and lists of subscribers stay out of Git."
_MAX_NAME = 100
_FALLBACK_NAME = "My Newsletter"


def newsletter_yml(folder_name: str, undo_window: str = "") -> str:
    """Return a newsletter.yml, in which TODO marks what a person has to fill in.

    The newsletter's name is made of that of its folder: `soup-letter` gives "Soup Letter". With an undo
    window, such as `90m`, it sends through SendGrid and keeps its state on a Git ref; without, it sends into
    the outbox.
    """
    words = re.split(r"[\s_.-]+", printable(folder_name, _MAX_NAME))
    name = " ".join(word[:1].upper() + word[1:] for word in words if word) or _FALLBACK_NAME
    sending = "github.yml" if undo_window else "outbox.yml"
    values = {
        "name": json.dumps(name, ensure_ascii=False),
        "sending": starter_text(sending, {"undo_window": undo_window}).rstrip(),
    }
    return starter_text("newsletter.yml", values)


def first_issue(day: date) -> str:
    """Return the file of an example issue, which `news check` refuses until its TODO marks are replaced."""
    return starter_text("first-issue.yml", {"date": day.isoformat()})


def with_ignored(gitignore: bytes) -> bytes:
    """Return a .gitignore with the lines of IGNORED that it lacks at its end; the same one if it has all."""
    present = {line.rstrip().removeprefix(b"/") for line in gitignore.splitlines()}
    # `build` ignores the folder too, but `.env/` does not ignore the file.
    missing = [line for line in IGNORED if not present & {line.encode(), line.encode().removesuffix(b"/")}]
    if not missing:
        return gitignore
    newline = b"" if not gitignore or gitignore.endswith(b"\n") else b"\n"
    return gitignore + newline + "".join(f"{line}\n" for line in (_IGNORED_WHY, *missing)).encode()
