"""Check that the HTML is a complete document, without left-over MJML or template code."""

import re
from collections import Counter
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.checks.tags import Tags
from newsletter.display import printable
from newsletter.errors import Problem

# Template code ends before the next code of the same kind starts.
_TEMPLATE = re.compile(
    r"\{\{(?:(?!\{\{).)*?\}\}|\{%(?:(?!\{%).)*?%\}|\*\|\w+\|\*|<%(?:(?!<%).)*?%>", re.DOTALL
)
# Obsolete elements, which HTML and mail programs no longer support.
_OBSOLETE = ("applet", "blink", "center", "dir", "frame", "frameset", "marquee", "nobr", "plaintext", "xmp")


def markup(proof: Proof) -> Iterator[Problem]:
    """A mail that is not a complete HTML document, or has MJML or template code left in it."""
    html, path = proof.rendered.html, proof.issue.path
    tags = Tags(html)
    if not re.match(r"\s*<!doctype html\s*>", html, re.IGNORECASE):
        what = "no <!DOCTYPE html> in the first line: mail programs use quirks mode, with other widths"
        yield Problem(path, what, "start the mail with it, as <mjml> does")
    if not any(tag.name == "meta" and "charset" in str(tag.attributes).lower() for tag in tags.tags):
        what = "the mail does not declare that it is UTF-8"
        yield Problem(path, what, 'put <meta charset="utf-8" /> into the head', "warning")
    yield from _left_over(proof, tags)
    yield from _duplicates(proof, tags)


def _left_over(proof: Proof, tags: Tags) -> Iterator[Problem]:
    """Yield a problem for each MJML tag and template code left in the mail, and each obsolete tag."""
    names = dict.fromkeys(tag.name for tag in tags.tags)
    for name in (name for name in names if name.startswith("mj-") or name == "mjml"):
        what = f"<{name}> is left in the mail, and mail programs ignore it"
        yield Problem(proof.where(f"<{name}"), what, "check its spelling and its place")
    for name in (name for name in names if name in _OBSOLETE):
        yield Problem(proof.where(f"<{name}"), f"<{name}> is obsolete HTML", "use CSS instead", "warning")
    shown = _in_texts(proof)
    for words in dict.fromkeys(_TEMPLATE.findall(proof.document.readable)):
        if " ".join(words.split()) not in shown:
            what = f"template code is left in the mail: {printable(words)}"
            yield Problem(
                proof.where(words), what, "delete it; only placeholders such as [[name]] are filled"
            )


def _in_texts(proof: Proof) -> set[str]:
    """Return the template code in the texts of the issue: the check `merge-tags` reports it there.

    Template code that the editor wrote as Markdown code is for readers.
    """
    texts = (text.content for text in proof.texts if text.loc[0] != "extra")
    return {" ".join(words.split()) for content in texts for words in _TEMPLATE.findall(content)}


def _duplicates(proof: Proof, tags: Tags) -> Iterator[Problem]:
    ids = Counter(value for tag in tags.tags for name, value in tag.attributes if name == "id" and value)
    for value, times in ids.items():
        if times > 1:
            what = f'the id "{printable(value)}" occurs {times} times'
            yield Problem(proof.where(f'id="{value}"'), what, "give each element a different id", "error")
    for tag in tags.tags:
        counts = Counter(name for name, _ in tag.attributes)
        for name in (name for name, times in counts.items() if times > 1):
            what = f"<{tag.name}> has the attribute {name} twice"
            yield Problem(proof.where(f"<{tag.name}"), what, "delete one: the second is ignored", "warning")
