"""Tests of caniemail.com's data, of the recognition of features in a mail, and of MJML's own features."""

import json
import re
from pathlib import Path

import pytest

from newsletter.checks.caniemail import advice, data
from newsletter.checks.caniemail import features as marks
from newsletter.checks.document import Document
from newsletter.checks.mail.clients import SAMPLE, clients, compiled, features
from newsletter.errors import ConfigError
from tests.checks.material import BASE, opened, problems_of

DATA = Path(data.__file__).with_name("caniemail.json")


@pytest.fixture(autouse=True)
def _in_the_newsletter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mail(styled: str = "", inside: str = "") -> list[str]:
    """Return the slugs of the features that a small mail uses."""
    html = f"<html><head><style>{styled}</style></head><body>{inside}</body></html>"
    return sorted(features(Document(html)))


def test_the_data_says_where_it_is_from() -> None:
    read = json.loads(DATA.read_text(encoding="utf-8"))
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", read["date"])
    assert "caniemail.com" in read["source"] and read["licence"].startswith("MIT")
    assert "Permission is hereby granted" in DATA.with_suffix(".LICENSE").read_text(encoding="utf-8")
    assert len(read["features"]) > 250 and DATA.stat().st_size < 100_000
    for title, support in read["features"].values():
        assert title and len(support) == len(read["clients"]) and set(support) <= set("ynau-")


def test_every_feature_is_recognised_or_listed_as_undetected() -> None:
    slugs = set(data.caniemail().features)
    assert {slug for slug in slugs if not marks.marks(slug)} == set(marks.UNDETECTED)
    assert advice.slugs() <= slugs


def test_features_of_mjmls_own_components_are_not_reported(tmp_path: Path) -> None:
    made = compiled(SAMPLE)
    assert len(features(made)) > 20
    read = opened(tmp_path)
    read.__dict__["document"] = made
    assert list(clients(read)) == []


def test_the_baseline_is_what_the_sample_uses() -> None:
    plain = features(compiled("<mjml><mj-body></mj-body></mjml>"))
    assert "html-img" not in plain and "html-img" in features(compiled(SAMPLE))


@pytest.mark.parametrize(
    ("styled", "inside", "slug"),
    [
        pytest.param("", '<p style="display:flex">', "css-display-flex", id="flex"),
        pytest.param("", '<p style="display: INLINE-GRID">', "css-display-grid", id="grid"),
        pytest.param("p { position: sticky }", "<p>", "css-position", id="position"),
        pytest.param("", '<p style="width: calc(1px + 1em)">', "css-unit-calc", id="calc"),
        pytest.param("p > b { color: red }", "<p><b>", "css-selector-child", id="child"),
        pytest.param("p:has(b) { color: red }", "<p><b>", "css-pseudo-class-has", id="has"),
        pytest.param("p::before { content: 'x' }", "<p>", "css-pseudo-element-before", id="before"),
        pytest.param("", "<video></video>", "html-video", id="video"),
        pytest.param("", '<img src="https://x.example/a.webp">', "image-webp", id="webp"),
        pytest.param("", '<img src="data:image/png;base64,AA">', "image-base64", id="base64"),
        pytest.param("", '<input type="checkbox">', "html-input-checkbox", id="checkbox"),
        pytest.param("", '<p style="width: 50vw">', "css-unit-vw", id="unit"),
        pytest.param("", "<svg></svg>", "html-svg", id="svg"),
        pytest.param("@font-face { font-family: x }", "", "css-at-font-face", id="font-face"),
        pytest.param("p { --a: 1; color: var(--a) }", "<p>", "css-variables", id="variables"),
    ],
)
def test_a_feature_is_recognised(styled: str, inside: str, slug: str) -> None:
    assert slug in mail(styled, inside)


@pytest.mark.parametrize(
    ("styled", "inside"),
    [
        pytest.param("@media (min-width: 1px) { p { display: flex } }", "<p>", id="in-a-condition"),
        pytest.param("a:hover { display: flex }", "<a>", id="when-pointed-at"),
        pytest.param(".nobody { display: flex }", "<p>", id="fits-nothing"),
        pytest.param("", '<p style="display:block;display:flex">', id="after-a-plain-value"),
        pytest.param("p { display: } @media { ]] }", "<p style='display:'>", id="no-css"),
    ],
)
def test_css_that_does_not_apply_everywhere_is_no_use(styled: str, inside: str) -> None:
    assert "css-display-flex" not in mail(styled, inside)


def test_the_newsletter_names_its_readers_clients(tmp_path: Path) -> None:
    over = tmp_path / "over"
    over.mkdir()
    plain = (BASE / "newsletter.yml").read_text(encoding="utf-8")
    html = opened(tmp_path / "a").rendered.html.replace("</body>", '<p style="display:grid">x</p></body>')

    def unsupported(names: str) -> list[str]:
        (over / "newsletter.yml").write_text(f"{plain}clients: {names}\n", encoding="utf-8")
        problems = problems_of(tmp_path / "b", over, html=html)
        return [problem.what for problem in problems if problem.check == "clients"]

    assert unsupported("[apple-mail]") == []
    assert unsupported("[outlook.windows]") == ["not supported by Outlook on Windows: display:grid"]
    with pytest.raises(ConfigError) as refused:
        unsupported("[gmail, lotus]")
    (problem,) = refused.value.problems
    assert problem.where.endswith("newsletter.yml:5") and "no data about `lotus`" in problem.what
