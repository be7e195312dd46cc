"""Read caniemail.com's tests of the features that each mail program supports, from the file caniemail.json.

`.ci/caniemail.py` updates that file. A client is `family.platform`, such as `outlook.windows`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("caniemail.json")
# A family stands for all its clients except these. Microsoft ended Windows Mail in December 2024.
_DISCONTINUED = ("outlook.windows-mail",)
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
    """A feature of CSS or HTML, by the slug of its page on caniemail.com.

    `support` has a letter for each of `Caniemail.clients`: y (yes), n (no), a (almost), u (unknown), - (not
    tested).
    """

    slug: str
    title: str
    support: str

    @property
    def page(self) -> str:
        """Return the address of the feature's page."""
        return f"https://www.caniemail.com/features/{self.slug}/"


@dataclass(frozen=True)
class Caniemail:
    """The data as of `date` (YYYY-MM-DD): the title of each family, the clients, the features by slug."""

    date: str
    families: Mapping[str, str]
    clients: tuple[str, ...]
    features: Mapping[str, Feature]

    def clients_of(self, name: str) -> frozenset[str]:
        """Return the clients of a family, or the client of this name; an empty set for an unknown name."""
        return frozenset(
            client
            for client in self.clients
            if client == name or (_family(client) == name and client not in _DISCONTINUED)
        )

    def without(self, feature: Feature) -> frozenset[str]:
        """Return the clients that do not support a feature at all."""
        return self._with_support(feature, "n")

    def describe(
        self, feature: Feature, clients: frozenset[str], excluded: frozenset[str] = frozenset()
    ) -> str:
        """Return clients in words; a family's name stands for all its clients that were tested on a feature.

        `excluded` clients are not counted as tested.
        """
        tested = self._with_support(feature, "ynau") - excluded
        names = []
        for family, title in self.families.items():
            if members := sorted(client for client in clients if _family(client) == family):
                is_whole = self.clients_of(family) & tested <= clients
                names.append(title if is_whole else f"{title} {_platforms(members)}")
        return _joined(names)

    def _with_support(self, feature: Feature, letters: str) -> frozenset[str]:
        columns = zip(self.clients, feature.support, strict=True)
        return frozenset(client for client, letter in columns if letter in letters)


@cache
def caniemail() -> Caniemail:
    """Return the data of caniemail.json, which is read once."""
    data = json.loads(_FILE.read_bytes())
    features = {slug: Feature(slug, *row) for slug, row in data["features"].items()}
    return Caniemail(data["date"], data["families"], tuple(data["clients"]), features)


def _family(client: str) -> str:
    return client.partition(".")[0]


def _platforms(clients: list[str]) -> str:
    platforms = (client.partition(".")[2] for client in clients)
    names = [_PLATFORMS.get(platform, platform) for platform in platforms]
    if len(names) > 1:
        return f"({', '.join(names)})"
    return f"on the {names[0]}" if names[0].endswith("web") else f"on {names[0]}"


def _joined(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
