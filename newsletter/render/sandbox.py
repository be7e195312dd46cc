"""Restrict templates to a written list of attributes and calls.

Jinja2's own sandbox permits every attribute without a leading underscore, so that each method of each object
would have to be harmless. Here only the listed names can be read.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from types import CodeType
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError, Undefined, nodes
from jinja2.environment import TemplateModule
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.filters import _GroupTuple
from jinja2.loaders import split_template_path
from jinja2.runtime import Context, LoopContext, Macro, TemplateReference
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Namespace
from markupsafe import Markup

from newsletter.render.template_data import Date, Fields
from newsletter.render.template_functions import (
    Block,
    BlockContext,
    Cycler,
    Function,
    Joiner,
    pretty,
    with_lists,
    without_address,
)

# The methods of text. `format` is missing: the filter of this name does the same.
_TEXT = (
    "capitalize casefold count endswith find isalnum isalpha isascii isdecimal isdigit islower isnumeric "
    "isspace istitle isupper join lower lstrip partition removeprefix removesuffix replace rfind rpartition "
    "rsplit rstrip split splitlines startswith strip swapcase title upper"
)

# The attributes that templates may read, by type. An object has those of the first type that it belongs to.
ATTRIBUTES: Mapping[type, frozenset[str]] = {
    of: frozenset(names.split())
    for of, names in (
        (Date, "year month day"),
        (Markup, f"{_TEXT} striptags unescape"),
        (str, _TEXT),
        (dict, "get items keys values"),
        (_GroupTuple, "grouper list"),
        (list, "count index"),
        (tuple, "count index"),
        (
            LoopContext,
            "changed cycle depth depth0 first index index0 last length nextitem previtem revindex revindex0",
        ),
        (Block, "super"),
        (Macro, "arguments caller catch_kwargs catch_varargs name"),
        (Cycler, "current next reset"),
    )
}
_CALLABLE_TYPES = (Function, Macro, Block, LoopContext, Joiner)
# The numbers of lines of a template and, after each, of the Python code that Jinja2 makes of it.
_LINES = re.compile(r"(?<=['&])([0-9]+)=([0-9]+)(?=[&'])")


class _StatelessTemplate(Template):
    """A template that is run again by each `import`.

    Jinja2 would keep the variables of an imported template, in which a template could count how often it was
    rendered: a mail that is sent would differ from its preview.
    """

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        self._module = None
        return super()._get_default_module(ctx)


class RestrictedEnvironment(SandboxedEnvironment):
    """A Jinja2 environment whose templates can read only fields, items and the listed attributes."""

    template_class = _StatelessTemplate
    context_class = BlockContext

    def __init__(self, **options: Any) -> None:
        # Jinja2's optimizer computes constants before it knows the line of a mistake in them.
        super().__init__(undefined=StrictUndefined, optimized=False, **options)
        # Random output would make the sent mail differ from its preview.
        del self.globals["lipsum"], self.filters["random"]
        functions: dict[str, Any] = {**self.globals, "cycler": Cycler, "joiner": Joiner}
        self.globals = {name: Function(called, name) for name, called in functions.items()}
        self.filters.update({name: with_lists(called) for name, called in self.filters.items()})
        self.filters["pprint"] = pretty

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        with _limits_as_mistakes(filename):
            return super()._parse(source, name, filename)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        with _limits_as_mistakes(filename):
            return super()._generate(source, name, filename, defer_init)

    def _compile(self, source: str, filename: str) -> CodeType:
        try:
            with _limits_as_mistakes(filename):
                return super()._compile(source, filename)
        except SyntaxError as failure:
            line = _template_line(source, failure.lineno or 0)
            raise TemplateSyntaxError(str(failure.msg), line, filename=filename) from failure

    def join_path(self, template: Any, parent: str) -> Any:
        """Return the one spelling of a template's name: `./a`, `//a` and `a` are the same file.

        A template that writes names of its own would otherwise fill the caches.
        """
        try:
            return "/".join(split_template_path(template)) if isinstance(template, str) else template
        except TemplateNotFound:
            return template

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:
        """Return a template; raise TemplateRuntimeError for a name that is not text, such as `self`."""
        _refuse_no_names([name])
        return super().get_template(name, parent, globals)

    def select_template(self, names: Any, parent: str | None = None, globals: Any = None) -> Template:
        """Return the first template that there is; raise TemplateRuntimeError for names that are not text."""
        _refuse_no_names(names if isinstance(names, list | tuple) else [names])
        return super().select_template(names, parent, globals)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any = None) -> bool:
        """Return True for an attribute in the list, and for a name that the template itself has made."""
        if isinstance(obj, TemplateModule | Namespace):
            return not attr.startswith("_")
        of: type = type(obj)
        return attr in _listed(of)

    def is_safe_callable(self, obj: Any) -> bool:
        """Return True for a listed method, a global function of Jinja2, and a macro, block or loop."""
        if not callable(obj) or isinstance(obj, Undefined):
            return True  # the call itself raises a clear error
        return isinstance(obj, _CALLABLE_TYPES)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a field of a mapping or a listed attribute of another object, else an undefined value."""
        if isinstance(obj, dict | TemplateReference):
            try:
                return without_address(obj[attribute])  # a field, or a block of `self`
            except KeyError:
                pass
        if self.is_safe_attribute(obj, attribute):
            try:
                return without_address(getattr(obj, attribute))
            except AttributeError:  # a name that a module or a namespace does not have
                return self.undefined(obj=obj, name=attribute)
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        if isinstance(obj, Fields):
            return self.undefined(f"{obj.part} has no field {attribute!r}", obj, attribute)
        if attribute in dir(type(obj)):
            what = f"access to attribute {attribute!r} of {type(obj).__name__!r} object is unsafe"
            return self.undefined(what, obj, attribute, SecurityError)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an item, else what `getattr` returns for the name."""
        try:
            return without_address(obj[argument])
        except (TypeError, LookupError):
            if isinstance(argument, str):
                return self.getattr(obj, argument)
        return self.undefined(obj=obj, name=argument)


@cache
def _listed(of: type) -> frozenset[str]:
    """Return the listed attributes of the objects of a type."""
    return next((names for listed, names in ATTRIBUTES.items() if issubclass(of, listed)), frozenset())


def _refuse_no_names(names: Sequence[Any]) -> None:
    if not all(isinstance(name, str | Template | Undefined) for name in names):
        raise TemplateRuntimeError('the name of a template must be text, such as "story.txt.j2"')


@contextmanager
def _limits_as_mistakes(filename: str | None) -> Iterator[None]:
    """Raise TemplateSyntaxError if Python cannot compile a template: too many levels, too long a number."""
    try:
        yield
    except (RecursionError, ValueError) as failure:
        is_deep = isinstance(failure, RecursionError)
        what = "an expression or a block has too many levels" if is_deep else str(failure)
        raise TemplateSyntaxError(what, 1, filename=filename) from failure


def _template_line(code: str, line: int) -> int:
    """Return the line of a template from which a line of its Python code was made."""
    pairs = _LINES.findall(code.rpartition("\n")[2])
    return max((int(written) for written, made in pairs if int(made) <= line), default=1)
