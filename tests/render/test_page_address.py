"""The address of an issue's page in the archive."""

from dataclasses import replace

from newsletter.render.model import Site
from newsletter.render.page_address import page_address, page_of
from tests.render import material


def test_a_page_is_below_the_site() -> None:
    assert page_address("https://soup.example.com", "2026-04-27") == "https://soup.example.com/2026-04-27/"
    assert page_address("https://example.com/soup", "2026-04-27") == "https://example.com/soup/2026-04-27/"


def test_an_issue_has_a_page_unless_something_says_that_it_has_none() -> None:
    issue = material.issue()
    site = Site("Soup", "1 Kitchen Road", url="https://soup.example.com")
    assert page_of(issue, site) == f"https://soup.example.com/{issue.name}/"
    assert page_of(issue, replace(site, url=None)) is None
    assert page_of(issue, replace(site, archive=False)) is None
    assert page_of(issue.model_copy(update={"archive": False}), site) is None
