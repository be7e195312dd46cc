"""Refuse an archive with personal data: a last look at every byte before it is published."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from newsletter.archive.personal import leaks, personal_words
from newsletter.config.loader import FILE, Newsletter
from newsletter.disk import reading
from newsletter.disk.boundary import entries
from newsletter.display import display_path, printable
from newsletter.errors import ArchiveRefused
from newsletter.issue import files
from newsletter.render.template_files import BUILT_IN

_MAX_SOURCE_BYTES = 10_000_000


class LeakCheck:
    """The check of each text of an archive for what belongs to one person."""

    def __init__(self, newsletter: Newsletter, folder: Path) -> None:
        self._folder = folder
        self._public = {words for text in _sources(newsletter) for words in _public_words(text)}

    def __call__(self, path: str, content: bytes) -> None:
        """Raise ArchiveRefused for a file with a placeholder, a token, or the address of a person."""
        text = _plain(content.decode("utf-8", "replace"))
        if path.endswith(".json"):
            text = text.replace("\\n", "\n")  # else its letter would be the first of an address
        for leak in leaks(text, self._public):
            where = display_path(self._folder / path)
            what = f"would publish {printable(leak.words, 100)}, {leak.what}; nothing was published"
            fix = "remove it from the issue or from the template that writes it"
            raise ArchiveRefused(what, fix, where=where)


def _sources(newsletter: Newsletter) -> Iterator[str]:
    """Yield the text of each file from which the pages are made."""
    folder = newsletter.folder
    yield _read(folder / FILE, folder)
    for path in files.issue_files(newsletter.issues):
        yield _read(path, folder)
    for place, root in ((newsletter.templates, folder), (BUILT_IN, BUILT_IN)):
        for entry in entries(place, root):
            if entry.name.endswith(".j2") and entry.is_file(follow_symlinks=False):
                yield _read(Path(entry.path), root)


def _read(path: Path, root: Path) -> str:
    try:
        return reading.read(path, _MAX_SOURCE_BYTES, root=root).decode("utf-8", "replace")
    except OSError:  # what cannot be read is in no page
        return ""


def _public_words(text: str) -> Iterator[str]:
    yield from personal_words(_plain(text))
    yield from personal_words(text.replace("\\", ""))  # Markdown and YAML


def _plain(text: str) -> str:
    """Return a text without the escapes of HTML and of addresses."""
    return unquote(unescape(text)) if "&" in text or "%" in text else text
