"""Make a compact snapshot of a planned mailing, and name the differences of a later mailing."""

import difflib
import hashlib
import json
import zlib
from typing import Any

from newsletter.display import counted
from newsletter.mail.message import Mailing

_WORDS = {
    "issue": "the issue",
    "subject": "the subject",
    "preheader": "the preheader",
    "sender": "the sender",
    "reply_to": "reply_to",
    "list_id": "list_id",
    "unsubscribe_url": "unsubscribe.url",
    "unsubscribe_mailto": "unsubscribe.mailto",
    "sendgrid_group": "unsubscribe.sendgrid_group",
    "track_opens": "tracking.opens",
    "track_clicks": "tracking.clicks",
    "nameless": "labels.reader",
}
_SHOWN = 60


def snapshot(mailing: Mailing) -> bytes:
    """Return a snapshot of a mailing: its fields, its text part, and the hash of its HTML, compressed."""
    return zlib.compress(json.dumps(_fields(mailing), sort_keys=True).encode(), 9)


def list_id(planned: bytes | None) -> str | None:
    """Return the id of the list in a snapshot; None without a snapshot."""
    return None if planned is None else str(json.loads(zlib.decompress(planned))["list_id"][1])


def differences(planned: bytes | None, mailing: Mailing) -> list[str]:
    """Return a phrase for each difference between a snapshot and a mailing; none without a snapshot."""
    if planned is None:
        return []
    before, after = json.loads(zlib.decompress(planned)), json.loads(json.dumps(_fields(mailing)))
    found = [
        f"{words}: was {_short(before.get(name))}, is {_short(after[name])}"
        for name, words in _WORDS.items()
        if before.get(name) != after[name]
    ]
    if changed := _changed_lines(before["text"], after["text"]):
        found.append(f"the text: {changed}")
    elif before["html"] != after["html"]:
        found.append("the HTML but not the text: templates, links or newsletter.yml")
    return found


def _fields(mailing: Mailing) -> dict[str, Any]:
    fields = mailing.content()
    rendered = fields.pop("rendered")
    del fields["test"]
    html = hashlib.sha256(rendered.pop("html").encode()).hexdigest()
    return {**fields, **rendered, "html": html}


def _changed_lines(before: str, after: str) -> str:
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    lines = [line for line in list(diff)[2:] if not line.startswith("@@")]
    if not lines:
        return ""
    was = next((line[1:] for line in lines if line.startswith("-")), None)
    now = next((line[1:] for line in lines if line.startswith("+")), None)
    first = [f"{word} {_short(line)}" for word, line in (("was", was), ("is", now)) if line is not None]
    count = max(sum(line.startswith(sign) for line in lines) for sign in "+-")
    return f"{counted(count, 'line differs', 'lines differ')}; the first {', '.join(first)}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f'"{text[:_SHOWN]}…"' if len(text) > _SHOWN else f'"{text}"'
