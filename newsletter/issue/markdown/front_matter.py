"""Split a Markdown file into its front matter and its body, and refuse the keys of other tools."""

import re
from typing import NamedTuple

from newsletter.errors import IssueError, Problem

_FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_KEY = re.compile(r"""["']?([A-Za-z][\w-]*)["']?[ \t]*:(?=\s|$)""")
_START = "begin the file with `---`, `subject:`, `preheader:` and `---`, each in a line of its own"
_WRITE_YAML = f"write it in YAML: {_START}"

_READY = "delete it; only `ready: true` means that the issue may be sent"
_NAME = "delete it; the name of the file is the date and the name of the issue"
_BODY = "write it below the front matter: `##` begins a section, `###` a story"
_STORY = "write it at a story: in a block ```yaml right below its heading"
_CONFIG = "delete it; newsletter.yml has what all issues share"
_HINTS = {
    "write it as `subject:`": "title headline name",
    "write it as `preheader:`": "description excerpt summary subtitle preview preview_text abstract",
    "write it as `image:`, with `src:` and `alt:`": (
        "cover cover_image featured_image feature_image hero thumbnail og_image banner"
    ),
    "write it as `number:`": "issue issue_number volume episode",
    "write it as `contents:`": "toc table_of_contents",
    "write it as `updated:`, with a date such as 2026-04-29": "lastmod modified last_modified updated_at",
    "put it below `extra:`": "params metadata custom",
    _READY: "draft published is_draft status publish sent state scheduled",
    _NAME: (
        "date publish_date published_date publishdate pubdate published_at created "
        "expirydate slug permalink url aliases id secondary_id weight order"
    ),
    _BODY: "opening stories sections passages text body content",
    _STORY: "tags tag categories category keywords topics authors author link links button sponsor",
    _CONFIG: "layout type theme template templateengineoverride lang language locale from sender reply_to to",
}
_OTHER_KEYS = {key: hint for hint, keys in _HINTS.items() for key in keys.split()}


class FrontMatter(NamedTuple):
    """The front matter, without the `---` below it, and the body, which starts in line `offset` from 0."""

    yaml: str
    body: str
    offset: int


def split(text: str, shown: str) -> FrontMatter:
    """Split a file at the `---` below its front matter; raise IssueError if it has none."""
    first, _, _ = text.partition("\n")
    if not _FENCE.fullmatch(first):
        raise IssueError.of(f"{shown}:1", *_without_front_matter(text))
    end = _FENCE.search(text, len(first) + 1)
    if end is None:
        what = "the front matter that starts here has no end"
        raise IssueError.of(f"{shown}:1", what, "write a line `---` below the last key")
    return FrontMatter(text[: end.start()], text[end.end() + 1 :], text.count("\n", 0, end.end()) + 1)


def _without_front_matter(text: str) -> tuple[str, str]:
    """Return the problem of a file whose first line is not `---`, and the fix."""
    start = text.lstrip()
    if not start:
        return "the file is empty", _START
    if start.startswith(("+++", "{")):
        kind = "TOML (+++)" if start[0] == "+" else "JSON ({)"
        return f"the front matter is in {kind}, which is not read", _WRITE_YAML
    if _FENCE.match(start):
        return "the line above `---` is not the first of the front matter", "delete the lines above `---`"
    if key := _KEY.match(start):
        hint = _OTHER_KEYS.get(_plain(key[1]))
        fix = "write a line `---` above the first key, and one below the last key"
        return "the keys stand without `---`", f"{fix}; `{key[1]}`: {hint}" if hint else fix
    return "the file has no front matter", _START


def without_other_keys(yaml: str, shown: str) -> tuple[str, list[tuple[str, Problem]]]:
    """Return the front matter with empty lines in place of the keys of other tools, and a problem for each.

    The keys are taken out as text: `date: 2026-04-27` and `title: News: all` would be mistakes in YAML, with
    hints that help nobody to find the right key.
    """
    lines, found = yaml.split("\n"), []
    is_dropped = False
    for number, line in enumerate(lines):
        key = _KEY.match(line)
        if key and (hint := _OTHER_KEYS.get(_plain(key[1]))):
            what = f"{key[1]} does not belong in the front matter"
            found.append((key[1], Problem(f"{shown}:{number + 1}", what, hint)))
            is_dropped = True
        elif line and not line.startswith((" ", "\t", "- ")):
            is_dropped = False
        if is_dropped:
            lines[number] = ""
    return "\n".join(lines), found


def _plain(key: str) -> str:
    return key.lower().replace("-", "_")
