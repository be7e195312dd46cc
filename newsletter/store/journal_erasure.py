"""Erase an address from the journals of processes: a server's reply in a note may name the recipient."""

import logging
from collections.abc import Sequence
from pathlib import Path

from newsletter.disk import reading, writing
from newsletter.disk.boundary import every_entry
from newsletter.subscribers.address_in_text import AddressInText

log = logging.getLogger(__name__)

_MAX_BYTES = 100_000_000
# The file that a process locks; it has no notes.
_LOCKED = "alive"


def erase_from_journals(runs: Path, wanted: Sequence[AddressInText]) -> int:
    """Overwrite addresses in all journals below a folder; return the number of changed journals.

    The notes keep their length, so that the process that writes a journal may continue. Raise OSError if a
    journal or a folder cannot be read, or a journal not be written.
    """
    changed = 0
    for entry in every_entry(runs):
        if entry.name == _LOCKED or not entry.is_file(follow_symlinks=False):
            continue
        try:
            content = reading.read(Path(entry.path), _MAX_BYTES, root=runs)
            if spans := [span for one in wanted for span in one.spans(content)]:
                writing.overwrite(Path(entry.path), spans, runs)
                changed += 1
        except FileNotFoundError:  # its process has recorded its notes, and deleted it
            continue
    if changed:
        log.info("addresses erased from journals", extra={"journals": changed})
    return changed
