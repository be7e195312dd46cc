"""Tests that axe-core in Chromium and the Nu HTML checker find nothing that the checks do not find.

Both judge our mails, axe in every window; and the example newsletters and some of the checks' cases, axe in
one window each. With `--every-case` all of them in every window.
"""

from collections.abc import Iterator
from itertools import cycle

import pytest
from playwright.sync_api import Browser, Page

from newsletter.render.pipeline import render
from tests.checks.material import CASES
from tests.judges import axe, nu, verdicts
from tests.judges.mails import Mail, cases, examples, ours
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
def tried(tmp_path_factory: pytest.TempPathFactory, every_case: bool) -> list[Mail]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cases")
        patch.chdir(folder)
        return [*examples(), *cases(folder, CASES if every_case else CASES[::12])]


@pytest.fixture(scope="module")
def our_mails() -> list[Mail]:
    return list(ours())


@pytest.fixture(scope="module")
def seen_by_axe(page: Page, our_mails: list[Mail]) -> dict[str, list[Verdict]]:
    """Return axe's verdicts on each of our mails."""
    return {mail.name: axe.judge(page, mail.html) for mail in our_mails}


@pytest.fixture(scope="module")
def seen_by_nu(
    our_mails: list[Mail], tried: list[Mail], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Verdict]]:
    """Return the Nu HTML checker's verdicts on every mail of this module, by one process."""
    mails = {mail.name: mail.html for mail in (*our_mails, *tried)}
    faults = [fault.values for fault in PLANTED if fault.values[0] == "nu"]
    mails |= {str(rule): planted(str(old), str(new)) for _, rule, old, new in faults}
    return nu.judge(mails, tmp_path_factory.mktemp("nu"))


def planted(old: str, new: str) -> str:
    """Return a mail with a fault in it."""
    mail = render(material.full_issue(), material.site()).html
    assert old in mail
    return mail.replace(old, new)


def test_axe_finds_nothing_in_ours(seen_by_axe: dict[str, list[Verdict]], our_mails: list[Mail]) -> None:
    for mail in our_mails:
        assert verdicts.unexplained(seen_by_axe[mail.name], mail.checks) == []


def test_axe_finds_nothing_that_the_checks_do_not(page: Page, tried: list[Mail], every_case: bool) -> None:
    windows = cycle([axe.WINDOWS] if every_case else [[window] for window in axe.WINDOWS])
    for mail in tried:
        unexplained = verdicts.unexplained(axe.judge(page, mail.html, next(windows)), mail.checks)
        assert unexplained == [], mail.name


def test_nu_finds_nothing_that_the_checks_do_not(
    our_mails: list[Mail], tried: list[Mail], seen_by_nu: dict[str, list[Verdict]]
) -> None:
    for mail in (*our_mails, *tried):
        assert verdicts.unexplained(seen_by_nu[mail.name], mail.checks) == [], mail.name


@pytest.mark.parametrize(("judge", "rule", "old", "new"), PLANTED)
def test_a_planted_fault_is_read(
    judge: str, rule: str, old: str, new: str, page: Page, seen_by_nu: dict[str, list[Verdict]]
) -> None:
    found = axe.judge(page, planted(old, new)) if judge == "axe" else seen_by_nu[rule]
    assert [verdict for verdict in found if verdict.rule.startswith(rule)]


def test_no_allowance_is_left_over(
    our_mails: list[Mail], seen_by_axe: dict[str, list[Verdict]], seen_by_nu: dict[str, list[Verdict]]
) -> None:
    seen = (seen_by_axe, seen_by_nu)
    found = [verdict for mail in our_mails for by_name in seen for verdict in by_name[mail.name]]
    assert verdicts.unused(verdicts.ALLOWED, found) == []


def test_an_unexpected_verdict_is_reported() -> None:
    strange = Verdict("axe", "no-such-rule", "<p>")
    assert verdicts.unexplained([strange], frozenset({"contrast"}))
    known = Verdict("axe", "color-contrast", "<p>")
    assert verdicts.unexplained([known], frozenset())
    assert verdicts.unexplained([known], frozenset({"contrast"})) == []
    assert verdicts.unused([Pattern("axe", "region")], [known])
