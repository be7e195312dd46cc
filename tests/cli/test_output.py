"""Lines of text, and JSON, for a terminal."""

import json

import pytest

from newsletter.cli.output import Styled, json_text, line, wrap


@pytest.mark.parametrize(
    "text",
    [
        "Leek & potato, 30 °C: “soup”",
        "第1号　ニュース",
        "Prêt\u00a0?",
        "👩\u200d💻 🏳️\u200d🌈",
        "ن\u200cم",
        "newsletter.yml:3: a::b",
        "#[x] C# ##",
        r"C:\new \u001b",
        "http://[::1]:8025/",
    ],
)
def test_ordinary_words_stay_as_they_are(text: str) -> None:
    assert line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\tc\nd", "a b c d"),
        ("a\rb\x1b[1mc", "a\\u000db\\u001b[1mc"),
        ("\x7f\x9b\u202e\u2028\udcff\U000e0041", "\\u007f\\u009b\\u202e\\u2028\\udcff\\U000e0041"),
        ("  ::error::x::y", "  \\u003a:error::x::y"),
        ("\n::error::", " \\u003a:error::"),
        ("\u3000\ufe0f:\ufe0f:error::", "\u3000\ufe0f\\u003a\ufe0f:error::"),
        ("a ##[group] ##[x] ###[x]", "a \\u0023#[group] \\u0023#[x] #\\u0023#[x]"),
        ("x" * 2001, "x" * 1997 + "…"),
    ],
)
def test_other_words_are_shown_without_their_effect(text: str, shown: str) -> None:
    assert line(text) == shown


def test_a_command_does_not_come_from_two_parts() -> None:
    assert line(":", Styled(":error::", "red")) == "\\u003a\x1b[31m:error::\x1b[0m"
    assert line("##", Styled("[x]", bold=True)) == "\\u0023#\x1b[1m[x]\x1b[0m"


def test_a_style_is_only_where_it_was_asked_for() -> None:
    assert line(Styled("a\x1b[0m", "red"), "\x1b[31mb") == "\x1b[31ma\\u001b[0m\x1b[0m\\u001b[31mb"


def test_json_keeps_its_values() -> None:
    value = {"\x7f\u202e\u2028": ["##[x] é\n::x", "\U000e0041\ud800", "第"]}
    text = json_text(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(text) == value
    assert "é" in text and "第" in text and "##[" not in text
    assert text.replace("\n", "").isprintable()


def test_a_text_is_cut_before_it_is_wrapped() -> None:
    assert len(wrap("w" * 1_000_000, 80, first="", indent="")) == 25
