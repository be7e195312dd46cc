"""Judges that others wrote see nothing that the checks do not: axe-core in Chromium, the Nu HTML checker."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from newsletter.render.pipeline import render
from tests.judges import axe, nu, verdicts
from tests.judges.mails import Mail, cases, ours
from tests.judges.verdicts import Pattern, Verdict
from tests.render import material

PLANTED = [
    pytest.param("axe", "image-alt", ' alt="A bowl"', "", id="no-alt"),
    pytest.param("axe", "html-has-lang", 'lang="en"', "", id="no-language"),
    pytest.param("axe", "link-name", ">Unsubscribe</a>", "></a>", id="empty-link"),
    pytest.param("axe", "color-contrast", "color:#2b3442", "color:#9aa0a8", id="contrast"),
    pytest.param("axe", "heading-order", "<h3", "<h5", id="heading-order"),
    pytest.param("axe", "label", "</body>", '<input type="text"></body>', id="no-label"),
    pytest.param("nu", "An “img” element must have an “alt” attribute", ' alt="A bowl"', "", id="nu-alt"),
    pytest.param("nu", "Duplicate ID", "</body>", '<p id="a">x</p><p id="a">y</p></body>', id="nu-id"),
    pytest.param(
        "nu", "Duplicate attribute", "</body>", '<p class="a" class="b">x</p></body>', id="nu-twice"
    ),
    pytest.param("nu", "Stray end tag", "</body>", "</b></body>", id="nu-stray"),
]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with axe.judging(browser) as page:
        yield page


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> list[Mail]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cases")
        patch.chdir(folder)
        return list(cases(folder))


def test_axe_finds_nothing_in_ours(page: Page) -> None:
    for mail in ours():
        assert verdicts.unexplained(axe.judge(page, mail.html), mail.found) == []


def test_axe_finds_nothing_that_the_checks_do_not(page: Page, tried: list[Mail]) -> None:
    for mail in tried:
        found = verdicts.unexplained(axe.judge(page, mail.html, windows=2), mail.found)
        assert found == [], mail.name


def test_nu_finds_nothing_that_the_checks_do_not(tried: list[Mail], tmp_path: Path) -> None:
    mails = {mail.name: mail for mail in (*ours(), *tried)}
    judged = nu.judge({name: mail.html for name, mail in mails.items()}, tmp_path)
    assert {name: f for name, v in judged.items() if (f := verdicts.unexplained(v, mails[name].found))} == {}


@pytest.mark.parametrize(("judge", "rule", "old", "new"), PLANTED)
def test_a_planted_fault_is_read(
    judge: str, rule: str, old: str, new: str, page: Page, tmp_path: Path
) -> None:
    mail = render(material.full_issue(), material.site()).html
    assert old in mail
    planted = mail.replace(old, new)
    found = axe.judge(page, planted) if judge == "axe" else nu.judge({"it": planted}, tmp_path)["it"]
    assert [one for one in found if one.rule.startswith(rule)]


def test_no_allowance_is_left_over(page: Page, tmp_path: Path) -> None:
    judged = nu.judge({mail.name: mail.html for mail in ours()}, tmp_path)
    found = [verdict for each in judged.values() for verdict in each]
    found += [verdict for mail in ours() for verdict in axe.judge(page, mail.html)]
    assert verdicts.unused(verdicts.ALLOWED, found) == []


def test_what_nobody_expects_is_told() -> None:
    strange = Verdict("axe", "no-such-rule", "<p>")
    assert verdicts.unexplained([strange], frozenset({"contrast"}))
    known = Verdict("axe", "color-contrast", "<p>")
    assert verdicts.unexplained([known], frozenset())
    assert verdicts.unexplained([known], frozenset({"contrast"})) == []
    assert verdicts.unused([Pattern("axe", "region")], [known])
