"""Read the texts of this package, in which `%{name}` stands for a value."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

from newsletter.disk import reading

_FOLDER = Path(__file__).parent
_MAX_BYTES = 100_000


class _Template(Template):
    # `$` belongs to the expressions of GitHub, `${{ … }}`.
    delimiter = "%"


def starter_text(name: str, values: Mapping[str, str]) -> str:
    """Return a text with its values; a line that consists of an empty value is left out.

    `name` is the path of its file in this package. Raise KeyError if the text names another value.
    """
    text = reading.read(_FOLDER / name, _MAX_BYTES).decode()
    empty = [f"%{{{key}}}" for key, value in values.items() if not value]
    kept = (line for line in text.splitlines(keepends=True) if line.strip() not in empty)
    return _Template("".join(kept)).substitute(values)
