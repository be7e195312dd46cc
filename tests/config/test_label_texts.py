"""Tests of the labels in the languages that news knows."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from newsletter.config import label_texts as module
from newsletter.config import loader
from newsletter.config.loader import Newsletter, with_provider
from newsletter.config.model import Labels
from tests import samples

TEXTS: dict[str, dict[str, str]] = json.loads(
    Path(module.__file__).with_name("label_texts.json").read_text(encoding="utf-8")
)
ENGLISH = {name: field.default for name, field in Labels.model_fields.items() if name != "months"}
# Words that are the same in English and in another language.
SAME = {("fr", "notes")}


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def load(**parts: object) -> Newsletter:
        text = yaml.safe_dump({**yaml.safe_load(samples.NEWSLETTER), **parts}, allow_unicode=True)
        (tmp_path / loader.FILE).write_text(text, encoding="utf-8")
        return loader.load(tmp_path, {})

    return load


def test_these_languages_have_labels() -> None:
    assert set(TEXTS) == {
        *("de", "fr", "es", "pt", "pt-pt", "it", "nl", "ja", "zh", "zh-hant", "he", "ar"),
    }


@pytest.mark.parametrize("language", TEXTS)
def test_each_language_has_each_label(language: str) -> None:
    assert list(TEXTS[language]) == list(ENGLISH)
    Labels.model_validate(TEXTS[language])
    for name, text in TEXTS[language].items():
        assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", ENGLISH[name]), name
        assert text == text.strip(), name
        assert (text != ENGLISH[name]) == ((language, name) not in SAME), name


@pytest.mark.parametrize(
    ("language", "unsubscribe", "january"),
    [
        ("en", "Unsubscribe", "January"),
        ("en-NZ", "Unsubscribe", "January"),
        ("de", "Abmelden", "Januar"),
        ("de-AT", "Abmelden", "Jänner"),
        ("FR-ca", "Se désinscrire", "janvier"),
        ("pt-BR", "Cancelar inscrição", "janeiro"),
        ("pt-PT", "Cancelar subscrição", "janeiro"),
        ("pt-AO", "Cancelar subscrição", "janeiro"),
        ("zh-CN", "退订", "一月"),
        ("zh-Hans-SG", "退订", "一月"),
        ("zh-TW", "取消訂閱", "1月"),
        ("zh-Hant-HK", "取消訂閱", "1月"),
        ("iw", "הסרה מרשימת התפוצה", "ינואר"),
        ("ar-EG", "إلغاء الاشتراك", "يناير"),
        ("sv", "Unsubscribe", "januari"),
    ],
)
def test_labels_are_in_the_language(load: Any, language: str, unsubscribe: str, january: str) -> None:
    labels = load(language=language).site.labels
    assert labels["unsubscribe"] == unsubscribe
    assert labels["months"].split()[0] == january


def test_english_labels_stay_as_they_were(load: Any) -> None:
    assert load().site.labels == {
        "in_this_issue": "In this issue",
        "read_story": "Read more",
        "read_online": "Read in the browser",
        "more_authors": "+{count} more",
        "reason": "You get this because you signed up for {newsletter}.",
        "untracked": "Nothing in this mail watches you: no pixel, and links lead where they say.",
        "unsubscribe": "Unsubscribe",
        "reader": "reader",
        "advertisement": "Advertisement",
        "notes": "Notes",
        "issue_number": "Issue {number}",
        "months": "January February March April May June July August September October November December",
    }


def test_the_newsletter_comes_first(load: Any) -> None:
    loaded = load(language="de", labels={"read_story": "Read more", "issue_number": "Nr. {number}"})
    assert loaded.site.labels["read_story"] == "Read more"
    assert loaded.site.labels["issue_number"] == "Nr. {number}"
    assert loaded.site.labels["reason"].startswith("Sie erhalten")
    again = with_provider(loaded, "smtp").config.labels
    assert again == loaded.config.labels
    assert (
        again.missing
        == loaded.config.labels.missing
        == [name for name in ENGLISH if name not in ("read_story", "issue_number")]
    )


def test_a_tracked_newsletter_says_in_no_language_that_it_is_not(load: Any) -> None:
    assert load(language="fr", provider="sendgrid", tracking={"clicks": True}).site.labels["untracked"] == ""
