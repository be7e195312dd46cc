"""Check for invisible characters that reorder or hide text, in the issue, newsletter.yml and templates."""

from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.errors import Problem
from newsletter.hidden_characters import Hidden, find_hidden, find_hidden_in_mail
from newsletter.issue import files
from newsletter.render.markdown import paragraphs
from newsletter.yamlfile import reader

_FIX = "delete it; around words in another direction, write isolates (U+2068 and U+2069)"


def hidden_characters(proof: Proof) -> Iterator[Problem]:
    """Invisible characters that reorder text or hide some of it, such as U+202E."""
    known: set[str] = set()
    for where, loc, hidden in (*_in_issue(proof), *_in_config(proof)):
        known.add(hidden.character)
        yield Problem(where, reader.sentence(loc, f"has {hidden}"), _FIX, "warning")
    for where, hidden in _in_mail(proof):
        if hidden.character not in known:
            yield Problem(where, f"the mail has {hidden}", "remove it from the template", "warning")


def _in_issue(proof: Proof) -> Iterator[tuple[str, reader.Loc, Hidden]]:
    for text in proof.texts:
        # In Markdown, `&#8238;` is a character too.
        forms = [text.content, *(paragraphs(text.content) if text.markdown else [])]
        for hidden in dict.fromkeys(hidden for form in forms for hidden in find_hidden(form)):
            yield files.where(proof.issue, text.loc, hidden.character), text.loc, hidden


def _in_config(proof: Proof) -> Iterator[tuple[str, reader.Loc, Hidden]]:
    for loc, text in proof.newsletter.texts():
        for hidden in find_hidden(text):
            yield proof.newsletter.where(*loc), loc, hidden


def _in_mail(proof: Proof) -> Iterator[tuple[str, Hidden]]:
    for hidden in find_hidden_in_mail(proof.document.readable):
        yield proof.where(hidden.character), hidden
    for hidden in find_hidden_in_mail(proof.rendered.text):
        yield proof.where_in_text(hidden.character), hidden
