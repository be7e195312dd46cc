"""Read an issue in Markdown as the same data as an issue in YAML, with the line of each value."""

from newsletter.errors import IssueError
from newsletter.issue.markdown import front_matter
from newsletter.issue.markdown.body import Body
from newsletter.yamlfile import reader
from newsletter.yamlfile.reader import Document, line_of

MAX_LINES = 20_000
"""The lines of a file; markdown-it takes about 100 microseconds for each."""


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
    body = Body(document, front.body, front.offset)
    body.problems += [((key,), problem) for key, problem in other_keys]
    return body.document(text)
