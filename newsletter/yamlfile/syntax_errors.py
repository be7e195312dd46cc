"""What libyaml says of a file that is no YAML, in the words of somebody who edits it."""

from typing import NamedTuple

import yaml


class SyntaxErrorHint(NamedTuple):
    """A mistake that libyaml words with `said`; `opened` where the useful line is the one it starts on."""

    said: str
    what: str
    fix: str
    opened: bool = False


_QUOTE = "put all of the text in quotes"
_FOLD = "write text with quotation marks in it on the next line, indented, and >- where it was"
_UNFIT = "this line does not fit in here"
_MISTAKES = (
    SyntaxErrorHint("cannot start any token", "{character} cannot start a text", _QUOTE),
    SyntaxErrorHint("tab character", "a tab is used to indent", "indent with spaces"),
    SyntaxErrorHint(
        "quoted scalar, found unexpected", "a quotation mark opens here and none closes it", "close it", True
    ),
    SyntaxErrorHint("unknown escape", "a backslash starts an escape in double quotes", "use single quotes"),
    SyntaxErrorHint("hexdecimal", "a backslash starts an escape in double quotes", "use single quotes"),
    SyntaxErrorHint("escape code", "the escape stands for no character", "write the character itself"),
    SyntaxErrorHint("an alias", "YAML reads text that starts with * as a name", _QUOTE),
    SyntaxErrorHint("an anchor", "YAML reads text that starts with & as a name", _QUOTE),
    SyntaxErrorHint(
        "directive", "YAML reads a line that starts with % as a directive", "delete it, or indent its text"
    ),
    SyntaxErrorHint("incompatible YAML", "the line with %YAML asks for another version", "delete it"),
    SyntaxErrorHint("tag", "YAML reads text that starts with ! as a tag", _QUOTE),
    SyntaxErrorHint(
        "block scalar", "something stands behind | or > in this line", "start the text on the next line"
    ),
    SyntaxErrorHint(
        "mapping values", 'YAML reads a ": " here as the end of a key', f"{_QUOTE}, or indent keys alike"
    ),
    SyntaxErrorHint(
        "expected ':'",
        "this line is no `key: value`",
        "indent text below its key; put a space after `:`",
        True,
    ),
    SyntaxErrorHint("expected key", _UNFIT, f"indent it like its neighbours; {_FOLD}"),
    SyntaxErrorHint("'-' indicator", _UNFIT, 'indent it like the keys of its entry, or start it with "- "'),
    SyntaxErrorHint("',' or", "a bracket opens here and none closes it", f"close it, or {_QUOTE}", True),
    SyntaxErrorHint(
        "node content", "a bracket or comma stands where a value should", f"delete it, or {_QUOTE}"
    ),
    SyntaxErrorHint(
        "sequence entries", 'a list ("- ") cannot start here', f"start it on the next line, or {_QUOTE}"
    ),
    SyntaxErrorHint("mapping keys", 'YAML reads text that starts with "? " as a key', _QUOTE),
    SyntaxErrorHint(
        "document start", "this stands behind the end of the document", "delete it, or the `...` above it"
    ),
)


def explain(problem: yaml.MarkedYAMLError, text: str) -> tuple[int, str, str]:
    """The line of a mistake, what it is, and what to do about it."""
    said = ", ".join(filter(None, (problem.context, problem.problem)))
    generic = SyntaxErrorHint("", f"not YAML ({said})", "check quotes and indentation from here upwards")
    known = next((mistake for mistake in _MISTAKES if mistake.said in said), generic)
    mark = (known.opened and problem.context_mark) or problem.problem_mark
    if mark is None:
        return 1, known.what, known.fix
    character = text[mark.index : mark.index + 1]
    if known is _MISTAKES[0] and character == "\t":
        known = _MISTAKES[1]
    return mark.line + 1, known.what.replace("{character}", character), known.fix
