"""Check the words of links: screen readers list them without the text around them (WCAG 2.4.4)."""

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
# Words that are an address; a name such as Node.js has no scheme, no www. and no path, and does not match.
_ADDRESS = re.compile(
    r"(?:https?://(?:www\.)?|www\.|(?=[^\s/]++/))((?:[a-z0-9-]++\.)++[a-z]{2,}+)(?:[/?#:]\S*)?", re.IGNORECASE
)


def link_text(proof: Proof) -> Iterator[Problem]:
    """A link whose words are "click here", or name another site than the link leads to."""
    # The button of a story follows the story's title, which describes the target.
    own = (story.button for _, story in proof.issue.located_stories() if story.button)
    buttons = {words.casefold() for words in (proof.newsletter.site.labels["read_story"], *own)}
    for link in proof.document.links:
        text, target = words(link), link.get("href") or ""
        bare = re.sub(r"[\W_]+", " ", text).strip().casefold()
        if _VAGUE.fullmatch(bare) and text.casefold() not in buttons:
            what = f'the words "{printable(text)}" do not describe the target ({printable(target)})'
            fix = "put the link on words that describe the target page"
            yield Problem(proof.where(link), what, fix, "warning")
        elif (named := _ADDRESS.fullmatch(text)) and not _is_same_site(named[1].lower(), _host(target)):
            host = _host(target) or printable(target)
            what = f'the words "{printable(text)}" lead to {host}, as in phishing mails'
            yield Problem(proof.where(link), what, "name the site that the link leads to", "warning")


def _host(target: str) -> str:
    try:
        return (urlsplit(target).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _is_same_site(named: str, host: str) -> bool:
    return host == named or host.endswith(f".{named}") or named.endswith(f".{host}")
