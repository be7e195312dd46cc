"""Find the code in the Markdown that an editor wrote, so that checks of the source leave it out."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from newsletter.render.commonmark.inspection import code_lines

_BACKTICKS = re.compile(r"`++")
_NOT_SPACE = re.compile(r"\S")


@lru_cache(maxsize=512)
def without_code(source: str) -> str:
    """Return Markdown with blanks in the place of code blocks and code spans; each line keeps its place."""
    code = code_lines(source)
    lines = ["" if number in code else line for number, line in enumerate(source.split("\n"))]
    blocks = re.split(r"(\n[ \t]*+\n)", "\n".join(lines))
    return "".join(map(_without_spans, blocks))


def only_code(source: str) -> str:
    """Return Markdown with nothing but its code blocks; each line keeps its place."""
    code = code_lines(source)
    return "\n".join(line if number in code else "" for number, line in enumerate(source.split("\n")))


def _without_spans(block: str) -> str:
    parts, at = [], 0
    for start, end in _spans(block):
        parts += [block[at:start], _NOT_SPACE.sub(" ", block[start:end])]
        at = end
    return "".join((*parts, block[at:]))


def _spans(block: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each code span: from a run of backticks to the next one of its length."""
    runs = list(_BACKTICKS.finditer(block))
    later: dict[int, list[int]] = defaultdict(list)
    for number in reversed(range(len(runs))):
        later[len(runs[number][0])].append(number)
    number = 0
    while number < len(runs):
        run = runs[number]
        same = later[len(run[0])]
        while same and same[-1] <= number:
            same.pop()
        is_escaped = block.startswith("\\", run.start() - 1) if run.start() else False
        if same and not is_escaped:
            yield run.start(), runs[same[-1]].end()
            number = same[-1]
        number += 1
