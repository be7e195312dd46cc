"""Write what changed in the text since the base, word by word, and which links are new or gone."""

from collections.abc import Sequence

from newsletter.display import counted
from newsletter.review.collect import BranchChanges, Review
from newsletter.review.markdown import escape, folded
from newsletter.review.source_links import SourceLinks
from newsletter.review.text_changes import ChangedPassage, TextChanges
from newsletter.review.word_diff import Words

_MAX_FILES = 10
_MAX_LINKS = 20
_MAX_LINK_LENGTH = 200
_SHOWN_WORDS = 8  # of the words that did not change, beside those that did
_MAX_WORDS = 150  # of one difference
_MAX_WORD_LENGTH = 100
_MARKS = {"out": ("<del>", "</del>"), "in": ("<ins><b>", "</b></ins>"), "same": ("", "")}
_NOTES = {"changed": "", "new": " · new", "gone": " · gone"}


def changes_section(review: Review, sources: SourceLinks, *, fold: bool) -> list[str]:
    """Return the changes of the issue since the base, folded below their number if `fold`."""
    branch = review.branch
    if branch is None or review.checked.proof is None:
        return []
    since = f"Since {_base(branch, sources)}"
    lines, listed = _changes(review, since, sources)
    if not listed:
        return ["", "### What changed in the text", "", *lines, *_others(branch, sources)]
    if not fold:
        return ["", "### What changed in the text", "", *lines, "", *listed, *_others(branch, sources)]
    assert review.text
    heading = f"What changed in the text: {_numbers(review.text)}"
    return ["", *folded(heading, [*lines, "", *listed]), *_others(branch, sources)]


def _base(branch: BranchChanges, sources: SourceLinks) -> str:
    commit = branch.base
    name = "" if commit.id.startswith(commit.name) else f" ({escape(commit.name, 60)})"
    return f"{sources.commit(commit.id)}{name}"


def _changes(review: Review, since: str, sources: SourceLinks) -> tuple[list[str], list[str]]:
    """Return the lines that sum the changes up, and those that list them."""
    text = review.text
    if review.is_new:
        return [f"{since}: this issue is new, and so is all of its text."], []
    if text is None:
        why = escape(review.not_compared)
        return [f"{since}: the text cannot be compared with its earlier file: {why}."], []
    listed = [line for passage in text.passages for line in ["", *_passage(passage, sources)]][1:]
    if text.left_out:
        listed += ["", f"*{counted(text.left_out, 'more passage')} changed.*"]
    listed += _links(text)
    if not text.passages:
        moved = f" but {counted(text.moved, 'passage')} moved" if text.moved else ""
        return [f"{since}: no word of the text changed{moved}."], listed
    return [f"{since}: **{_numbers(text)}**: <del>out</del>, <ins><b>in</b></ins>.{_kept(text)}"], listed


def _numbers(text: TextChanges) -> str:
    passages = counted(len(text.passages) + text.left_out, "passage")
    return f"{passages}, {counted(text.words_out, 'word')} out, {text.words_in:,} in"


def _kept(text: TextChanges) -> str:
    """Return a sentence on what did not change, or only moved."""
    headings = {passage.heading for passage in text.passages}
    kept = [name for name in ("subject", "preheader") if name.capitalize() not in headings]
    words = f" {' and '.join(kept).capitalize()}: unchanged." if kept else ""
    return f"{words} {counted(text.moved, 'passage')} moved." if text.moved else words


def _passage(passage: ChangedPassage, sources: SourceLinks) -> list[str]:
    place = sources.line(passage.where) if passage.where else ""
    note = _NOTES[passage.state]
    words = " ".join(_words(part, n, len(passage.words)) for n, part in enumerate(passage.words))
    return [f"**{escape(passage.heading)}**{f' · {place}' if place else ''}{note}", f"> {words}"]


def _words(part: Words, number: int, total: int) -> str:
    """Return some words as Markdown; a long part is cut, in its middle or at an end without a difference."""
    begin, end = _MARKS[part.kind]
    limit = _SHOWN_WORDS if part.kind == "same" else _MAX_WORDS // 2
    words: Sequence[str] = part.words
    if part.kind == "same" and number == 0:
        words = ["…", *words[-limit:]] if len(words) > limit else words
    elif part.kind == "same" and number == total - 1:
        words = [*words[:limit], "…"] if len(words) > limit else words
    elif len(words) > 2 * limit:
        words = [*words[:limit], "…", *words[-limit:]]
    return f"{begin}{' '.join(escape(word, _MAX_WORD_LENGTH) for word in words)}{end}"


def _links(text: TextChanges) -> list[str]:
    """Return the links that are new and gone; they are no links here, so that GitHub follows none."""
    if not text.new_links and not text.gone_links:
        return []
    lines = ["", f"Links: {len(text.new_links):,} new, {len(text.gone_links):,} gone."]
    for begin, end, links in (("<ins>", "</ins>", text.new_links), ("<del>", "</del>", text.gone_links)):
        lines += [f"- {begin}{escape(link, _MAX_LINK_LENGTH)}{end}" for link in links[:_MAX_LINKS]]
        if more := len(links[_MAX_LINKS:]):
            lines.append(f"- and {more:,} more")
    return [*lines[:2], "", *lines[2:]]


def _others(branch: BranchChanges, sources: SourceLinks) -> list[str]:
    """Return a sentence with the templates and settings that the branch changes too."""
    if not branch.others:
        return []
    shown = ", ".join(map(sources.file, branch.others[:_MAX_FILES]))
    more = len(branch.others[_MAX_FILES:])
    return ["", f"The branch also changes {shown}{f' and {more:,} more files' if more else ''}."]
