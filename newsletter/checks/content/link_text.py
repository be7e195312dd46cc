"""A link's words say where it leads: who goes from link to link hears nothing else (WCAG 2.4.4)."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from newsletter.checks.document import words
from newsletter.checks.proof import Proof
from newsletter.display import printable
from newsletter.errors import Problem

_VAGUE = re.compile(
    "(?:(?:please )?click )?here|click|(?:click )?this|(?:this |the )?link|(?:read |learn )?more|more info|"
    "details|read|read on|see (?:here|more)|go|(?:this )?page|website|url|"
    "(?:klick(?:en sie)? )?hier(?: klicken)?|mehr(?: lesen| erfahren)?|weiterlesen|"
    "(?:cliquez )?ici|en savoir plus|lire la suite|plus|(?:ha[gz]a? clic )?aquí|(?:leer |ver )?más|"
    "(?:clicca )?qui|leggi tutto|scopri di più|(?:klik )?hier|lees meer|(?:clique )?aqui|saiba mais|"
    "(?:kliknij )?tutaj|więcej"
)
# Words that are an address: Node.js is none.
_ADDRESS = re.compile(
    r"(?:https?://(?:www\.)?|www\.|(?=\S+/))((?:[a-z0-9-]+\.)+[a-z]{2,})(?:[/?#:]\S*)?", re.IGNORECASE
)


def link_text(proof: Proof) -> Iterator[Problem]:
    """A link that says "click here", or that names another site than the one it leads to."""
    # The button below a story stands under the story's title, which says where it leads.
    button = proof.newsletter.site.labels["read_story"].casefold()
    for link in proof.document.links:
        said, target = words(link), link.get("href") or ""
        bare = re.sub(r"[\W_]+", " ", said).strip().casefold()
        if _VAGUE.fullmatch(bare) and said.casefold() != button:
            what = f'"{printable(said)}" does not say where it leads ({printable(target)})'
            yield Problem(proof.where(link), what, "link the words that name what is there", "warning")
        elif (named := _ADDRESS.fullmatch(said)) and not _same(named[1].lower(), _host(target)):
            what = f'"{printable(said)}" leads to {_host(target) or printable(target)}: so do phishing mails'
            yield Problem(proof.where(link), what, "name the site that it leads to", "warning")


def _host(target: str) -> str:
    try:
        return (urlsplit(target).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _same(named: str, host: str) -> bool:
    return host == named or host.endswith(f".{named}") or named.endswith(f".{host}")
