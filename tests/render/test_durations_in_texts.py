"""The durations that stand in the sentences of pages and mails are those of the program, in each language."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.mail.service_mail import DATA_LINK_LIFETIME
from newsletter.render.pages import TEXTS
from newsletter.store.sign_ups import CONFIRMATION_LIFETIME
from newsletter.subscribers.mail_limits import MIN_MAIL_INTERVAL

SEVEN_DAYS, ONE_HOUR, MAIL_AN_HOUR = "seven days", "one hour", "one such mail an hour"
DURATIONS = {
    SEVEN_DAYS: (CONFIRMATION_LIFETIME, timedelta(days=7)),
    ONE_HOUR: (DATA_LINK_LIFETIME, timedelta(hours=1)),
    MAIL_AN_HOUR: (MIN_MAIL_INTERVAL, timedelta(hours=1)),
}
WORDS = {
    "ar": ("سبعة أيام", "ساعة واحدة", "رسالة واحدة من هذا النوع في الساعة"),
    "de": ("sieben Tage", "eine Stunde", "eine solche E-Mail pro Stunde"),
    "es": ("siete días", "una hora", "un correo así por hora"),
    "fr": ("sept jours", "une heure", "un e-mail de ce genre par heure"),
    "he": ("שבעה ימים", "שעה אחת", "מייל כזה אחד בשעה"),
    "it": ("sette giorni", "un’ora", "un’e-mail di questo tipo all’ora"),
    "ja": ("7日", "1時間", "1時間に1通"),
    "nl": ("zeven dagen", "één uur", "één zo’n e-mail per uur"),
    "pt": ("sete dias", "uma hora", "um e-mail desses por hora"),
    "pt-pt": ("sete dias", "uma hora", "um e-mail destes por hora"),
    "zh": ("七天", "一小时", "每小时最多发送一封"),
    "zh-hant": ("七天", "一小時", "每小時最多寄送一封"),
}
"""The words of each language for the keys of DURATIONS, in their order."""
_DURATION = re.compile(r"\b(?:days|hours?)\b")
# Advice, and not a limit of the program.
_OTHERS = ("Please try again in an hour.",)


@pytest.mark.parametrize("words", DURATIONS)
def test_the_words_are_those_of_the_constants(words: str) -> None:
    of_program, of_texts = DURATIONS[words]
    assert of_program == of_texts, f"change {words!r} in templates/, page_texts/ and service_texts/"


@pytest.mark.parametrize("folder", [TEXTS, TEXTS.with_name("service_texts")], ids=lambda folder: folder.name)
@pytest.mark.parametrize("language", WORDS)
def test_each_language_has_the_same_durations(language: str, folder: Path) -> None:
    texts = json.loads((folder / f"{language}.json").read_text(encoding="utf-8"))
    found = set()
    for english, translated in texts.items():
        named = [words for words in DURATIONS if words in english]
        assert named or not _DURATION.search(english) or english.endswith(_OTHERS), english
        for words, own in zip(DURATIONS, WORDS[language], strict=True):
            assert (words in english) <= (own in translated), (english, translated)
        found.update(named)
    assert found


def test_every_language_is_compared() -> None:
    assert set(WORDS) == {path.stem for path in TEXTS.glob("*.json")}
