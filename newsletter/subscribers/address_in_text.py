"""Find one person's address, and the name beside it, in a text such as the reply of a mail server."""

import re
from collections.abc import Iterator

# The at-sign as other programs write it.
_SIGNS = ("@", "%40", "=40", "&#64;", "&#x40;", "&commat;", "\\x40", "\\u0040")
_WORDS = tuple(
    f"{before}{word}{after}" for word in ("(at)", "[at]") for before in (" ", "") for after in (" ", "")
)
# The last is that of a return path (VERP).
_SEPARATORS = (*_SIGNS, *_WORDS, " at ", "=")
_ELLIPSIS = "\u2026"  # as `display.shortened` writes it
_MIN_NAME_LENGTH = 3


class AddressInText:
    """The occurrences of one address in texts: in any case, escaped, and cut off by `display.shortened`."""

    def __init__(self, address_key: str, name: str = "") -> None:
        """Find the address with this key; `name` is only looked for in texts that have the address."""
        self.address_key = address_key
        self._local, _, self._domain = address_key.rpartition("@")
        self._address = address_pattern(address_key)
        self._in_database = database_pattern(address_key)
        self._name = name_pattern(name) if len(name) >= _MIN_NAME_LENGTH else None

    def needles(self) -> list[list[str]]:
        """Return groups of texts: each text with the address has, in any case, one text of each group.

        A database finds the few texts that perhaps have the address by them.
        """
        runs = re.findall(r"[a-z0-9]+", self._local)
        end = runs[-1] if runs and self._local.endswith(runs[-1]) else ""
        whole = [f"{end}{separator}{self._domain}" for separator in _SEPARATORS]
        return [[self._domain, _ELLIPSIS], *([run] for run in dict.fromkeys(runs)), [*whole, _ELLIPSIS]]

    def replaced(self, text: str, replacement: str) -> str:
        """Return a text with `replacement` in place of the address, and of the name if it has the address."""
        found, count = self._address.subn(lambda _: replacement, text)
        return self._name.sub(lambda _: replacement, found) if count and self._name else found

    def spans(self, content: bytes) -> list[tuple[int, int]]:
        """Return the beginning and the end of each occurrence in the bytes of lines in UTF-8.

        The name is only looked for in lines that have the address.
        """
        found, offset = [], 0
        for line in content.split(b"\n"):
            text = line.decode("utf-8", "surrogateescape")
            found += [
                (offset + _size(text[:start]), offset + _size(text[:end])) for start, end in self._in(text)
            ]
            offset += len(line) + 1
        return found

    def is_in_database(self, content: bytes) -> bool:
        """Return True if bytes of a database's file have the address, or a longer one that ends with it."""
        return bool(self._in_database.search(content.lower()))

    def _in(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the beginning and the end of each occurrence of the address, and then of the name."""
        addresses = [match.span() for match in self._address.finditer(text)]
        yield from addresses
        if addresses and self._name:
            yield from (match.span() for match in self._name.finditer(text))


def address_pattern(address_key: str) -> re.Pattern[str]:
    """Return the pattern of an address; it also matches the end of a local part, after a sign.

    Rather too much is found than too little: `ada` is found in `to-ada` and in `=ada`, but not in `canada`.
    """
    pattern = rf"(?<![a-z0-9]){_address(address_key, '(?![a-z0-9-])')}"
    return re.compile(pattern, re.IGNORECASE | re.ASCII)


def database_pattern(address_key: str) -> re.Pattern[bytes]:
    """Return the pattern of an address in a database's bytes in lower case.

    The texts of a row follow each other without a separator: any letter may be before and after an address.
    Only a longer domain is certainly another address.
    """
    return re.compile(_address(address_key, r"(?!\.[a-z0-9])").encode())


def _address(address_key: str, end: str) -> str:
    """Return the pattern of an address, whole and before `end`, or cut off."""
    local, _, domain = address_key.rpartition("@")
    beginnings = "|".join(re.escape(domain[:length]) for length in range(len(domain) - 1, 0, -1))
    whole = rf"(?:{_one_of(_SEPARATORS)}){re.escape(domain)}{end}"
    cut_off = rf"(?:{_one_of(_SIGNS)})(?:{beginnings})?{_ELLIPSIS}"
    return rf"{''.join(map(_spellings, local))}(?:{whole}|{cut_off})"


def name_pattern(name: str) -> re.Pattern[str]:
    """Return the pattern of a name, as whole words."""
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)


def _spellings(character: str) -> str:
    """Return the pattern of a character of a local part, as itself or escaped: in a URL, a mail or HTML."""
    if character.isalnum():
        return character
    number = ord(character)
    spelled = (character, f"%{number:02x}", f"={number:02x}", f"&#{number};", f"&#x{number:x};")
    return f"(?:{_one_of((*spelled, '&amp;') if character == '&' else spelled)})"


def _one_of(texts: tuple[str, ...]) -> str:
    return "|".join(map(re.escape, sorted(texts, key=len, reverse=True)))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
