"""Read a YAML file once, safely, with the line of every value."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from newsletter.conflict_markers import CHOOSE, Marker, conflict_markers
from newsletter.disk import reading
from newsletter.disk.failures import cannot_be, read_hint
from newsletter.display import display_path, printable
from newsletter.errors import InvalidInput, Problem
from newsletter.yamlfile.syntax_errors import explain
from newsletter.yamlfile.values import CONTROL, SafeComposer, Unreadable
from newsletter.yamlfile.values import Loc as Loc
from newsletter.yamlfile.values import dotted as dotted

SUFFIXES = (".yml", ".yaml")
MAX_BYTES = 2_000_000
MAX_SEARCHED_CHARACTERS = 500
# Characters between two words: white space and Markdown.
_BETWEEN = r"[\s*_~`>\[\]]"
_GAP = re.compile(f"({_BETWEEN}+)")
_TAG_DIRECTIVE = re.compile(r"^%TAG\b", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """The content of a YAML file: mappings as dicts, sequences as tuples, the first line of each value.

    `problems` are the values that were rejected while the file was read, by location. `folded` has the last
    line of each text without quotes that has more than one.
    """

    path: str
    data: Any
    lines: Mapping[Loc, int] = field(repr=False)
    problems: Sequence[tuple[Loc, Problem]] = ()
    text: str = field(default="", repr=False)
    folded: Mapping[Loc, int] = field(default_factory=dict, repr=False)

    def where(self, loc: Loc, words: str = "", nth: int = 0) -> str:
        """Return `file:line` of a value, or of the nearest value around it if the file does not hold it.

        With `words`, return the line in which their nth occurrence (from 0) in the value starts, if any.
        """
        while loc and loc not in self.lines:
            loc = loc[:-1]
        first = self.lines.get(loc, 1)
        source = "\n".join(self.text.split("\n")[first - 1 : self._end(loc) - 1]) if words else ""
        start = next(islice(_starts(words, source), nth, None), 0) if source else 0
        return f"{self.path}:{first + source.count(chr(10), 0, start)}"

    def where_line(self, loc: Loc, content: str, number: int, words: str = "") -> str:
        """Return `file:line` of a line, counted from 0, of the text at `loc`, whose content this is.

        A line of a block of YAML, or of a body of Markdown, stands in the file as it is in the content.
        Another one, such as a line of a text in quotation marks, may be several lines of the file: it is
        searched for by `words` in it, or by all its words.
        """
        lines, source = content.split("\n"), self.text.split("\n")
        line = lines[number].strip() if number < len(lines) else ""
        first = self.lines.get(loc, 1)
        is_below_key = source[first - 1] != lines[0]  # in YAML
        place = first + is_below_key + number
        if place <= len(source) and source[place - 1].strip() == line:
            return f"{self.path}:{place}"
        begin, words = sum(len(before) + 1 for before in lines[:number]), words or line
        nth = sum(start < begin for start in _starts(words, content)) if words else 0
        return self.where(loc, words, nth)

    def _end(self, loc: Loc) -> int:
        """Return the line in which the next value starts, or a line after the end of the file."""
        first, is_after = self.lines.get(loc, 1), False
        for other, line in self.lines.items():
            is_after = is_after or other == loc
            if is_after and line > first and other[: len(loc)] != loc:
                return line
        return self.text.count("\n") + 2


def _starts(words: str, text: str) -> Iterator[int]:
    """Yield the start of each occurrence of words, after the line ends with which a match may begin."""
    for match in phrase_pattern(words).finditer(text):
        yield match.end() - len(match[0].lstrip())


def phrase_pattern(words: str) -> re.Pattern[str]:
    """Return a pattern that finds words in running text, with line ends or Markdown between them.

    Only the first MAX_SEARCHED_CHARACTERS of the words are searched for.
    """
    searched = " ".join(words.split())[:MAX_SEARCHED_CHARACTERS].strip()
    # A gap starts after, and ends before, another kind of character: it can be matched in one way only.
    parts = (
        f"{_BETWEEN}{{{len(part)},}}+" if " " in part else re.escape(part) for part in _GAP.split(searched)
    )
    gap = _GAP.match(searched)
    before = f"(?<!{_BETWEEN})" if gap and " " in gap[0] else r"(?<!\w)" if re.match(r"\w", searched) else ""
    return re.compile(before + "".join(parts) + (r"(?!\w)" if re.search(r"\w$", searched) else ""))


def read(path: Path, error: type[InvalidInput], root: Path | None = None) -> Document:
    """Read a file of at most 2 MB as one YAML document. Raise `error` with the problems if that fails.

    With `root`, the file must be a `.yml` or `.yaml` file inside this folder, also after symbolic links.
    """
    return parse(read_text(path, error, root, suffix=SUFFIXES if root else ""), display_path(path), error)


def parse(text: str, shown: str, error: type[InvalidInput]) -> Document:
    """Parse a text as one YAML document; `shown` is its file in messages. Raise `error` if that fails."""
    if directive := _TAG_DIRECTIVE.search(text):
        # libyaml compares each one with all others, and nothing interrupts it: 2 MB of them take minutes.
        line = text.count("\n", 0, directive.start()) + 1
        what = "YAML reads a line that starts with %TAG as a directive, and tags are not supported"
        raise error([Problem(f"{shown}:{line}", what, "delete it, or indent its text")])
    composer, data, fatal = SafeComposer(text), None, []
    try:
        data = composer.build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except Unreadable as failure:
        fatal = [Problem(f"{shown}:{failure.line}", failure.what, failure.fix)]
    except yaml.MarkedYAMLError as mistake:
        if conflict := [marker for marker in conflict_markers(text) if marker.column == 0]:
            raise error([_conflict(shown, marker) for marker in conflict]) from mistake
        line, what, fix = explain(mistake, text)
        fatal = [Problem(f"{shown}:{line}", what, fix)]
    problems = [
        (loc, Problem(f"{shown}:{line}", sentence(loc, what), fix))
        for loc, line, what, fix in composer.refusals
    ]
    if fatal:
        raise error(sorted([problem for _, problem in problems] + fatal, key=line_of))
    return Document(shown, data, composer.lines, problems, text, composer.folded)


def _conflict(shown: str, marker: Marker) -> Problem:
    return Problem(
        f"{shown}:{marker.line + 1}", f"a conflict marker of Git: {printable(str(marker))}", CHOOSE
    )


def read_text(
    path: Path,
    error: type[InvalidInput],
    root: Path | None = None,
    *,
    suffix: reading.Suffix = "",
    secret: bool = False,
) -> str:
    """Return the text of a file of at most 2 MB, with `\\n` as line ends; raise `error` if it is not text.

    `root` and `suffix` are those of `disk.reading.open_regular`. The problems of a `secret` file do not quote
    it.
    """
    shown = display_path(path)
    try:
        raw = reading.read(path, MAX_BYTES, root=root, suffix=suffix)
    except OSError as failure:
        fix = read_hint(failure, "check its name and permissions")
        raise error.of(shown, cannot_be("read", failure), fix) from failure
    return decode(raw, shown, error, secret=secret)


def decode(raw: bytes, shown: str, error: type[InvalidInput], *, secret: bool = False) -> str:
    """Return the content of a file as `read_text` does; `shown` is the file in messages."""
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as failure:
        line = len(raw[: failure.start + 1].splitlines())
        raise error.of(f"{shown}:{line}", "the file is not UTF-8 text", "save the file as UTF-8") from failure
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        what = "the file has a NUL character, so it is not text"
        raise error.of(f"{shown}:{line}", what, "save the file as UTF-8 text")
    if problems := list(islice(_invisible(text, shown, quote=not secret), 100)):
        raise error(problems)
    return text


def line_of(problem: Problem) -> int:
    """Return the line in a problem's `file:line`."""
    return int(problem.where.rpartition(":")[2])


def texts_in(value: object, loc: Loc = ()) -> Iterator[tuple[Loc, str]]:
    """Yield every text in a value of mappings and tuples, from top to bottom, with its location."""
    if isinstance(value, str):
        yield loc, value
    elif isinstance(value, dict | tuple):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts_in(part, (*loc, key))


def sentence(loc: Loc, what: str) -> str:
    """Return a sentence about the value at `loc`: `stories[2].link is empty`, `link: YAML reads …`."""
    verb = what.split(" ", 1)[0] in ("is", "has", "holds", "needs", "would")
    return f"{dotted(loc) or 'the file'}{' ' if verb else ': '}{what}"


def _invisible(text: str, shown: str, *, quote: bool) -> Iterator[Problem]:
    if not CONTROL.search(text):
        return
    for number, line in enumerate(text.split("\n"), 1):
        if match := CONTROL.search(line):
            before = line[: match.start()][-20:].strip()
            place = f'after "{before}"' if before else "at the start of the line"
            what = f"an invisible character (U+{ord(match[0]):04X}){f' {place}' if quote else ''}"
            yield Problem(f"{shown}:{number}", what, "delete it")
