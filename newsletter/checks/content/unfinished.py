"""Check for marks of unfinished text in an issue and in newsletter.yml, and for passages without words."""

import re
import unicodedata
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.hidden_characters import is_visible
from newsletter.render.markdown import OMITTED
from newsletter.yamlfile import reader

# In capitals only. English-speaking journalists write TK for "to come"; in other languages TK may be a name.
_MARK = re.compile(r"\b(?:TODO|FIXME|TBD|X{3,})\b|\b[Ll]orem ipsum\b")
# The keys of newsletter.yml that readers see. A name or an address may be XXX, or have TODO-list in it.
_SHOWN = ("name", "description", "sender", "reply_to", "postal_address", "site", "unsubscribe", "labels")
_CONFIG_MARK = re.compile(r"(?<![\w-])(?:TODO|FIXME|TBD)(?![\w-])")
_EXCERPT = 100  # characters that are searched for words
_ENGLISH = re.compile(rf"{_MARK.pattern}|\bTK(?:TK)*\b")


def unfinished(proof: Proof) -> Iterator[Problem]:
    """TODO, TK, XXX, lorem ipsum; TODO in newsletter.yml; or a passage without words."""
    language = proof.newsletter.config.language.lower()
    marks = _ENGLISH if language.partition("-")[0] == "en" else _MARK
    for text, paragraph in proof.prose:
        for mark in marks.finditer(paragraph):
            what = f'unfinished: "{_excerpt(paragraph, mark)}"'
            fix = "finish it, or write it as `code` if it is meant"
            yield Problem(proof.where(text, mark[0]), what, fix)
    for loc, content in proof.newsletter.texts():
        for mark in _CONFIG_MARK.finditer(content) if loc[0] in _SHOWN else ():
            what = reader.sentence(loc, f'has "{_excerpt(content, mark)}"')
            fix = "replace it by the final text"
            yield Problem(proof.newsletter.where(*loc), f"unfinished: {what}", fix)
    for text in proof.texts:
        if text.markdown and not (any(map(_says_something, text.content)) and is_visible(text.content)):
            what = f'the passage has no words ("{printable(text.content, 20)}")'
            yield Problem(proof.where(text), what, "write the passage, or delete it")


def _says_something(character: str) -> bool:
    """Return True for a letter, a digit and a picture such as a star; False for marks of Markdown."""
    is_picture = not character.isascii() and unicodedata.category(character)[0] == "S"
    return character.isalnum() or is_picture


def _excerpt(paragraph: str, mark: re.Match[str]) -> str:
    """Return the mark with the three words before it and the four after it."""
    before = paragraph[max(0, mark.start() - _EXCERPT) : mark.start()].split(" ")[-3:]
    after = paragraph[mark.end() : mark.end() + _EXCERPT].split(" ")[:4]
    return printable(" ".join(before) + mark[0] + " ".join(after)).replace(OMITTED, "…")
