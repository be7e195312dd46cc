"""Check that the templates write each text of the issue: own ones may be older than a field of the issue."""

import re
from collections.abc import Iterator

from newsletter.checks.mail.text_part import without_spaces
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem
from newsletter.issue import files
from newsletter.issue.files import Text
from newsletter.render.markdown import inline_text, paragraphs

_WORD = re.compile(r"\w+")
_LONG_WORD_CHARACTERS, _MAX_WORDS = 4, 40


def left_out(proof: Proof) -> Iterator[Problem]:
    """A text, the heading of a section, or the mark of an advertisement that a template leaves out."""
    for name, content in (("HTML", proof.document.readable), ("text", proof.rendered.text)):
        part = without_spaces(content).casefold()
        fix = f"write it in the {name} template; `news theme eject` copies the current templates"
        for text in proof.texts:
            words = _words(text)
            # Some words of a text may be split by notes, addresses and pictures between them.
            if words and sum(word in part for word in words) * 2 < len(words):
                what = f'the {name} part leaves out "{printable(text.content.strip(), 40)}"'
                yield Problem(proof.where(text), what, fix, "warning")
        mark = without_spaces(proof.newsletter.site.labels["advertisement"]).casefold()
        for loc, story in proof.issue.located_stories():
            if story.sponsor and mark not in part:
                what = f'the {name} part does not mark "{printable(story.title, 40)}" as an advertisement'
                fix = "write `labels.advertisement` where `story.sponsor` is true"
                yield Problem(files.where(proof.issue, (*loc, "title")), what, fix)


def _words(text: Text) -> list[str]:
    """Return the first words of a text, the long ones if it has any; none if templates need not write it."""
    if text.loc[0] == "extra" or "links" in text.loc:
        return []
    if text.markdown:
        content = "\n".join(paragraphs(text.content))
    elif text.loc[0] == "sections" and text.loc[2:] == ("heading",):
        content = inline_text(text.content)
    else:
        return []
    words = _WORD.findall(content.casefold())[:_MAX_WORDS]
    return [word for word in words if len(word) >= _LONG_WORD_CHARACTERS] or words
