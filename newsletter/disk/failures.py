"""Describe a failed operation on a file for a message: the error, and what to do."""

import errno

from newsletter.disk.boundary import UnsafeFile


def cannot_be(action: str, failure: OSError) -> str:
    """Return text such as "cannot be read (Permission denied)"; `action` is a participle, such as "read".

    An UnsafeFile has a predicate of its own, such as "is a named pipe, not a regular file".
    """
    if isinstance(failure, UnsafeFile):
        return failure.reason
    return f"cannot be {action} ({failure.strerror or failure})"


def read_hint(failure: OSError, default: str) -> str:
    """Return the hint for a file that cannot be read: that of an UnsafeFile, else `default`."""
    return failure.fix if isinstance(failure, UnsafeFile) else default


def write_hint(failure: OSError, default: str) -> str:
    """Return the hint for a file that cannot be written: make room if its disk is full, else `default`."""
    if failure.errno in (errno.ENOSPC, errno.EDQUOT):
        return "make room on that disk, then run the same command again"
    return read_hint(failure, default)
