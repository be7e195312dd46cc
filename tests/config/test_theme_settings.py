"""The keys `theme`, `colors` and `fonts` of newsletter.yml, and the answers to wrong values."""

from pathlib import Path

import pytest

from newsletter.config import loader
from newsletter.errors import ConfigError

BASE = """\
name: The Soup Letter
sender: {name: The Soup Letter, email: soup@example.com}
postal_address: 1 Kitchen Road, Example City
unsubscribe: {url: "https://soup.example.com/leave/{token}"}
"""
QUOTES = 'write it in quotes, as "#1f4b7a"'
FONT = "write only the name of an installed font, such as Georgia: the mail loads none"


def load(folder: Path, lines: str) -> loader.Newsletter:
    (folder / "newsletter.yml").write_text(BASE + lines, encoding="utf-8")
    return loader.load(folder, {})


def test_settings_reach_the_site(tmp_path: Path) -> None:
    lines = 'theme: letter\ncolors: {accent: "#A12"}\nfonts: {text: [Optima, serif]}\n'
    site = load(tmp_path, lines).site
    assert site.theme == "letter"
    assert site.colors == {"accent": "#aa1122"}
    assert site.fonts == {"text": ("Optima", "serif")}


def test_without_settings_the_mail_is_a_digest(tmp_path: Path) -> None:
    site = load(tmp_path, "").site
    assert (site.theme, site.colors, site.fonts) == ("digest", {}, {})


@pytest.mark.parametrize(
    ("lines", "line", "problem"),
    [
        ("theme: lettre", 5, "theme is \"lettre\"; write one of 'digest', 'letter' or 'gazette'"),
        ("colors: {accent: red}", 5, f'colors.accent is "red", and no colour; {QUOTES}'),
        ("colors:\n  accent: 123456", 6, f'colors.accent is "123456", and no colour; {QUOTES}'),
        ("colors:\n  accent: 1f4b7a", 6, f'colors.accent is "1f4b7a", and no colour; {QUOTES}'),
        ('colors: {accent: "#12345"}', 5, f'colors.accent is "#12345", and no colour; {QUOTES}'),
        (
            "fonts: {text: [a, b, c, d, e, f, g, h, i, j, k]}",
            5,
            "fonts.text has 11 entries; write at most 10",
        ),
        ("colors: {acent: x}", 5, "colors.acent is an unknown key; did you mean `accent`?"),
        (
            "colors:\n  accent: #1f4b7a",
            6,
            f"colors.accent has no colour: for YAML, # begins a comment; {QUOTES}",
        ),
        (
            "colors:\n  accent_dark: #1f4b7a",
            6,
            f"colors.accent_dark has no colour: for YAML, # begins a comment; {QUOTES}",
        ),
        (
            'theme: letter\ncolors:\n  accent: "#ffcc00"',
            7,
            "colors.accent is #ffcc00: its contrast on the ground #f4efe2 of the theme letter is 1.3, and "
            "text needs 4.5; write #856a00 or darker",
        ),
        (
            'colors:\n  accent: "#9a3412"\n  accent_dark: "#9a3412"',
            7,
            "colors.accent_dark is #9a3412: its contrast on the dark ground #1b212b of the theme digest is "
            "2.2, and text needs 4.5; write #e65a2b or lighter",
        ),
        (
            'theme: gazette\ncolors: {accent: "#ff8800"}',
            6,
            "colors.accent is #ff8800: text on it is not readable everywhere: white text has too little "
            "contrast (2.4; 4.5 is needed), and mail programs with a dark design of their own turn black "
            "text white; write #b46000 or darker, or #ffc481 or lighter",
        ),
        (
            "fonts: {text: Georgia}",
            5,
            'fonts.text is not a list ("Georgia"); write each entry on its own line, after "- "',
        ),
        (
            'fonts: {titles: ["https://fonts.example.com/a.css"]}',
            5,
            f'fonts.titles[0] is "https://fonts.example.com/a.css", and no name of a font; {FONT}',
        ),
        (
            'fonts: {titles: ["Georgia\'; color: red"]}',
            5,
            f'fonts.titles[0] is "Georgia\'; color: red", and no name of a font; {FONT}',
        ),
    ],
)
def test_a_problem_is_said_in_a_sentence(tmp_path: Path, lines: str, line: int, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, lines)
    where = (tmp_path / "newsletter.yml").as_posix()
    assert [str(one) for one in raised.value.problems] == [f"{where}:{line}: {problem}"]
