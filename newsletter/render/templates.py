"""Render Jinja2 templates, and report their mistakes with file and line."""

import os
import re
import traceback
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup

from newsletter.display import display_path
from newsletter.errors import TemplateError
from newsletter.render import filters, markdown
from newsletter.render.compiled_templates import CompiledTemplates
from newsletter.render.east_asian import columns
from newsletter.render.markdown_context import MarkdownContext, rendering
from newsletter.render.model import Site
from newsletter.render.sandbox import RestrictedEnvironment
from newsletter.render.template_data import TemplateInput
from newsletter.render.template_files import TemplateLoader
from newsletter.render.themes import ThemeName

_MISTAKES = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    AssertionError,  # of a filter of Jinja2 that tests its arguments so
    RuntimeError,  # also a RecursionError
    MemoryError,
)
# Characters that XML or mail does not allow, and the carriage return, which mrml would write as text.
_INVALID = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NO_ATTRIBUTE = re.compile(r"'(?:[\w.]*\.)?(\w+) object' has no attribute")
# A mark is the token and `file:line` between private-use characters; no text of an issue has the token.
_TOKEN = os.urandom(8).hex()
_MARK = re.compile(f"\ue0f0{_TOKEN}([^\ue0f0\ue0f1]*+)\ue0f1")


_WEB_PAGE = ".html.j2"
# The ends of the names of templates whose values are escaped for HTML.
_ESCAPED = (".mjml.j2", _WEB_PAGE)
_MAIL_VARIABLES = "a template can use `issue`, `site` and `labels`; free fields are in issue.extra"


@dataclass(frozen=True)
class Filled:
    """A rendered template; `where(n)` returns the `file:line` that wrote the n-th character of `text`."""

    text: str
    where: Callable[[int], str]

    def line(self, number: int) -> int:
        """Return the position of a line's first character; the length of the text if the line is missing."""
        position = 0
        for _ in range(number - 1):
            position = self.text.find("\n", position) + 1
            if not position:
                return len(self.text)
        return position


def render_template(name: str, given: TemplateInput) -> Filled:
    """Render a template with an issue. Raise TemplateError with the template's file and line."""
    variables, context = given.variables, given.markdown.context
    environment_of = partial(_environment_of, name, given.site)
    filled = _render_template(environment_of(traced=False), name, variables, context, _MAIL_VARIABLES)

    @cache
    def origins() -> _Origins:
        # Trace only on request, because tracing renders the template again.
        environment = environment_of(traced=True)
        traced = _render_template(environment, name, variables, context, _MAIL_VARIABLES)
        return _Origins(traced, str(environment.get_template(name).filename))

    return Filled(filled, lambda position: origins().where(position))


def render_text(
    name: str, site: Site, variables: Mapping[str, Any], context: MarkdownContext | None = None
) -> str:
    """Render a template that is no part of a mail, such as a web page. Raise as `render_template`.

    `context` is that of the issue whose Markdown the template converts.
    """
    known = f"this template can use {', '.join(f'`{variable}`' for variable in variables)}"
    environment = _environment_of(name, site, traced=False)
    return _render_template(environment, name, variables, context or MarkdownContext(), known)


def _render_template(
    environment: RestrictedEnvironment,
    name: str,
    variables: Mapping[str, Any],
    context: MarkdownContext,
    known: str,
) -> str:
    """Return the output of a template; `known` is the fix for a variable that does not exist."""
    try:
        with rendering(context):
            filled = environment.get_template(name).render(variables)
    except _MISTAKES as failure:
        # A template is input, so any exception of its expressions is a mistake in the template.
        what, fix = _explain(failure, known)
        raise TemplateError(what, fix, where=_place(failure) or name) from failure
    return _INVALID.sub("\ufffd", filled.replace("\r\n", "\n").replace("\r", "\n"))


