"""Tests of the date line in the languages of readers, and of the table that it comes from."""

import importlib.util
import json
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from newsletter.render import date_line as module
from newsletter.render import filters
from newsletter.render.date_line import Kind, date_line, month_names, split_months
from newsletter.render.template_data import TemplateInput, template_data
from newsletter.render.templates import render_template
from tests.render import material
from tests.required import need

REPOSITORY = Path(__file__).parents[2]
TABLE = Path(module.__file__).with_name("cldr_dates.json")
JANUARY, JUNE, DECEMBER = date(2023, 1, 9), date(2023, 6, 29), date(2026, 12, 31)
FRENCH = "janv févr mars avr mai juin juil août sept oct nov déc"


@pytest.mark.parametrize(
    ("language", "day", "words"),
    [
        ("en", JANUARY, "9 – 15 January 2023"),
        ("en", JUNE, "26 June – 2 July 2023"),
        ("en", DECEMBER, "28 December 2026 – 3 January 2027"),
        ("en-GB", JANUARY, "9 – 15 January 2023"),
        ("en-US", JANUARY, "January 9 – 15, 2023"),
        ("en-US", JUNE, "June 26 – July 2, 2023"),
        ("de", JANUARY, "9.–15. Januar 2023"),
        ("de", JUNE, "26. Juni – 2. Juli 2023"),
        ("de", DECEMBER, "28. Dezember 2026 – 3. Januar 2027"),
        ("de-AT", JANUARY, "9.–15. Jänner 2023"),
        ("fr", JANUARY, "9–15 janvier 2023"),
        ("fr", JUNE, "26 juin – 2 juillet 2023"),
        ("es", JANUARY, "9–15 de enero de 2023"),
        ("es-MX", JUNE, "26 de junio – 2 de julio de 2023"),
        ("pt", JANUARY, "9 – 15 de janeiro de 2023"),
        ("pt-BR", JANUARY, "9 – 15 de janeiro de 2023"),
        ("pt-PT", JANUARY, "9–15 de janeiro de 2023"),
        ("pt-AO", JANUARY, "9–15 de janeiro de 2023"),
        ("it", JUNE, "26 giugno – 2 luglio 2023"),
        ("nl", JANUARY, "9–15 januari 2023"),
        ("ja", JANUARY, "2023年1月9日～15日"),
        ("ja", DECEMBER, "2026年12月28日～2027年1月3日"),
        ("zh", JANUARY, "2023年1月9日 – 15日"),
        ("zh-Hans-CN", JANUARY, "2023年1月9日 – 15日"),
        ("zh-Hant", JANUARY, "2023年1月9日至15日"),
        ("zh-TW", JANUARY, "2023年1月9日至15日"),
        ("ZH-hk", JUNE, "2023年6月26日至7月2日"),
        ("ko", JANUARY, "2023년 1월 9일~15일"),
        ("he", JANUARY, "9–15 בינואר 2023"),
        ("he", JUNE, "26 ביוני – 2 ביולי 2023"),
        ("iw-IL", JANUARY, "9–15 בינואר 2023"),
        ("ar", JANUARY, "9–15 يناير 2023"),
        ("ar-EG", JANUARY, "9–15 يناير 2023"),
        ("cs", JANUARY, "9.–15. 1. 2023"),
        ("in", JANUARY, "9–15 Januari 2023"),
        ("sr-Latn", JANUARY, "9.–15. januar 2023."),
        ("sr-ME", JANUARY, "9.–15. januar 2023."),
        ("ca", JANUARY, "9–15 de gener del 2023"),
        ("vi", JANUARY, "9 – 15 tháng 1, 2023"),
        ("eu", JANUARY, "2023(e)ko urtarrila 9–15"),
        ("ka", JUNE, "26 ივნისი – 2 ივლისი 2023"),
        ("fa", JANUARY, "9 تا 15 ژانویه 2023"),
        ("tlh", JANUARY, "9 – 15 January 2023"),
        ("x-none", JANUARY, "9 – 15 January 2023"),
    ],
)
def test_a_week_is_written_as_its_language_does(language: str, day: date, words: str) -> None:
    assert date_line("week", day, language) == words


