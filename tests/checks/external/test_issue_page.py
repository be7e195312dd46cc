"""Tests of the page of an issue: it is requested when readers will need it, and only with --online."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from newsletter.checks.external.issue_page import page_answers
from newsletter.checks.proof import Proof
from newsletter.checks.registry import CHECKS, ONLINE
from newsletter.checks.runner import run
from newsletter.config import loader
from newsletter.issue import files
from newsletter.services.prepare import proof as proof_of
from tests import samples
from tests.fakes.proxy import ProxyFake
from tests.fakes.web import Reply

PAGE = "http://soup.example.com/2026-04-27/"
ISSUE = """subject: Soup
preheader: A soup for the first cold evening.
ready: {ready}
opening: [{{text: It is cold.}}]
"""
FOUND = Reply(200, b"<p>soup</p>", {"Content-Type": "text/html"})


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProxyFake]:
    """Start the web, in which no address has a page; others than those in `pages` have the status 404."""
    with ProxyFake({}) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        yield fake


def proof(
    folder: Path, *, config: str = "site: http://soup.example.com\n", ready: bool = True, extra: str = ""
) -> Proof:
    (folder / "newsletter.yml").write_text(samples.NEWSLETTER + config, encoding="utf-8")
    path = folder / "issues" / "2026-04-27.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(ISSUE.format(ready=str(ready).lower()) + extra, encoding="utf-8")
    newsletter = loader.load(folder, {})
    return proof_of(newsletter, files.load(path))


def problems(checked: Proof, today: date = date(2026, 4, 27)) -> list[str]:
    return [f"{p.severity}: {p.what}; {p.fix}" for p in page_answers(checked, lambda: today)]


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_not_published(web: ProxyFake, tmp_path: Path, status: int) -> None:
    web.pages[PAGE] = Reply(status)
    assert problems(proof(tmp_path)) == [
        f"warning: the page of this issue is not published: {status} ({PAGE}); publish the archive before "
        "the send: news archive -o site, then upload it; or write `archive: false`"
    ]


def test_a_page_that_is_published(web: ProxyFake, tmp_path: Path) -> None:
    web.pages[PAGE] = FOUND
    assert problems(proof(tmp_path)) == []
    assert web.asked() == [f"HEAD {PAGE}"]


def test_a_page_is_requested_each_time(web: ProxyFake, tmp_path: Path) -> None:
    web.pages[PAGE] = FOUND
    checked = proof(tmp_path)
    assert problems(checked) == []
    del web.pages[PAGE]
    assert len(problems(checked)) == 1


@pytest.mark.parametrize(
    ("reply", "start"),
    [
        pytest.param(Reply(500), "warning: the page of this issue responds with 500", id="500"),
        pytest.param(Reply(403), "note: the page of this issue responds to programs with 403", id="403"),
        pytest.param(
            Reply(301, b"", {"Location": f"{PAGE}index.html"}),
            f"note: the page of this issue has moved to {PAGE}index.html ({PAGE}); write the address to "
            "which the site has moved as `site`",
            id="moved",
        ),
    ],
)
def test_another_answer(web: ProxyFake, tmp_path: Path, reply: Reply, start: str) -> None:
    web.pages = {PAGE: reply, f"{PAGE}index.html": FOUND}
    (problem,) = problems(proof(tmp_path))
    assert problem.startswith(start)


def test_the_page_of_a_draft_is_not_requested(web: ProxyFake, tmp_path: Path) -> None:
    assert problems(proof(tmp_path, ready=False)) == []
    assert problems(proof(tmp_path), today=date(2026, 4, 26)) == []
    assert web.asked() == []


@pytest.mark.parametrize(
    ("config", "extra"),
    [
        pytest.param("", "", id="no-site"),
        pytest.param("site: http://soup.example.com\narchive: false\n", "", id="no-archive"),
        pytest.param("site: http://soup.example.com\n", "archive: false\n", id="not-in-the-archive"),
    ],
)
def test_an_issue_without_a_page(web: ProxyFake, tmp_path: Path, config: str, extra: str) -> None:
    assert problems(proof(tmp_path, config=config, extra=extra)) == []
    assert web.asked() == []


def test_a_mail_whose_own_template_has_no_link_to_the_page(web: ProxyFake, tmp_path: Path) -> None:
    checked = proof(tmp_path)
    html = checked.rendered.html.replace(PAGE, "https://soup.example.com/")
    assert problems(replace(checked, rendered=replace(checked.rendered, html=html))) == []
    assert web.asked() == []


def test_one_finding_tells_of_the_page(web: ProxyFake, tmp_path: Path) -> None:
    found = run(proof(tmp_path), ONLINE)
    assert [(problem.check, problem.severity) for problem in found] == [("page-answers", "warning")]
    draft = proof(tmp_path, ready=False)
    assert run(draft, ONLINE) == []


def test_nothing_is_requested_without_online(web: ProxyFake, tmp_path: Path) -> None:
    checked = proof(tmp_path)
    assert not [problem for problem in run(checked) if PAGE in problem.what and problem.severity == "error"]
    assert web.asked() == []


def test_the_severity_is_that_of_newsletter_yml(web: ProxyFake, tmp_path: Path) -> None:
    config = "site: http://soup.example.com\nchecks: {page-answers: error}\n"
    (problem,) = run(proof(tmp_path, config=config), {"page-answers": CHECKS["page-answers"]})
    assert problem.severity == "error"
