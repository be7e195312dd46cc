"""Keep compiled templates: all in this process, and the built-in ones on the disk, as Python keeps modules.

To compile the built-in templates takes a sixth of the time of `news render`. Their files are in the folder
for the bytecode of this package, under the rules for modules: who can write there can change the program
anyway, nothing is written with PYTHONDONTWRITEBYTECODE, and a folder that cannot be written is no error.
Templates of a newsletter are a stranger's, and leave nothing on the disk.
"""

import marshal
import os
import sys
from contextlib import suppress
from hashlib import sha256
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from types import CodeType
from typing import ClassVar

import jinja2
from jinja2.bccache import Bucket

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
_MAX_BYTES = 10_000_000
_FINGERPRINT_BYTES = sha256().digest_size


class CompiledTemplates(jinja2.BytecodeCache):
    """A cache of compiled templates, separately for `traced` ones, which are not kept on the disk."""

    # The checksum of a template's source and its code, by the key of the template and by `traced`.
    _compiled: ClassVar[dict[tuple[str, bool], tuple[str, CodeType]]] = {}

    def __init__(self, *, traced: bool) -> None:
        self._traced = traced

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the name and the file of a template; both are in its code."""
        return f"{name}\0{filename or ''}"

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self._compiled.get((bucket.key, self._traced), ("", None))
        if checksum == bucket.checksum:
            bucket.code = code
        elif (file := self._file(bucket)) and (kept := _load(file, bucket)):
            bucket.code = kept
            self._remember(bucket, kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code:
            self._remember(bucket, bucket.code)
            if not sys.dont_write_bytecode and (file := self._file(bucket)):
                with suppress(OSError):
                    writing.write_public(file, _fingerprint(bucket) + marshal.dumps(bucket.code))

    def _remember(self, bucket: Bucket, code: CodeType) -> None:
        self._compiled[bucket.key, self._traced] = bucket.checksum, code

    def _file(self, bucket: Bucket) -> Path | None:
        """Return the file for the code of a template, None if it is not kept on the disk."""
        source = Path(os.path.realpath(bucket.key.partition("\0")[2]))
        if self._traced or not source.is_relative_to(os.path.realpath(BUILT_IN)):
            return None
        try:
            module = Path(cache_from_source(__file__))
        except NotImplementedError:  # a Python without bytecode
            return None
        key = sha256(bucket.key.encode()).hexdigest()[:16]
        return module.with_name(f"{source.name}-{key}.{sys.implementation.cache_tag}.pyc")


def _load(file: Path, bucket: Bucket) -> CodeType | None:
    """Return the code in a file, None if it is missing, damaged, or of another source, Python or Jinja2."""
    try:
        content = reading.read(file, _MAX_BYTES)
        if content[:_FINGERPRINT_BYTES] != _fingerprint(bucket):
            return None
        code = marshal.loads(content[_FINGERPRINT_BYTES:])
    except (OSError, EOFError, ValueError, TypeError):
        return None
    return code if isinstance(code, CodeType) else None


def _fingerprint(bucket: Bucket) -> bytes:
    """Return a checksum of all by which the code of a template is made."""
    environment = bucket.environment
    options = [getattr(environment, name) for name in _OPTIONS]
    # The code passes the context, for example, to the filters and tests that ask for it.
    passed = [
        (name, str(getattr(called, "jinja_pass_arg", "")))
        for named in (environment.filters, environment.tests)
        for name, called in named.items()
    ]
    made_by = (MAGIC_NUMBER, jinja2.__version__, bucket.key, bucket.checksum, options, passed)
    return sha256(repr(made_by).encode()).digest()
