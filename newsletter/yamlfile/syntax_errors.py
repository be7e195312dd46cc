"""Explain libyaml's syntax errors to a person who edits the file."""

from typing import NamedTuple

import yaml

from newsletter.yamlfile.lookalikes import find_cause


class SyntaxErrorHint(NamedTuple):
    """The explanation of a syntax error whose libyaml message contains `message`.

    `at_opening`: report the line where the unfinished part starts, not the line where libyaml stopped.
    """

    message: str
    what: str
    fix: str
    at_opening: bool = False


_QUOTE = "put the whole text in quotes"
_FOLD = "or write >- after the colon, and the text on the next line, indented"
_UNEXPECTED = "YAML does not expect this line here"
_HINTS = (
    SyntaxErrorHint("cannot start any token", "a text cannot start with {character}", _QUOTE),
    SyntaxErrorHint("tab character", "a tab is used to indent", "indent with spaces"),
    SyntaxErrorHint(
        "quoted scalar, found unexpected", "a quotation mark is opened here and not closed", "close it", True
    ),
    SyntaxErrorHint("unknown escape", "a backslash starts an escape in double quotes", "use single quotes"),
    SyntaxErrorHint("hexdecimal", "a backslash starts an escape in double quotes", "use single quotes"),
    SyntaxErrorHint("escape code", "this escape is not a valid character", "write the character itself"),
    SyntaxErrorHint("an alias", "YAML reads text that starts with * as a name", _QUOTE),
    SyntaxErrorHint("an anchor", "YAML reads text that starts with & as a name", _QUOTE),
    SyntaxErrorHint(
        "directive", "YAML reads a line that starts with % as a directive", "delete it, or indent its text"
    ),
    SyntaxErrorHint("incompatible YAML", "the line with %YAML asks for another version", "delete it"),
    SyntaxErrorHint("tag", "YAML reads text that starts with ! as a tag", _QUOTE),
    SyntaxErrorHint("block scalar", "this line has text after | or >", "start the text on the next line"),
    SyntaxErrorHint(
        "mapping values",
        'YAML reads a ": " here as the end of a key',
        f"{_QUOTE}, or indent the keys equally",
    ),
    SyntaxErrorHint(
        "expected ':'",
        "this line is not a `key: value` line",
        "indent text below its key; put a space after `:`",
        True,
    ),
    SyntaxErrorHint("expected key", _UNEXPECTED, f"indent it like the lines around it, {_FOLD}"),
    SyntaxErrorHint(
        "'-' indicator", _UNEXPECTED, 'indent it like the keys of its entry, or start it with "- "'
    ),
    SyntaxErrorHint("',' or", "a bracket is opened here and not closed", f"close it, or {_QUOTE}", True),
    SyntaxErrorHint(
        "node content", "a bracket or comma is in the place of a value", f"delete it, or {_QUOTE}"
    ),
    SyntaxErrorHint(
        "sequence entries", 'a list ("- ") cannot start here', f"start it on the next line, or {_QUOTE}"
    ),
    SyntaxErrorHint("mapping keys", 'YAML reads text that starts with "? " as a key', _QUOTE),
    SyntaxErrorHint(
        "document start",
        "this line is after the end of the document",
        "delete it, or delete the `...` above it",
    ),
)


def explain(error: yaml.MarkedYAMLError, text: str) -> tuple[int, str, str]:
    """Return the line of a syntax error, the error in words, and the fix."""
    message = ", ".join(filter(None, (error.context, error.problem)))
    generic = SyntaxErrorHint(
        "", f"the file is not valid YAML ({message})", "check quotes and indentation from here upwards"
    )
    hint = next((hint for hint in _HINTS if hint.message in message), generic)
    mark = (hint.at_opening and error.context_mark) or error.problem_mark
    if mark is None:
        return 1, hint.what, hint.fix
    if cause := find_cause(text, (error.problem_mark or mark).line):
        number, mistake = cause
        return number + 1, mistake.what, mistake.fix
    character = text[mark.index : mark.index + 1]
    if hint is _HINTS[0] and character == "\t":
        hint = _HINTS[1]  # libyaml reports some tabs with the message of the first hint
    return mark.line + 1, hint.what.replace("{character}", character), hint.fix
