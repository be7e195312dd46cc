"""Keep compiled templates: all in this process, and the built-in ones on the disk, as Python keeps modules.

To compile the built-in templates takes a seventh of the time of `news render`. Their code is kept in
`__pycache__`, by the rules for modules: anybody who can write there can change the program too, nothing is
written with PYTHONDONTWRITEBYTECODE, and a folder that cannot be written is no error. The templates of a
newsletter are untrusted: their code is not kept.
"""

import marshal
import sys
from contextlib import suppress
from hashlib import sha256
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from types import CodeType
from typing import ClassVar

import jinja2
from jinja2.bccache import Bucket

from newsletter import __version__
from newsletter.disk import reading, writing
from newsletter.render.template_files import BUILT_IN

# The options of an environment by which Jinja2 makes other code of the same template.
_OPTIONS = (
    "autoescape",
    "keep_trailing_newline",
    "lstrip_blocks",
    "newline_sequence",
    "optimized",
    "sandboxed",
    "trim_blocks",
)
_MAX_BYTES = 1_000_000  # the largest has 25 KB
_DIGEST_BYTES = sha256().digest_size


class CompiledTemplates(jinja2.BytecodeCache):
    """A cache of compiled templates, separately for `traced` ones, which are not kept on the disk."""

    # The checksum of a template and its code, by its key, by `traced`, and by whether values are escaped.
    _compiled: ClassVar[dict[tuple[str, bool, bool], tuple[str, CodeType]]] = {}

    def __init__(self, *, traced: bool) -> None:
        self._traced = traced

    def get_bucket(
        self, environment: jinja2.Environment, name: str, filename: str | None, source: str
    ) -> Bucket:
        """Return the code of a template, if it is kept, with the checksum of what it is made from."""
        key = f"{name}\0{filename or ''}"  # both are in the code
        bucket = Bucket(environment, key, _checksum(environment, key, source))
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self._compiled.get(self._key(bucket), ("", None))
        if checksum == bucket.checksum:
            bucket.code = code
        elif (file := self._file(bucket)) and (code := _load(file, bucket)):
            bucket.code = code
            self._remember(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._remember(bucket)
        if not sys.dont_write_bytecode and (file := self._file(bucket)):
            code = marshal.dumps(bucket.code)
            if len(code) < _MAX_BYTES:
                with suppress(OSError):
                    writing.write_public(file, _digest(bucket, code) + code)

    def _remember(self, bucket: Bucket) -> None:
        if bucket.code:
            self._compiled[self._key(bucket)] = bucket.checksum, bucket.code

    def _key(self, bucket: Bucket) -> tuple[str, bool, bool]:
        return bucket.key, self._traced, bool(bucket.environment.autoescape)

    def _file(self, bucket: Bucket) -> Path | None:
        """Return the file for the code of a template, None if it is not kept on the disk."""
        source = Path(bucket.key.partition("\0")[2])
        if self._traced or not source.is_relative_to(BUILT_IN):
            return None
        try:
            module = Path(cache_from_source(__file__))
        except NotImplementedError:  # a Python without bytecode
            return None
        name = "-".join(source.relative_to(BUILT_IN).parts)
        kind = "escaped" if bucket.environment.autoescape else "plain"
        return module.with_name(f"{name}.{kind}.{sys.implementation.cache_tag}.pyc")


def _load(file: Path, bucket: Bucket) -> CodeType | None:
    """Return the code in a file, None if it is missing, damaged, or of another source, Python or Jinja2."""
    try:
        content = reading.read(file, _DIGEST_BYTES + _MAX_BYTES)
    except OSError:
        return None
    digest, code = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if digest != _digest(bucket, code):
        return None
    loaded: CodeType = marshal.loads(code)
    return loaded


def _digest(bucket: Bucket, code: bytes) -> bytes:
    """Return the SHA-256 of the checksum and the code of a template: Python would run damaged code."""
    return sha256(bucket.checksum.encode() + code).digest()


def _checksum(environment: jinja2.Environment, key: str, source: str) -> str:
    """Return a checksum of what the code of a template is made from.

    Of a filter, it has the name and the kind of arguments. A built-in template must not write a filtered
    constant: Jinja2 would compute it when it compiles, and keep it when the filter changes.
    """
    options = [getattr(environment, name) for name in _OPTIONS]
    # The code passes the context, for example, to the filters and tests that ask for it.
    passed = [
        (name, str(getattr(called, "jinja_pass_arg", "")))
        for named in (environment.filters, environment.tests)
        for name, called in named.items()
    ]
    versions = (MAGIC_NUMBER, jinja2.__version__, __version__)
    return sha256(repr((versions, key, source, options, passed)).encode()).hexdigest()
