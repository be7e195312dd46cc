"""Check for English labels in a mail of a language for which news has none, and newsletter.yml has some."""

import re
from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.config.label_texts import label_texts
from newsletter.errors import Problem

_WORD = re.compile(r"\w+|[^\w\s]")


def labels(proof: Proof) -> Iterator[Problem]:
    """English labels in a mail of another language."""
    config = proof.newsletter.config
    if label_texts(config.language) is not None:
        return
    used = [name for name in config.labels.missing if _is_in_mail(proof, name)]
    if used:
        later = [name for name in config.labels.missing if name not in used]
        what = f'the mail is in "{config.language}", but has English words for {_listed(used)}'
        fix = f"write {'it' if len(used) == 1 else 'them'} below `labels:`"
        fix += f", and for later issues {_listed(later)}" if later else ""
        yield Problem(_place(proof), what, fix, "warning")


def _is_in_mail(proof: Proof, name: str) -> bool:
    """Return True if a part of the mail has the words of a label."""
    if name == "reader":  # it takes the place of a name that is not known
        return any("[[name]]" in part for part in (proof.rendered.html, proof.rendered.text))
    number = proof.issue.number
    if name == "issue_number" and number is None:
        return False
    label = proof.newsletter.site.labels[name]
    label = label.replace("{newsletter}", proof.newsletter.config.name).replace("{number}", str(number))
    words = _words(label.replace("{count}", "1"))
    return any(words in _words(part) for part in (proof.document.text, proof.rendered.text))


def _words(text: str) -> str:
    """Return the words and signs of a text in small letters, with spaces around each, and 0 for each number.

    Text parts have headings in capitals, and lines that end anywhere.
    """
    words = _WORD.findall(text.casefold())
    return f" {' '.join('0' if word.isdigit() else word for word in words)} "


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _place(proof: Proof) -> str:
    """Return the line of `labels:` in newsletter.yml, or of `language:` if it has no labels."""
    has_labels = any(loc[:1] == ("labels",) for loc in proof.newsletter.lines)
    return proof.newsletter.where("labels" if has_labels else "language")
