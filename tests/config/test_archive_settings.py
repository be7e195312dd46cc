"""The key `archive` of newsletter.yml: what it may say, and the line of what it may not say."""

from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.config.archive import Archive, NoArchive
from newsletter.config.loader import Newsletter, with_provider
from newsletter.errors import ConfigError

BASE = """name: The Soup Letter
sender: {name: The Soup Letter, email: soup@example.com}
postal_address: 1 Kitchen Road, Example City
"""
OTHER_PAGE = 'unsubscribe: {url: "https://soup.example.com/leave/{token}"}\n'
OF_SERVE = 'unsubscribe: {url: "https://soup.example.com/news/unsubscribe/{token}"}\n'


def load(folder: Path, settings: str, unsubscribe: str = OF_SERVE) -> Newsletter:
    (folder / "newsletter.yml").write_text(BASE + unsubscribe + settings, "utf-8")
    return loader.load(folder, {})


def refused(folder: Path, settings: str, unsubscribe: str = OF_SERVE) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(folder, settings, unsubscribe)
    return [str(problem).removeprefix(str(folder) + "/") for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("settings", "archive"),
    [
        pytest.param("", Archive(), id="not-written"),
        pytest.param("archive: true\n", Archive(), id="true"),
        pytest.param("archive: {}\n", Archive(), id="no-settings"),
        pytest.param("archive: {sign_up: form}\n", Archive(sign_up="form"), id="form"),
        pytest.param(
            "archive:\n  sign_up: https://soup.example.com/join\n",
            Archive(sign_up="https://soup.example.com/join"),
            id="link",
        ),
    ],
)
def test_a_newsletter_has_an_archive(tmp_path: Path, settings: str, archive: Archive) -> None:
    newsletter = load(tmp_path, settings)
    assert newsletter.config.archive == archive
    assert newsletter.config.archive.exists
    assert newsletter.site.archive


def test_a_newsletter_without_an_archive(tmp_path: Path) -> None:
    newsletter = load(tmp_path, "archive: false\n")
    assert isinstance(newsletter.config.archive, NoArchive)
    assert not newsletter.config.archive.exists
    assert not newsletter.site.archive


def test_another_provider_for_one_run_changes_nothing_about_the_archive(tmp_path: Path) -> None:
    assert not with_provider(load(tmp_path, "archive: false\n"), "smtp").site.archive
    form = with_provider(load(tmp_path, "archive: {sign_up: form}\n"), "smtp")
    assert form.config.archive.sign_up == "form"


WRITE = "write false for a newsletter without an archive, or {sign_up: form}"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        pytest.param("archive:\n", f"5: archive is empty; {WRITE}", id="empty"),
        pytest.param("archive: 'off'\n", f'5: archive is "off"; {WRITE}', id="word"),
        pytest.param(
            "archive: [form]\n",
            "5: archive holds no keys (a list); write it with its keys: sign_up",
            id="list",
        ),
        pytest.param(
            "archive:\n  signup: form\n",
            "6: archive.signup is an unknown key; did you mean `sign_up`?",
            id="unknown-key",
        ),
        pytest.param(
            "archive:\n  sign_up: server\n",
            '6: archive.sign_up is neither form nor a web address ("server"); '
            "write form, or the address of the page on which people sign up: https://…",
            id="no-address",
        ),
        pytest.param(
            "archive:\n  sign_up: https://\n",
            '6: archive.sign_up is not a web address ("https://"); write the whole address: https://…',
            id="half-an-address",
        ),
    ],
)
def test_a_setting_that_cannot_be_used(tmp_path: Path, settings: str, problem: str) -> None:
    assert refused(tmp_path, settings) == [f"newsletter.yml:{problem}"]


@pytest.mark.parametrize(
    "unsubscribe",
    [
        pytest.param(OTHER_PAGE, id="other-page"),
        pytest.param('unsubscribe: {url: "https://example.com/a%20b/unsubscribe/{token}"}\n', id="path"),
        pytest.param("unsubscribe: {mailto: leave@example.com}\n", id="mail-only"),
    ],
)
def test_a_form_needs_the_pages_of_news_serve(tmp_path: Path, unsubscribe: str) -> None:
    assert refused(tmp_path, "language: en\narchive: {sign_up: form}\n", unsubscribe) == [
        "newsletter.yml:6: archive has sign_up: form, and unsubscribe.url does not lead to the pages of news "
        "serve; write unsubscribe.url: https://news.example.com/unsubscribe/{token} with the host of news "
        "serve, or the address of another page to sign up"
    ]


def test_a_link_needs_no_server(tmp_path: Path) -> None:
    newsletter = load(tmp_path, "archive: {sign_up: https://example.com/join}\n", OTHER_PAGE)
    assert newsletter.config.archive.sign_up == "https://example.com/join"
