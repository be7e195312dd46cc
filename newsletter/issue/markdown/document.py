"""Read an issue in Markdown as the same data as an issue in YAML, with the line of each value."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from newsletter.errors import IssueError, Problem
from newsletter.issue.markdown import blocks, front_matter
from newsletter.issue.markdown.blocks import PASSAGE, SECTION, STORY, Heading, KeyBlock, Part
from newsletter.issue.markdown.definitions import Definitions
from newsletter.issue.model import Passage, Section, Story
from newsletter.yamlfile import reader
from newsletter.yamlfile.fields import StrictModel
from newsletter.yamlfile.reader import Document, Loc, dotted, line_of
from newsletter.yamlfile.values import MAX_VALUES

MAX_LINES = 20_000
"""The lines of a file; markdown-it takes about 100 microseconds for each."""
MAX_HEADING_CHARACTERS = 100_000
"""The characters of all headings of a file, which are also searched for links."""
_CODE = "for an example of code, write a line of text above the block"


@dataclass(frozen=True)
class _Kind:
    """A kind of part: its model, the key of its heading, the keys of which one is needed, and how to fill it.

    `written` are the keys that the body has in place of a block of keys.
    """

    model: type[StrictModel]
    heading: str
    needed: tuple[str, ...]
    fix: str
    written: tuple[str, ...]


_KINDS = {
    SECTION: _Kind(
        Section,
        "heading",
        ("text", "image", "stories"),
        "write a text or a story (`###`) below the heading, or delete the heading",
        ("heading", "text", "stories"),
    ),
    STORY: _Kind(
        Story,
        "title",
        ("text", "passages", "link", "image"),
        "write a text below the heading, or make the heading a link: `### [Title](https://…)`",
        ("title", "text", "passages"),
    ),
    PASSAGE: _Kind(
        Passage,
        "heading",
        ("text",),
        "write a text below the heading, or delete the heading",
        ("heading", "text"),
    ),
}


def parse(text: str, shown: str) -> Document:
    """Return the issue in a text; `shown` is its file in messages. Raise IssueError if it cannot be read."""
    if text.count("\n") > MAX_LINES:
        raise IssueError.of(
            f"{shown}:{MAX_LINES + 1}", f"the file has more than {MAX_LINES:,} lines", "shorten it"
        )
    front = front_matter.split(text, shown)
    yaml, other_keys = front_matter.without_other_keys(front.yaml, shown)
    try:
        document = reader.parse(yaml, shown, IssueError)
    except IssueError as error:
        problems = [*error.problems, *(problem for _, problem in other_keys)]
        raise IssueError(sorted(problems, key=line_of)) from error
    if not isinstance(document.data, dict | None):
        return document
    body = _Body(document, front.body, front.offset)
    body.problems += [((key,), problem) for key, problem in other_keys]
    return body.document(text)


class _Body:
    """The data of an issue, to which each part of the body is added."""

    def __init__(self, front: Document, source: str, offset: int) -> None:
        self._shown, self._offset = front.path, offset
        self._lines: dict[Loc, int] = dict(front.lines)
        self._body = blocks.split(source)
        self._definitions = Definitions(source.split("\n"), self._body.definitions)
        self._data: dict[str, Any] = {**(front.data or {})}
        self._opening: list[dict[str, Any]] = []
        self._sections: list[dict[str, Any]] = []
        self._added: list[tuple[_Kind, dict[str, Any], Loc]] = []
        self._values = _count(front.data)
        self._heading_characters = 0
        self.problems = list(front.problems)

    def document(self, text: str) -> Document:
        """Return the issue with all parts of its body."""
        for part in self._body.parts:
            self._add(part)
        for heading in self._body.misplaced:
            self._refuse_heading(heading)
        for kind, values, loc in self._added:
            if not values.keys() & {*kind.needed}:
                self._refuse(
                    loc, self._lines[loc] - self._offset - 1, f"{dotted(loc)} has no content", kind.fix
                )
        data = self._data | {
            key: _frozen(parts)
            for key, parts in (("opening", self._opening), ("sections", self._sections))
            if parts
        }
        if not (self._opening or self._sections):
            fix = "write a text, a section (`## …`) or a story (`### …`)"
            self._refuse(("body",), -1, "there is no text below the front matter", fix)
            data["opening"] = ({"text": "-"},)  # the model has nothing to say about it
        return Document(self._shown, data, self._lines, self.problems, text)

    def _add(self, part: Part) -> None:
        level = part.heading.level if part.heading else PASSAGE
        if part.heading is None and not (part.has_text or part.keys):
            return
        values: dict[str, Any] = {}
        loc = self._place(level, values, part.heading.line if part.heading else part.first)
        if part.heading:
            self._add_heading(_KINDS[level], values, loc, part.heading)
        if part.keys:
            self._add_keys(_KINDS[level], values, loc, part.keys)
        if part.has_text:
            self._add_text(values, loc, part)
        self._added.append((_KINDS[level], values, loc))
        self._values += _count(values)
        if self._values > MAX_VALUES:
            self._stop(loc, f"the file has more than {MAX_VALUES:,} values up to here")

    def _stop(self, loc: Loc, what: str) -> NoReturn:
        raise IssueError.of(f"{self._shown}:{self._lines[loc]}", what, "shorten the file")

    def _place(self, level: int, values: dict[str, Any], line: int) -> Loc:
        """Append a part to the list that it belongs to; return its location."""
        loc: Loc
        if level == PASSAGE and not self._sections:
            loc, owner = ("opening",), self._opening
        elif level == SECTION:
            loc, owner = ("sections",), self._sections
        else:
            if not self._sections:
                self._sections.append({})
                self._mark(("sections",), line)
                self._mark(("sections", 0), line)
            loc, owner = self._inner(level)
        self._mark(loc, line)
        owner.append(values)
        loc = (*loc, len(owner) - 1)
        self._mark(loc, line)
        return loc

    def _inner(self, level: int) -> tuple[Loc, list[dict[str, Any]]]:
        """Return the list of stories of the last section, or of passages of the last story."""
        loc: Loc = ("sections", len(self._sections) - 1, "stories")
        stories: list[dict[str, Any]] = self._sections[-1].setdefault("stories", [])
        if level == STORY:
            return loc, stories
        return (*loc, len(stories) - 1, "passages"), stories[-1].setdefault("passages", [])

    def _add_heading(self, kind: _Kind, values: dict[str, Any], loc: Loc, heading: Heading) -> None:
        self._heading_characters += len(heading.source)
        if self._heading_characters > MAX_HEADING_CHARACTERS:
            self._stop(loc, f"the headings up to here have more than {MAX_HEADING_CHARACTERS:,} characters")
        title, link = heading.source, None
        if kind.heading == "title":
            title, link = blocks.linked_title(heading.source, self._body.references)
        values[kind.heading] = title
        self._mark((*loc, kind.heading), heading.line)
        if not title.strip():
            self._refuse((*loc, kind.heading), heading.line, "the heading is empty", "write its words")
        if link is not None:
            values["link"] = link
            self._mark((*loc, "link"), heading.line)

    def _add_keys(self, kind: _Kind, values: dict[str, Any], loc: Loc, block: KeyBlock) -> None:
        line = block.line - 1
        if not block.is_closed:
            return self._refuse(loc, line, "the block ``` that starts here has no end", "end it with ```")
        try:
            keys = reader.parse(block.content, self._shown, IssueError)
        except IssueError as error:
            self.problems += [(loc, self._moved(problem, block)) for problem in error.problems]
            return None
        known = [key for key in kind.model.model_fields if key not in kind.written]
        if not isinstance(keys.data, dict | None) or not {*(keys.data or known)} & {*kind.model.model_fields}:
            what = f"the block ```yaml right below a heading has none of the keys {', '.join(known)}"
            return self._refuse(loc, line, what, f"write one of them; {_CODE}")
        for key_loc, problem in keys.problems:
            within = f"{dotted(loc)}." if key_loc else ""
            moved = self._moved(problem, block)
            self.problems.append(((*loc, *key_loc), replace(moved, what=f"{within}{moved.what}")))
        for key_loc, number in keys.lines.items():
            if key_loc and key_loc[0] not in values:
                self._lines[*loc, *key_loc] = number + block.line + self._offset
        for key, value in (keys.data or {}).items():
            if key in kind.written or key in values:
                what = f"{dotted((*loc, key))} is in the body already"
                at = keys.lines[key,] + block.line - 1
                self._refuse((*loc, key), at, what, "delete it here, or there")
            else:
                values[key] = value
        return None

    def _add_text(self, values: dict[str, Any], loc: Loc, part: Part) -> None:
        first = part.first
        try:
            lines = self._definitions.text(first, part.end)
        except IssueError as error:
            where = f"{self._shown}:{self._line(first)}"
            raise IssueError([replace(problem, where=where) for problem in error.problems]) from error
        blank = next((n for n, line in enumerate(lines) if line.strip()), 0)
        values["text"] = "\n".join(lines[blank:]).rstrip()
        self._mark((*loc, "text"), first + blank)

    def _refuse_heading(self, heading: Heading) -> None:
        loc: Loc = (f"line {heading.line}",)
        if not heading.underline:
            what = "a heading with one # is the title of a page, and the title of the mail is `subject`"
            return self._refuse(loc, heading.line, what, "delete it, or write ## for a section")
        what = f"the line of {heading.underline * 3} below a text makes the text a heading"
        fix = f"for a rule, write an empty line above {heading.underline * 3}; for a section, write ## …"
        return self._refuse(loc, heading.line, what, fix)

    def _refuse(self, loc: Loc, line: int, what: str, fix: str) -> None:
        """Add a problem; `line` is that of the body, from 0."""
        self.problems.append((loc, Problem(f"{self._shown}:{self._line(line)}", what, fix)))

    def _moved(self, problem: Problem, block: KeyBlock) -> Problem:
        return replace(problem, where=f"{self._shown}:{line_of(problem) + block.line + self._offset}")

    def _mark(self, loc: Loc, line: int) -> None:
        self._lines.setdefault(loc, self._line(line))

    def _line(self, line: int) -> int:
        return line + self._offset + 1


def _count(value: object) -> int:
    """Return the number of values in a value; an alias counts as the value that it repeats."""
    parts: Any = value.values() if isinstance(value, Mapping) else value
    return 1 + (sum(map(_count, parts)) if isinstance(value, Mapping | tuple) else 0)


def _frozen(value: Any) -> Any:
    """Return a value with tuples in place of lists."""
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return {key: _frozen(part) for key, part in value.items()} if isinstance(value, dict) else value
