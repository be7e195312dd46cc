"""HTML that all mail programs read alike: a whole document, with nothing left of its making."""

import re
from collections import Counter
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.checks.tags import Tags
from newsletter.display import printable
from newsletter.errors import Problem

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\*\|\w+\|\*|<%.*?%>", re.DOTALL)
# Elements that HTML has dropped, and mail programs with it.
_GONE = ("applet", "blink", "center", "dir", "frame", "frameset", "marquee", "nobr", "plaintext", "xmp")


def markup(proof: Proof) -> Iterator[Problem]:
    """A mail that is not a whole HTML document, or shows what it was made of."""
    html, path = proof.rendered.html, proof.issue.path
    tags = Tags(html)
    if not re.match(r"\s*<!doctype html\s*>", html, re.IGNORECASE):
        what = "no <!DOCTYPE html> in the first line: mail programs guess, and get widths wrong"
        yield Problem(path, what, "start the mail with it, as <mjml> does")
    if not any(tag.name == "meta" and "charset" in str(tag.attributes).lower() for tag in tags.tags):
        what = "the mail does not say that it is UTF-8"
        yield Problem(path, what, 'put <meta charset="utf-8" /> into the head', "warning")
    yield from _left(proof, tags)
    yield from _doubled(proof, tags)


def _left(proof: Proof, tags: Tags) -> Iterator[Problem]:
    """Pieces of MJML and of templates."""
    names = dict.fromkeys(tag.name for tag in tags.tags)
    for name in (name for name in names if name.startswith("mj-") or name == "mjml"):
        what = f"<{name}> is left in the mail, and shows nothing"
        yield Problem(proof.where(f"<{name}"), what, "check its spelling, and where it stands")
    for name in (name for name in names if name in _GONE):
        yield Problem(proof.where(f"<{name}"), f"<{name}> is no HTML any more", "use CSS for it", "warning")
    for words in dict.fromkeys(_TEMPLATE.findall(proof.document.readable)):
        if not any(_as_code(words, text.content) for text in proof.texts):
            what = f"template code is left in the mail: {printable(words)}"
            yield Problem(proof.where(words), what, "nothing fills it; what is filled is written [[name]]")


def _as_code(words: str, source: str) -> bool:
    """Whether an editor wrote it as Markdown's code, to be read."""
    written = re.escape(words)
    return bool(re.search(rf"`[^`]*{written}[^`]*`|^ {{4}}.*{written}", source, re.MULTILINE))


def _doubled(proof: Proof, tags: Tags) -> Iterator[Problem]:
    ids = Counter(value for tag in tags.tags for name, value in tag.attributes if name == "id" and value)
    for value, times in ids.items():
        if times > 1:
            what = f'the id "{printable(value)}" is there {times} times'
            yield Problem(proof.where(f'id="{value}"'), what, "an id names one element", "error")
    for tag in tags.tags:
        named = Counter(name for name, _ in tag.attributes)
        for name in (name for name, times in named.items() if times > 1):
            what = f"<{tag.name}> has the attribute {name} twice"
            yield Problem(proof.where(f"<{tag.name}"), what, "the second is not read: delete one", "warning")
