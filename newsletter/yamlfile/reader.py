"""A YAML file read once: safely, and with the line of every value."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from newsletter.display import display_path
from newsletter.errors import InvalidInput, Problem, cannot_be
from newsletter.yamlfile.syntax_errors import explain
from newsletter.yamlfile.values import CONTROL, SafeComposer, Unreadable
from newsletter.yamlfile.values import Loc as Loc
from newsletter.yamlfile.values import dotted as dotted

MAX_BYTES = 2_000_000


@dataclass(frozen=True)
class Document:
    """What a file holds: mappings as dicts, sequences as tuples, and the line each one starts on."""

    path: str
    data: Any
    lines: Mapping[Loc, int] = field(repr=False)
    problems: Sequence[tuple[Loc, Problem]] = ()
    text: str = field(default="", repr=False)

    def where(self, loc: Loc, words: str = "", nth: int = 0) -> str:
        """`file:line` of a value, or of what holds it where it has no line of its own.

        Of words in the value the line that they start in for the nth time (from 0), if they stand there.
        """
        while loc and loc not in self.lines:
            loc = loc[:-1]
        first = self.lines.get(loc, 1)
        written = "\n".join(self.text.split("\n")[first - 1 : self._end(loc) - 1]) if words else ""
        found = next(islice(standing(words).finditer(written), nth, None), None) if written else None
        return f"{self.path}:{first + (written.count(chr(10), 0, found.start()) if found else 0)}"

    def _end(self, loc: Loc) -> int:
        """The line that the next value starts in."""
        first, behind = self.lines.get(loc, 1), False
        for other, line in self.lines.items():
            behind = behind or other == loc
            if behind and line > first and other[: len(loc)] != loc:
                return line
        return self.text.count("\n") + 2


def standing(words: str) -> re.Pattern[str]:
    """Finds words in running text, wherever its lines end and whatever Markdown stands between them."""
    between = r"[\s*_~`>\[\]]+".join(map(re.escape, words.split()))
    before = r"(?<!\w)" if re.match(r"\w", words) else ""
    return re.compile(before + between + (r"(?!\w)" if re.search(r"\w$", words) else ""))


def read(path: Path, error: type[InvalidInput]) -> Document:
    """Reads one YAML document of at most 2 MB; raises `error` where it is none."""
    text, shown = read_text(path, error), display_path(path)
    builder, data, end = SafeComposer(text), None, []
    try:
        data = builder.build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except Unreadable as stop:
        end = [Problem(f"{shown}:{stop.line}", stop.what, stop.fix)]
    except yaml.MarkedYAMLError as mistake:
        line, what, fix = explain(mistake, text)
        end = [Problem(f"{shown}:{line}", what, fix)]
    problems = [
        (loc, Problem(f"{shown}:{line}", sentence(loc, what), fix))
        for loc, line, what, fix in builder.refusals
    ]
    if end:
        raise error(sorted([problem for _, problem in problems] + end, key=line_of))
    return Document(shown, data, builder.lines, problems, text)


def read_text(path: Path, error: type[InvalidInput]) -> str:
    """A text file of at most 2 MB, its lines ended by `\\n`; raises `error` where it is none."""
    shown = display_path(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as failure:
        what = cannot_be("read", failure)
        raise error([Problem(shown, what, "check its name and permissions")]) from failure
    if len(raw) > MAX_BYTES:
        raise error([Problem(shown, f"larger than {MAX_BYTES:,} bytes", "shorten it")])
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as failure:
        line = len(raw[: failure.start + 1].splitlines())
        raise error([Problem(f"{shown}:{line}", "not UTF-8 text", "save the file as UTF-8")]) from failure
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise error([Problem(f"{shown}:{line}", "not text: a NUL character", "save the file as UTF-8 text")])
    if problems := list(islice(_invisible(text, shown), 100)):
        raise error(problems)
    return text


def line_of(problem: Problem) -> int:
    """The line in a problem's `file:line`."""
    return int(problem.where.rpartition(":")[2])


def sentence(loc: Loc, what: str) -> str:
    """What is wrong with a value, after its name: `stories[2].link: not a web address`, `link is empty`."""
    verb = what.split(" ", 1)[0] in ("is", "has", "holds", "needs", "would")
    return f"{dotted(loc) or 'the file'}{' ' if verb else ': '}{what}"


def _invisible(text: str, shown: str) -> Iterator[Problem]:
    if not CONTROL.search(text):
        return
    for number, line in enumerate(text.split("\n"), 1):
        if found := CONTROL.search(line):
            before = line[: found.start()][-20:].strip()
            place = f'behind "{before}"' if before else "at the start of the line"
            what = f"an invisible character (U+{ord(found[0]):04X}) {place}"
            yield Problem(f"{shown}:{number}", what, "delete it")
