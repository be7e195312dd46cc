"""Find one person's address, and the name beside it, in a text such as the reply of a mail server."""

import re

# The separator of an address as other programs write it; the last is that of a return path (VERP).
_AT = r"(?:@|%40|=40|&\#(?:64|x40);|&commat;|\\(?:x|u00)40|[ ]?\(at\)[ ]?|[ ]?\[at\][ ]?|[ ]at[ ]|=)"
# The ellipsis of `display.shortened`, also as its bytes in UTF-8.
_SHORTENED = "(?:\u2026|\xe2\x80\xa6)"
_MIN_NAME_LENGTH = 3


class AddressInText:
    """The occurrences of one address in texts: in any case, escaped, and cut off by `display.shortened`."""

    def __init__(self, address_key: str, name: str = "") -> None:
        """Find the address with this key; `name` is only looked for in texts that have the address."""
        self.local = address_key.rpartition("@")[0]
        self._address = address_pattern(address_key)
        self._name = name_pattern(name) if len(name) >= _MIN_NAME_LENGTH else None

    def replaced(self, text: str, replacement: str) -> str:
        """Return a text with `replacement` in place of the address, and of the name if it has the address."""
        found, count = self._address.subn(lambda _: replacement, text)
        return self._name.sub(lambda _: replacement, found) if count and self._name else found

    def spans(self, content: bytes) -> list[tuple[int, int]]:
        """Return the beginning and the end of each occurrence in the bytes of a text in UTF-8."""
        return [match.span() for match in self._address.finditer(content.decode("latin-1"))]


def address_pattern(address_key: str) -> re.Pattern[str]:
    """Return the pattern of an address; it also matches the end of a local part, after a sign.

    Rather too much is found than too little: `ada` is found in `to-ada` and in `=ada`, but not in `canada`.
    """
    local, _, domain = address_key.rpartition("@")
    escaped = re.escape(local).replace(r"\+", r"(?:\+|%2b|=2b)")
    beginnings = "|".join(re.escape(domain[:length]) for length in range(len(domain) - 1, 0, -1))
    whole = rf"{_AT}{re.escape(domain)}(?![a-z0-9-])"
    pattern = rf"(?<![a-z0-9]){escaped}(?:{whole}|@(?:{beginnings})?{_SHORTENED})"
    return re.compile(pattern, re.IGNORECASE)


def name_pattern(name: str) -> re.Pattern[str]:
    """Return the pattern of a name, as whole words."""
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
