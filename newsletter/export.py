"""An issue as files: the HTML and text as rendered, and a complete message to a made-up reader."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path

from newsletter import message, mime
from newsletter.config import Newsletter
from newsletter.errors import Unavailable
from newsletter.models import Issue, Rendered, Subscriber
from newsletter.shown import shown_path

READER = Subscriber(0, "reader@example.com", number=1)


def write(
    issue: Issue, rendered: Rendered, newsletter: Newsletter, folder: Path
) -> Iterator[tuple[str, int]]:
    """Writes `.html`, `.txt` and `.eml`, the same bytes each time; yields each path with its size in bytes.

    The message is to `reader@example.com`, dated the issue's day; its links unsubscribe nobody.
    """
    midnight = datetime.combine(issue.date, time(), UTC)
    mailing = replace(message.mailing(issue, rendered, newsletter), date=midnight)
    recipient = message.Addresser(mailing, secret="a file, not a message that is sent")(READER)
    files = {
        "html": rendered.html.encode(),
        "txt": rendered.text.encode(),
        "eml": mime.template(mailing).fill(recipient),
    }
    for suffix, content in files.items():
        path = folder / f"{issue.name}.{suffix}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as failure:
            what = f"cannot be written ({failure.strerror})"
            fix = "choose another folder: --output FOLDER"
            raise Unavailable(what, fix, where=shown_path(path)) from None
        yield shown_path(path), len(content)
