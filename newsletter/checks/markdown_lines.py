"""Locate a line of Markdown in the issue's file."""

from newsletter.checks.proof import Proof
from newsletter.issue import files
from newsletter.issue.files import Text
from newsletter.yamlfile.reader import phrase_pattern


def where_line(proof: Proof, text: Text, number: int) -> str:
    """Return `file:line` of a line of a text, which is counted from 0."""
    lines = text.content.split("\n")
    words = lines[number].strip() if number < len(lines) else ""
    if proof.locator.paused or not words:
        return proof.where(text)
    start = sum(len(line) + 1 for line in lines[:number])
    nth = sum(match.start() < start for match in phrase_pattern(words).finditer(text.content))
    return files.where(proof.issue, text.loc, words, nth)