def _environment_of(name: str, site: Site, *, traced: bool) -> RestrictedEnvironment:
    """Return the environment for a template of a newsletter, by the end of the template's name."""
    autoescape, is_page = name.endswith(_ESCAPED), name.endswith(_WEB_PAGE)
    return _environment(
        site.templates,
        autoescape,
        traced=traced,
        is_page=is_page,
        theme=site.theme,
        language=site.language,
    )


@cache
def _environment(
    templates: str | None,
    autoescape: bool,
    *,
    traced: bool,
    is_page: bool = False,
    theme: ThemeName = "digest",
    language: str = "en",
) -> RestrictedEnvironment:
    to_html = markdown.to_web_html if is_page else markdown.to_html
    environment = RestrictedEnvironment(
        loader=TemplateLoader(Path(templates) if templates else None, theme),
        autoescape=autoescape,
        bytecode_cache=CompiledTemplates(traced=traced),
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_Tracing] if traced else [],
    )
    environment.filters["week"] = partial(filters.week, language=language)
    environment.filters["markdown"] = lambda source, below=3: Markup(to_html(source, below))
    environment.filters["inline"] = lambda line, links=False: Markup(markdown.inline_html(line, links))
    environment.filters["inline_plain"] = markdown.inline_text
    environment.filters["capitals"] = filters.capitals
    environment.filters["plain"] = filters.plain
    environment.filters["columns"] = columns
    environment.filters["wrapped"] = filters.wrapped
    return environment


class _Tracing(Extension):
    """Write a mark before each line and each value of a template, so that output is traceable to its line."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for token in stream:
            mark = f"\ue0f0{_TOKEN}{stream.filename}:%d\ue0f1"
            if token.type == "data":
                lines = enumerate(token.value.split("\n"), token.lineno)
                marked = "\n".join(mark % number + line for number, line in lines)
                yield Token(token.lineno, "data", marked)
            elif token.type == "variable_begin":
                yield Token(token.lineno, "data", mark % token.lineno)
                yield token
            else:
                yield token


class _Origins:
    """The `file:line` that wrote each part of a traced output; positions are counted without the marks."""

    def __init__(self, traced: str, template: str) -> None:
        self._template = template
        self._starts: list[int] = []
        self._places: list[str] = []
        marks_length = 0
        for mark in _MARK.finditer(traced):
            self._starts.append(mark.start() - marks_length)
            self._places.append(mark[1])
            marks_length += len(mark[0])

    def where(self, position: int) -> str:
        """Return `file:line` of the last mark before a position; the template's file if there is none."""
        number = bisect_right(self._starts, position)
        if not number:
            return display_path(Path(self._template))
        file, _, line = self._places[number - 1].rpartition(":")
        return f"{display_path(Path(file))}:{line}"


def _explain(failure: BaseException, known: str) -> tuple[str, str]:
    """Return the problem and the fix in words for the author of the template."""
    match failure:
        case jinja2.TemplateSyntaxError():
            return str(failure.message).rstrip("."), "correct the template, in this line or before it"
        case jinja2.TemplateNotFound():
            return f"there is no template {failure.name}", "correct the name, or add the file"
        case jinja2.UndefinedError():
            what = _NO_ATTRIBUTE.sub(r"\1 has no field", str(failure.message))
            return what, known
        case SecurityError():
            return str(failure).rstrip("."), "templates can only read data; change it in the issue file"
        case MemoryError():
            return "needs too much memory", "use smaller numbers"
        case RecursionError():
            what = "the templates include each other in a loop"
            return what, "a template must not include itself, directly or through others"
    return str(failure).rstrip(".") or type(failure).__name__, "correct the expression"


def _place(failure: BaseException) -> str | None:
    """Return the template's `file:line` from a traceback, in which Jinja2 shows templates as Python files."""
    if isinstance(failure, jinja2.TemplateSyntaxError) and failure.filename:
        return f"{display_path(Path(failure.filename))}:{failure.lineno}"
    frames = traceback.extract_tb(failure.__traceback__)
    places = [f"{display_path(Path(f.filename))}:{f.lineno}" for f in frames if f.filename.endswith(".j2")]
    return places[-1] if places else None
