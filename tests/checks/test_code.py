"""The code in Markdown, which checks of the source leave out; markdown-it is the judge."""

import pytest
from markdown_it import MarkdownIt

from newsletter.checks.code import only_code, without_code

SOURCES = [
    "a `b` c",
    "``a ` b`` c `d`",
    "a \\`b` c`",
    "a `b\nc` d",
    "a `b\n\nc` d",
    "a ` b `` c ` d",
    "```\nx\n```\ny",
    "```py\nx",
    "~~~ a`b\nx\n~~~\ny `z`",
    "````\n```\nx\n````\ny",
    "```a`b\nx",
    "p\n\n    code\n\n    more\n\np",
    "p\n    no code",
    "    code\np",
    "- a\n\n      ```\n      x\n      ```\n- b",
    "- a\n\n    no code\n\np\n\n    code",
    "> ```\n> x\n> ```\n> y",
    "1. a\n   ~~~\n   x\n   ~~~\n2. b",
    "# h\n\n\tcode",
    "# h\n    code",
    "- a\n\n      code",
    "<!--\n```\n-->\nx `y` z",
]


@pytest.mark.parametrize("source", SOURCES)
def test_code_is_what_markdown_takes_for_code(source: str) -> None:
    tokens = MarkdownIt("commonmark").parse(source)
    code = [
        line
        for token in tokens
        if token.type in ("fence", "code_block")
        for line in range(*token.map or (0,))
    ]
    shown_lines = [bool(line.strip()) for line in only_code(source).split("\n")]
    lines = source.split("\n")
    assert [n for n, is_code in enumerate(shown_lines) if is_code] == [n for n in code if lines[n].strip()]
    spans = [
        child.content for token in tokens for child in token.children or () if child.type == "code_inline"
    ]
    shown = without_code(source)
    assert [len(line) for line in shown.split("\n") if line] == [
        len(line) for n, line in enumerate(lines) if line and n not in code
    ]
    assert all(word not in shown for span in spans for word in span.split() if source.count(word) == 1)