@pytest.mark.parametrize(
    ("kind", "language", "words"),
    [
        ("day", "en", "29 June 2023"),
        ("day", "en-US", "June 29, 2023"),
        ("day", "de", "29. Juni 2023"),
        ("day", "es", "29 de junio de 2023"),
        ("day", "ja", "2023年6月29日"),
        ("day", "he", "29 ביוני 2023"),
        ("day", "th", "29 มิถุนายน ค.ศ. 2023"),
        ("month", "en-US", "June 2023"),
        ("month", "es", "junio de 2023"),
        ("month", "zh", "2023年6月"),
        ("month", "he", "יוני 2023"),
        ("month", "ru", "июнь 2023 г."),
        ("month", "vi", "tháng 6 năm 2023"),
    ],
)
def test_day_and_month(kind: Kind, language: str, words: str) -> None:
    assert date_line(kind, JUNE, language) == words


@pytest.mark.parametrize(
    ("kind", "language", "months", "words"),
    [
        ("week", "fr", FRENCH, "26 juin – 2 juil 2023"),
        ("month", "ru", "1 2 3 4 5 6-й 7 8 9 10 11 12", "6-й 2023 г."),
        ("month", "ru", month_names("ru"), "июнь 2023 г."),
        ("week", "ca", month_names("ca"), "26 de juny – 2 de juliol del 2023"),
        ("week", "ja", FRENCH, "2023年6月26日～7月2日"),
        ("week", "de", month_names("en"), "26. June – 2. July 2023"),
    ],
)
def test_months_of_the_newsletter(kind: Kind, language: str, months: str, words: str) -> None:
    assert date_line(kind, JUNE, language, months) == words


def test_months_that_are_not_twelve() -> None:
    with pytest.raises(ValueError, match="twelve"):
        split_months("a b c")


def test_the_filter_writes_the_language_of_the_newsletter(tmp_path: Path) -> None:
    (tmp_path / "layout.txt.j2").write_text(
        '{{ issue|week(labels) }}{% import "m.txt.j2" as m %}{{ m.w(issue, labels) }}'
    )
    (tmp_path / "m.txt.j2").write_text("{% macro w(issue, labels) %} {{ issue|week(labels) }}{% endmacro %}")
    for language, words in (("de", "9.–15. Januar 2023"), ("en-US", "January 9 – 15, 2023")):
        site = material.site(tmp_path, language=language)
        filled = render_template("layout.txt.j2", TemplateInput(material.issue(date=JANUARY), site)).text
        assert filled == f"{words} {words}"


def test_the_filter_takes_the_months_of_the_labels() -> None:
    given = template_data(material.issue(date=JANUARY), material.site(labels=material.labels(months=FRENCH)))
    assert filters.week(given["issue"], given["labels"], "fr") == "9–15 janv 2023"


# The table


def languages() -> dict[str, dict[str, str | list[str]]]:
    read = json.loads(TABLE.read_text(encoding="utf-8"))
    assert "Unicode CLDR" in read["source"] and read["licence"].startswith("Unicode-3.0")
    return dict(read["languages"])


def test_every_row_of_the_table_has_what_its_patterns_need() -> None:
    for tag in languages():
        for kind in ("week", "day", "month"):
            for day in (JANUARY, JUNE, DECEMBER):
                line = date_line(kind, day, tag)
                last = day.year + 1 if day == DECEMBER and kind == "week" else day.year
                assert str(last) in line and line == line.strip(), tag
                assert not set("{}\N{NO-BREAK SPACE}\N{THIN SPACE}\N{NARROW NO-BREAK SPACE}") & set(line), tag
        assert len(split_months(month_names(tag))) == 12, tag


def script() -> ModuleType:
    need(None if importlib.util.find_spec("babel") else "Babel, of the extra `dev`")
    spec = importlib.util.spec_from_file_location("cldr", REPOSITORY / ".ci" / "cldr.py")
    assert spec and spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


SAMPLE = "en en_001 en_US de de_AT eu fr es es_419 pt pt_PT pt_AO it nl ja zh zh_Hant he ar ka ru sr sr_Latn"


def test_the_table_is_what_the_script_makes_for_some_languages() -> None:
    made, written = script().table(SAMPLE.split()), languages()
    assert {tag: written.get(tag) for tag in made} == made


@pytest.mark.every_case
def test_the_table_is_what_the_script_makes() -> None:
    cldr = script()
    assert cldr.content(cldr.table()) == TABLE.read_text(encoding="utf-8")
