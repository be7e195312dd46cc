"""The mails that tests of hostile templates add to."""

from dataclasses import replace

import pytest
from lxml import html

from newsletter.checks.proof import Proof
from tests.checks import material


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Proof:
    """Return a mail without findings."""
    return material.opened(tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="session")
def footer(clean: Proof) -> Proof:
    """Return that mail with nothing but its footer, and without style sheets: it is checked in less time."""
    root = html.document_fromstring(clean.rendered.html)
    (link,) = root.xpath("//a[starts-with(@href, '[[uns')]")
    for element in (link, *link.iterancestors()):
        for other in (*element.itersiblings(), *element.itersiblings(preceding=True)):
            other.getparent().remove(other)
    shortened = html.tostring(root, encoding="unicode").replace("%5B%5B", "[[").replace("%5D%5D", "]]")
    return replace(clean, rendered=replace(clean.rendered, html=shortened))
