"""Jinja2: templates are found, filled, and their mistakes given a file and a line.

A newsletter's own `templates/` come before the built-in ones, by name.
"""

import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from newsletter.display import display_path
from newsletter.errors import TemplateError, cannot_be
from newsletter.issue.model import Issue
from newsletter.render import filters, markdown
from newsletter.render.model import Site

# The wheel carries the repository's templates inside the package; a checkout has them beside it.
_PACKAGE = Path(__file__).parent.parent
BUILT_IN = next(p for p in (_PACKAGE / "templates", _PACKAGE.parent / "templates") if p.is_dir())

_MISTAKES = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
    MemoryError,
)
# What neither XML nor mail can hold, and a carriage return, which mrml takes for text.
_NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_MARK = re.compile("\ue0f0(.*?)\ue0f1")  # private-use characters around `file:line`


@dataclass(frozen=True)
class Filled:
    """A filled template; `where(n)` is the `file:line` that the n-th character of `text` came from."""

    text: str
    where: Callable[[int], str]

    def line(self, number: int) -> int:
        """Where a line starts; the end of the text where there is no such line."""
        position = 0
        for _ in range(number - 1):
            position = self.text.find("\n", position) + 1
            if not position:
                return len(self.text)
        return position


def render_template(name: str, issue: Issue, site: Site) -> Filled:
    """Fills a template with an issue; raises TemplateError with the template's file and line."""
    autoescape = name.endswith(".mjml.j2")
    filled = _render_template(_environment(site.templates, autoescape, traced=False), name, issue, site)

    def where(position: int) -> str:
        # Tracing costs a second filling, so it waits until somebody asks.
        environment = _environment(site.templates, autoescape, traced=True)
        traced = _render_template(environment, name, issue, site)
        return _origin(traced, position) or _shown(Path(str(environment.get_template(name).filename)))

    return Filled(filled, where)


def _render_template(environment: ImmutableSandboxedEnvironment, name: str, issue: Issue, site: Site) -> str:
    try:
        filled = environment.get_template(name).render(issue=issue, site=site, labels=site.labels)
    except _MISTAKES as problem:
        # A template is input, so what its own expressions raise are answers.
        what, fix = _explained(problem)
        raise TemplateError(what, fix, where=_place(problem) or name) from problem
    return _NOT_TEXT.sub("\ufffd", filled.replace("\r\n", "\n").replace("\r", "\n"))


@cache
def _environment(templates: str | None, autoescape: bool, *, traced: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=_Loader([*([Path(templates)] if templates else []), BUILT_IN]),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_Tracing] if traced else [],
    )
    # Whatever differs from run to run has no place in a mail that is rendered once and previewed before.
    environment.globals.pop("lipsum")
    environment.filters.pop("random")
    environment.filters["week"] = filters.week
    environment.filters["markdown"] = lambda source, below=3: Markup(markdown.to_html(source, below))
    environment.filters["capitals"] = filters.capitals
    environment.filters["plain"] = filters.plain
    environment.filters["wrapped"] = filters.wrapped
    return environment


class _Loader(jinja2.BaseLoader):
    """The first folder that has a template of that name; looked up each time, so that a new file counts."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        file = self._find(template)
        read = file.stat().st_mtime_ns if file.exists() else 0

        def fresh() -> bool:
            return self._find(template) == file and file.stat().st_mtime_ns == read

        return _read(file), str(file), fresh

    def _find(self, template: str) -> Path:
        parts = jinja2.loaders.split_template_path(template)
        for folder in self._folders:
            file = folder.joinpath(*parts)
            if file.exists() or file.is_symlink():
                return file
        raise jinja2.TemplateNotFound(template)


def _read(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except OSError as failure:
        fix = "a template is a file that this user may read"
        what = cannot_be("read", failure)
        raise TemplateError(what, fix, where=_shown(file)) from failure
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = raw.count(b"\n", 0, failure.start) + 1
        raise TemplateError(
            "not UTF-8 text", "save the file as UTF-8", where=f"{_shown(file)}:{line}"
        ) from failure


class _Tracing(Extension):
    """Puts marks into a template's text, one a line and one before each value, to trace output back."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            here = f"\ue0f0{stream.filename}:%d\ue0f1"
            if token.type == "data":
                lines = enumerate(token.value.split("\n"), token.lineno)
                marked = "\n".join(here % number + line for number, line in lines)
                yield Token(token.lineno, "data", marked)
            elif token.type == "variable_begin":
                yield Token(token.lineno, "data", here % token.lineno)
                yield token
            else:
                yield token


def _origin(traced: str, position: int) -> str | None:
    """The last mark before a position, which counts characters as if there were no marks."""
    found, marks = None, 0
    for mark in _MARK.finditer(traced):
        if mark.start() - marks > position:
            break
        marks += len(mark[0])
        found = mark[1]
    if found is None:
        return None
    file, _, line = found.rpartition(":")
    return f"{_shown(Path(file))}:{line}"


def _explained(problem: BaseException) -> tuple[str, str]:
    """What is wrong and what to do, in words for whoever wrote the template."""
    match problem:
        case jinja2.TemplateSyntaxError():
            return str(problem.message).rstrip("."), "correct the template, here or above"
        case jinja2.TemplateNotFound():
            return f"there is no template {problem.name}", "correct the name, or add the file"
        case jinja2.UndefinedError():
            what = re.sub(r"'\S*?(\w+) object' has no attribute", r"\1 has no field", str(problem.message))
            fix = "`issue`, `site` and `labels` are what a template knows; free fields are in issue.extra"
            return what, fix
        case SecurityError():
            return str(problem).rstrip("."), "templates may only read; do this outside"
        case RecursionError():
            return "this goes round in circles", "a template must not include itself, not even through others"
    return str(problem).rstrip(".") or type(problem).__name__, "correct the expression"


def _place(problem: BaseException) -> str | None:
    """The template's line in a traceback, which Jinja2 writes as if templates were Python files."""
    if isinstance(problem, jinja2.TemplateSyntaxError) and problem.filename:
        return f"{_shown(Path(problem.filename))}:{problem.lineno}"
    frames = traceback.extract_tb(problem.__traceback__)
    places = [f"{_shown(Path(f.filename))}:{f.lineno}" for f in frames if f.filename.endswith(".j2")]
    return places[-1] if places else None


def _shown(file: Path) -> str:
    return display_path(file)
