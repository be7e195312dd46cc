"""Which mail program supports what, as caniemail.com has tried it: caniemail.json, beside this module.

`.ci/caniemail.py` writes that file anew. A client is `family.platform`, such as `outlook.windows`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("caniemail.json")
# A family stands for all its clients but these. Microsoft has shut Windows Mail down (December 2024).
_GONE = ("outlook.windows-mail",)
_PLATFORMS = {
    "android": "Android",
    "desktop-webmail": "web",
    "ios": "iOS",
    "macos": "macOS",
    "mobile-webmail": "mobile web",
    "outlook-com": "web",
    "windows": "Windows",
}


@dataclass(frozen=True)
class Feature:
    """Something of CSS or HTML, by the name that its page on caniemail.com has.

    `support` has a letter for each client: y, n, a (almost), u (unknown), - (nobody has tried).
    """

    slug: str
    title: str
    support: str

    @property
    def page(self) -> str:
        return f"https://www.caniemail.com/features/{self.slug}/"


@dataclass(frozen=True)
class Caniemail:
    """The data as of `date` (YYYY-MM-DD): families' names, clients, features by slug."""

    date: str
    families: Mapping[str, str]
    clients: tuple[str, ...]
    features: Mapping[str, Feature]

    def of(self, name: str) -> frozenset[str]:
        """The clients that a family's or a client's name stands for; none if nobody knows it."""
        return frozenset(
            one for one in self.clients if one == name or (_family(one) == name and one not in _GONE)
        )

    def without(self, feature: Feature) -> frozenset[str]:
        """The clients that do not support a feature at all."""
        return self._where(feature, "n")

    def told(self, feature: Feature, clients: frozenset[str], besides: frozenset[str] = frozenset()) -> str:
        """Clients in words, a family's name alone where they are all that was tried of it, but `besides`."""
        tried = self._where(feature, "ynau") - besides
        named = []
        for family, title in self.families.items():
            if these := sorted(one for one in clients if _family(one) == family):
                named.append(title if self.of(family) & tried <= clients else f"{title} {_platforms(these)}")
        return _listed(named)

    def _where(self, feature: Feature, letters: str) -> frozenset[str]:
        columns = zip(self.clients, feature.support, strict=True)
        return frozenset(one for one, letter in columns if letter in letters)


@cache
def caniemail() -> Caniemail:
    """The data, read once."""
    read = json.loads(_FILE.read_bytes())
    features = {slug: Feature(slug, *row) for slug, row in read["features"].items()}
    return Caniemail(read["date"], read["families"], tuple(read["clients"]), features)


def _family(client: str) -> str:
    return client.partition(".")[0]


def _platforms(clients: list[str]) -> str:
    names = [_PLATFORMS.get(one, one) for one in (client.partition(".")[2] for client in clients)]
    if len(names) > 1:
        return f"({', '.join(names)})"
    return f"on the {names[0]}" if names[0].endswith("web") else f"on {names[0]}"


def _listed(names: list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
