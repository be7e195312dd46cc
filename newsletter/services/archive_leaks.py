"""Refuse an archive with the data of a person: a last look at every text before it is published.

The pages are made without the store, so that only a mistake could put its data there. An address is refused
if it is a subscriber's and the newsletter's own files do not have it, and a token if it stands in one of the
newsletter's links, or is in none of those files. A machine without the store has no addresses to publish.
"""

from collections.abc import Iterator
from functools import cached_property
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from newsletter.archive.personal import PersonalWord, personal_words
from newsletter.config.loader import FILE, Newsletter
from newsletter.config.serve_url import serve_url
from newsletter.disk import reading
from newsletter.disk.boundary import entries
from newsletter.display import display_path, printable
from newsletter.errors import ArchiveRefused
from newsletter.issue import files
from newsletter.render.template_files import BUILT_IN
from newsletter.services.archive_issues import open_local_store
from newsletter.store.subscribers import Subscribers

_MAX_SOURCE_BYTES = 10_000_000
_KINDS = {
    "placeholder": "a placeholder, which only mail fills",
    "token": "the token of a personal link",
    "address": "the address of a subscriber",
}


class LeakCheck:
    """The check of each file of an archive for what belongs to one person."""

    def __init__(self, newsletter: Newsletter, folder: Path) -> None:
        self._newsletter, self._folder = newsletter, folder

    def __call__(self, path: str, content: bytes) -> None:
        """Raise ArchiveRefused if a file or its name has a placeholder, or a token or address of a person."""
        text = _decoded(path, content)
        addresses = []
        for word in personal_words(text):
            match word.kind:
                case "placeholder":
                    raise self._leak(path, word)
                case "token" if self._is_own_link(text, word) or word.text not in self._public:
                    raise self._leak(path, word)
                case "address" if self._public.isdisjoint(word.spellings):
                    addresses.append(word)
        people = self._subscribers({spelling for word in addresses for spelling in word.spellings})
        for word in addresses:
            if not people.isdisjoint(word.spellings):
                raise self._leak(path, word)

    def _leak(self, path: str, word: PersonalWord) -> ArchiveRefused:
        what = f"would publish {printable(word.text, 100)}, {_KINDS[word.kind]}; nothing was published"
        fix = "remove it from the issue or from the template that writes it"
        return ArchiveRefused(what, fix, where=display_path(self._folder / path))

    def _is_own_link(self, text: str, word: PersonalWord) -> bool:
        return text.endswith(self._own_links, 0, word.start)

    @cached_property
    def _own_links(self) -> tuple[str, ...]:
        """Return what stands before the token in the links of the newsletter."""
        unsubscribe = self._newsletter.config.unsubscribe.url or ""
        server = serve_url(unsubscribe)
        links = [unsubscribe.partition("{token}")[0]] if unsubscribe else []
        return (*links, *(f"{server}/{page}/" for page in ("confirm", "data") if server is not None))

    @cached_property
    def _public(self) -> frozenset[str]:
        """Return the tokens and addresses of the files from which the pages are made."""
        words = (word for text in _sources(self._newsletter) for word in personal_words(text))
        return frozenset(
            one for word in words for one in (word.spellings if word.kind == "address" else (word.text,))
        )

    def _subscribers(self, addresses: set[str]) -> frozenset[str]:
        if not addresses:
            return frozenset()
        with open_local_store(self._newsletter) as database:
            return Subscribers(database).known(addresses) if database else frozenset()


def _decoded(path: str, content: bytes) -> str:
    """Return the name and the text of a file without the escapes of HTML, of addresses and of JSON."""
    text = f"{path.rpartition('.')[0]}\n{content.decode('utf-8', 'replace')}"
    if path.endswith(".json"):
        text = text.replace("\\n", "\n")  # else its letter would be the first of an address
    return unquote(unescape(text)) if "&" in text or "%" in text else text


def _sources(newsletter: Newsletter) -> Iterator[str]:
    """Yield the text of each file from which the pages are made, also without the escapes of Markdown."""
    folder = newsletter.folder
    paths = [(folder / FILE, folder), *((path, folder) for path in files.issue_files(newsletter.issues))]
    for place, root in ((newsletter.templates, folder), (BUILT_IN, BUILT_IN)):
        found = (entry for entry in entries(place, root) if entry.name.endswith(".j2"))
        paths += [(Path(entry.path), root) for entry in found if entry.is_file(follow_symlinks=False)]
    for path, root in paths:
        text = _read(path, root)
        yield _decoded("", text)
        yield text.decode("utf-8", "replace").replace("\\", "")


def _read(path: Path, root: Path) -> bytes:
    try:
        return reading.read(path, _MAX_SOURCE_BYTES, root=root)
    except OSError:  # what cannot be read is in no page
        return b""
