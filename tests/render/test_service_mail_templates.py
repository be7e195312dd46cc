"""Tests of the templates of mail about subscriptions: own files, languages, and hostile names."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.constants import SERVICE_MAIL_KINDS, ServiceMailKind
from newsletter.errors import TemplateError
from newsletter.render.model import Site
from newsletter.render.service_mail import TEXTS, render_service_mail
from newsletter.render.template_files import BUILT_IN
from newsletter.render.themes import THEMES
from tests import samples

LANGUAGES = sorted(file.stem for file in TEXTS.glob("*.json"))
SENTENCE = re.compile(r'\bt\(\s*"((?:[^"\\]|\\.)+)"')
FILES = sorted([*BUILT_IN.glob("service/*.j2"), *BUILT_IN.glob("*/service/*.j2")])
SENTENCES = {found for file in FILES for found in SENTENCE.findall(file.read_text(encoding="utf-8"))}


def site(folder: Path, extra: str = "") -> Site:
    return samples.newsletter(folder, extra=extra).site


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_each_sentence_with_its_fields(language: str) -> None:
    texts = json.loads((TEXTS / f"{language}.json").read_text(encoding="utf-8"))
    assert set(texts) == SENTENCES
    for sentence, translation in texts.items():
        assert sorted(re.findall(r"\{\w+\}", translation)) == sorted(re.findall(r"\{\w+\}", sentence))


@pytest.mark.parametrize("kind", SERVICE_MAIL_KINDS)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", ["de", "he", "ja", "ko"])
def test_each_mail_is_in_the_language_of_the_newsletter_or_in_english(
    kind: ServiceMailKind, theme: str, language: str, tmp_path: Path
) -> None:
    mail = render_service_mail(kind, site(tmp_path, f"language: {language}\ntheme: {theme}\n"))
    in_english = render_service_mail(kind, site(tmp_path, f"theme: {theme}\n"))
    is_known = language in LANGUAGES
    assert (mail.text != in_english.text, mail.subject != in_english.subject) == (is_known, is_known)
    direction = "rtl" if language == "he" else "ltr"
    assert f'lang="{language if is_known else "en"}"' in mail.html and f'dir="{direction}"' in mail.html


def test_a_name_is_never_markup(tmp_path: Path) -> None:
    hostile = replace(site(tmp_path), name='<b>"Soup" & {{ 7 * 7 }} {newsletter}</b>')
    mail = render_service_mail("confirm", hostile)
    assert "<b>" not in mail.html and "49" not in mail.text
    assert mail.subject == f"Please confirm: {hostile.name}"
    assert hostile.name in " ".join(mail.text.split())


def test_own_words_replace_those_of_one_mail(tmp_path: Path) -> None:
    loaded = site(tmp_path)
    own = tmp_path / "templates" / "service"
    own.mkdir(parents=True)
    words = (BUILT_IN / "service" / "confirm.j2").read_text(encoding="utf-8")
    (own / "confirm.j2").write_text(words.replace('t("One more click")', '"Only a click"'), encoding="utf-8")
    mail = render_service_mail("confirm", loaded)
    assert "Only a click" in mail.html and "Only a click" in mail.text
    assert "Only a click" not in render_service_mail("data", loaded).text


def test_an_own_layout_replaces_that_of_the_theme(tmp_path: Path) -> None:
    loaded = site(tmp_path, "theme: letter\n")
    own = tmp_path / "templates" / "service"
    own.mkdir(parents=True)
    (own / "layout.txt.j2").write_text("{{ mail.kind }}: {{ mail.link }}\n", encoding="utf-8")
    assert render_service_mail("data", loaded).text == "data: [[link]]\n"


def test_a_mistake_in_an_own_template_is_reported_with_its_line(tmp_path: Path) -> None:
    loaded = site(tmp_path)
    own = tmp_path / "templates" / "service"
    own.mkdir(parents=True)
    (own / "layout.txt.j2").write_text("Hello\n{{ mail.lnik }}\n", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"layout\.txt\.j2:2: Mail has no field 'lnik'"):
        render_service_mail("data", loaded)


@pytest.mark.parametrize("kind", SERVICE_MAIL_KINDS)
def test_the_tracking_of_issues_is_not_claimed_to_be_absent(kind: ServiceMailKind, tmp_path: Path) -> None:
    """A newsletter that tracks its issues does not say that nothing watches, here neither."""
    plain = "Nothing in this mail watches you"
    assert plain in " ".join(render_service_mail(kind, site(tmp_path)).text.split())
    tracked = site(tmp_path, "provider: sendgrid\ntracking: {opens: true}\n")
    assert plain not in " ".join(render_service_mail(kind, tracked).text.split())
