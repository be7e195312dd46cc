"""Give templates functions, blocks and lists whose text holds no address in memory.

The default text of an object of Python, such as `<function range at 0x7f…>`, differs from run to run: a
template could use it as a random number, and a mail that is sent would differ from its preview.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from types import BuiltinMethodType, MethodType
from typing import Any

from jinja2 import utils
from jinja2.runtime import BlockReference, Context, LoopContext


class _Textless:
    """An object that raises TypeError in place of its text."""

    __slots__ = ()

    def __repr__(self) -> str:
        raise TypeError(self._mistake())

    def _mistake(self) -> str:
        """Return the mistake of a template that writes this object."""
        raise NotImplementedError


class Function(_Textless):
    """A method or global function that a template may call."""

    __slots__ = ("_function", "_name")

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._function = function
        self._name = name

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._function(*arguments, **options)

    def _mistake(self) -> str:
        return f"{self._name} is a function; call it: {self._name}(…)"


class Block(_Textless, BlockReference):
    """A block of a template, or of its parent."""

    def _mistake(self) -> str:
        return f"the block {self.name} is a function; call it: self.{self.name}() or super()"


class Cycler(_Textless, utils.Cycler):
    """A cycler of Jinja2."""

    def _mistake(self) -> str:
        return "a cycler is not text; call its function next()"


class Joiner(_Textless, utils.Joiner):
    """A joiner of Jinja2."""

    def _mistake(self) -> str:
        return "a joiner is a function; call it"


class BlockContext(Context):
    """A context of Jinja2 whose `super` is a Block."""

    def super(self, name: str, current: Callable[[Context], Iterator[str]]) -> Any:
        """Return the parent's block of this name; an undefined value if there is none."""
        return without_address(super().super(name, current))


def without_address(value: Any) -> Any:
    """Return a method as a Function, a block as a Block, and every other value as it is."""
    if isinstance(value, BuiltinMethodType | MethodType):
        return Function(value, value.__name__)
    if isinstance(value, BlockReference) and not isinstance(value, Block):
        return Block(value.name, value._context, value._stack, value._depth)
    return value


def with_lists(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that returns a list where `function` returns an iterator, such as a generator."""

    @wraps(function)  # copies also the marks by which Jinja2 passes a context
    def listing(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        is_iterator = isinstance(result, Iterator) and not isinstance(result, LoopContext)
        return list(result) if is_iterator else result

    return listing


def pretty(value: Any) -> str:
    """Return a value in the notation of Python, over several lines if it is long.

    Jinja2's own filter sorts the keys of a mapping, by their addresses in memory if they cannot be compared.
    """
    from pprint import pformat  # rarely used

    return pformat(value, sort_dicts=False)
