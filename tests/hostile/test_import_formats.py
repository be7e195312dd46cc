"""An import of another tool's export revives nobody, whatever the file contains and the options say."""
# ruff: noqa: RUF001 - words in Cyrillic have letters that look like Latin ones

import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from newsletter.errors import SubscriberError
from newsletter.subscribers.formats.mapped_states import judge_of
from newsletter.subscribers.formats.model import StateColumn
from newsletter.subscribers.formats.recognition import FORMATS
from newsletter.subscribers.import_row import ImportRow
from tests.hostile.test_departure_languages import HARMLESS, LANGUAGES, VALUES
from tests.hostile.test_departures import EXPORTS
from tests.import_tables import IMPORTS, is_note, read_file, results, shown, table

COLUMNS = [pytest.param(column, id=f"{one.title}-{column.name}") for one in FORMATS for column in one.states]
BEEHIIV = "email,status,tier,created_at,unsubscribed_at"


def active(content: str, name: str = "list.csv", **options: Any) -> set[str]:
    """Return the addresses of a file that would get mail."""
    rows = results(table(content, name), **options)
    return {row.address.key for row in rows if isinstance(row, ImportRow) and row.state == "active"}


def refused(path: Path) -> str:
    """Return the error for a file, after the name of its folder, and the advice."""
    with pytest.raises(SubscriberError) as failure:
        read_file(path)
    return f"{failure.value}; {failure.value.hint}".replace(f"{path.parent}/", "")


def archive(path: Path, *members: tuple[str, str]) -> Path:
    """Return the path of an archive that has these files, with their contents."""
    with zipfile.ZipFile(path, "w") as target:
        for name, content in members:
            target.writestr(name, content)
    return path


def altered(word: str) -> Iterator[str]:
    """Yield words that contain a word, or look like it."""
    yield from (f"in{word}", f"{word}s", f"{word}2", f"not {word}", f"un-{word}", f"{word};", f"{word} no")
    yield from (word.replace("i", "\u0130"), word.replace("i", "\u0131"), word.replace("a", "а"))
    yield from (f"{word[:2]}\u200b{word[2:]}", f"\ufeff{word}", f"{word}\u0301", f"{word}\x00", f"'{word}")
    yield "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in word)


@pytest.mark.parametrize("column", COLUMNS)
def test_only_a_whole_word_makes_a_person_active(column: StateColumn) -> None:
    for word, verdict in column.words.items():
        if not word or verdict != "active":
            continue
        assert column.judge(f" {word.upper()}\t") == "active"
        for other in altered(word):
            is_other = other.strip().casefold() not in column.words
            assert not is_other or column.judge(other) not in ("active", None), other


@pytest.mark.parametrize("word", ["active", "subscribed", "confirmed", "enabled", "regular"])
def test_only_a_whole_word_of_a_mapped_column_makes_a_person_active(word: str) -> None:
    for other in altered(word):
        spelling = other.replace("\u200b", "").replace("\ufeff", "").replace("\u0301", "")
        looks_equal = word in (spelling, other.replace("\u0130", "i")) or other[0] > "\uff00"
        assert looks_equal or judge_of("status")(other) not in ("active", None), other


@pytest.mark.parametrize("path", sorted(IMPORTS.iterdir()), ids=lambda path: path.stem)
def test_no_option_makes_anybody_active_but_to_ignore_the_states_of_a_guess(path: Any) -> None:
    content = path.read_text(encoding="utf-8")
    header = content.partition("\n")[0].split(",")
    expected = active(content, path.name)
    for field in ("state", "left", "joined"):
        for column in header:
            try:
                assert active(content, path.name, mapped={field: column}) <= expected, (field, column)
            except SubscriberError:
                continue
    for state in ("unsubscribed", "bounced", "complained"):
        assert active(content, path.name, as_state=state) == set()
    for column in header:
        try:
            found = active(content, path.name, ignored=(column,))
        except SubscriberError:
            continue
        assert found <= expected or ("UNVERIFIED" in path.stem and column == "state"), column


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_that_was_refused_as_a_whole(name: str) -> None:
    content, _ = EXPORTS[name]
    try:
        assert active(content, f"{name}.csv") <= {"ada@example.com", "bo@example.com"}
    except SubscriberError:
        assert name == "a"
        return
    if "bo@example.com" in content and "subscribed_members" not in name:
        assert active(content, f"{name}.csv") <= {"ada@example.com"}
    if any(word in name for word in ("unsub", "cleaned", "bounces", "members ")) or "UNSUB_TIME" in content:
        assert active(content, f"{name}.csv") == set()


def test_columns_of_many_languages_are_refused_as_before() -> None:
    for column in "|".join(LANGUAGES.values()).split("|"):
        with pytest.raises(SubscriberError, match="may tell who has left"):
            shown(table(f'{column},address\n"2024-05-06",ada@example.com\n'))
    for value in "|".join(VALUES.values()).split("|"):
        with pytest.raises(SubscriberError, match="column `x`"):
            shown(table(f"x,address\n1,ada@example.com\n{value},bo@example.com\n"))
    for column, values in HARMLESS.items():
        rows = "".join(f'"{value}",ada@example.com\n' for value in values.split("|"))
        assert len(shown(table(f"{column},address\n{rows}"))) == len(values.split("|"))


@pytest.mark.parametrize(
    "header",
    [
        BEEHIIV.upper(),
        f"\ufeff{BEEHIIV}",
        " email ,\tstatus,tier ,created_at, unsubscribed_at ",
        "EMA\u0130L,STATUS,T\u0130ER,CREATED_AT,UNSUBSCRIBED_AT",
        "\uff45\uff4d\uff41\uff49\uff4c,sta\u200btus,tier,created_at,unsubscribed_at",
    ],
)
def test_the_spelling_of_a_header_hides_no_state(header: str) -> None:
    rows = "a@example.com,active,,,\nb@example.com,inactive,,,\nc@example.com,active,,,2024-01-01\n"
    assert active(f"{header}\n{rows}") == {"a@example.com"}


def test_the_severest_of_two_columns_with_one_name_decides() -> None:
    words = ("active", "", "pending", "lila", "inactive")
    rows = "".join(
        f"{n}{m}@example.com,{a},{b},,\n" for n, a in enumerate(words) for m, b in enumerate(words)
    )
    assert active(f"email,status,STATUS,tier,created_at\n{rows}") == {"00@example.com"}


def test_a_header_shows_no_control_characters_and_is_cut() -> None:
    for content in (
        '"a\x1b[31m","b\nc"\nx,y\n',
        f"{'n' * 5000},x\n1,2\n",
        'email,"status\x1b[31m\u202e"\na@example.com,x\n',
        f'email,"status {"x" * 5000}"\na@example.com,x\n',
    ):
        with pytest.raises(SubscriberError) as refused:
            shown(table(content))
        text = f"{refused.value} {refused.value.hint}"
        assert text.isprintable() and len(text) < 1000


def test_a_header_of_many_columns_is_judged_in_time() -> None:
    header = ",".join(f"column {n}" for n in range(1000))
    assert active(f"email,{header}\nada@example.com,{',' * 999}\n") == {"ada@example.com"}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("bo@example.com,2024-05-06", "2024-05-06"),
        ("bo@example.com,unsubscribed", "unsubscribed"),
        ("bo@example.com;lila", "lila"),
        ("Unsubscribed:", "Unsubscribed:"),
        ("<gone>", "<gone>"),
        ("email,unsubscribed_at", "email"),
        ("Unsubscribed (see list@example.com):", "Unsubscribed (see list@example.com):"),
        ("bo@example.com,unsubscribed,Cy <cy@example.com>", "unsubscribed"),
        ("bo@example.com,2024-05-06,Cy <cy@example.com>", "2024-05-06"),
        ("Bo <bo@example.com>,2024-05-06,Cy <cy@example.com>", "2024-05-06"),
        ("Bo <bo@example.com>,no,Cy <cy@example.com>", "no"),
        ("Unsubscribed <bo@example.com>", "Unsubscribed"),
        ("Bo (unsubscribed) <bo@example.com>", "Bo (unsubscribed)"),
        ("Désabonnée: Bo <bo@example.com>", "Désabonnée: Bo"),
        ("отписан, Bo <bo@example.com>", "отписан, Bo"),
    ],
)
def test_a_list_without_header_has_no_states(line: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"ada@example.com,\n{line}\ndee@example.com\n", encoding="utf-8")
    assert refused(path).startswith(f"list.txt:2: the file has no header, and `{text}` may tell the state")
    departed = read_file(path, as_state="unsubscribed")
    assert "active" not in [row.state for row in departed if isinstance(row, ImportRow)]


def test_a_list_without_header_has_names_and_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(
        "ada@example.com\nDoe, Bo <bo@example.com>, Ng (No), Cy <cy@example.com>\nÉmile <e@example.com>\n@\n",
        encoding="utf-8",
    )
    rows = [row for row in read_file(path) if isinstance(row, ImportRow)]
    assert [(row.address.key, row.name) for row in rows] == [
        ("ada@example.com", ""),
        ("bo@example.com", "Doe, Bo"),
        ("cy@example.com", "Ng (No), Cy"),
        ("e@example.com", "Émile"),
    ]


LIST = "email\nada@example.com\n"
GOES_ON = ("subscribed.csv", LIST)


@pytest.mark.parametrize(
    ("name", "members", "says"),
    [
        ("unsubscribes.zip", [("export.csv", LIST)], "unsubscribes.zip/export.csv: by the name `unsub"),
        ("unsubscribes.zip", [("a.txt", "ada@example.com\n")], "unsubscribes.zip/a.txt: by the name `unsub"),
        (
            "a.zip",
            [GOES_ON, ("x/unsubscribed/y/a.csv", LIST)],
            "x/unsubscribed/y/a.csv: by the name `unsubscribed`",
        ),
        ("a.zip", [("unsubscribed\\a.csv", LIST)], "by its name, the file lists"),
        ("a.zip", [("a.bounces.csv", LIST)], "a.bounces.csv: by its name, the file lists"),
        ("a.zip", [GOES_ON, ("unsubscribed", LIST)], "the file `unsubscribed` lists people who have left"),
        ("a.zip", [GOES_ON, ("unsubscribed.json", "[]")], "`unsubscribed.json` lists people who have left"),
        ("a.zip", [GOES_ON, ("bounces/1", LIST)], "the file `bounces/1` lists people who have left"),
    ],
)
def test_the_name_of_an_archive_or_folder_tells_who_has_left(
    name: str, members: list[tuple[str, str]], says: str, tmp_path: Path
) -> None:
    error = refused(archive(tmp_path / name, *members))
    assert says in error and "; unpack the archive, " in error


@pytest.mark.parametrize("name", ["list.unsubscribed", "unsubscribed", "unsubscribed.csv.bak", ".bounces"])
def test_the_whole_name_of_a_file_tells_who_has_left(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(LIST)
    assert "by its name, the file lists people who have left" in refused(tmp_path / name)


def test_an_archive_of_a_tool_names_its_files_after_their_states(tmp_path: Path) -> None:
    exports = [
        (f"audience/{path.name}", path.read_text()) for path in IMPORTS.glob("mailchimp_*_members_export.csv")
    ]
    others = ("unsubscribed/", "__MACOSX/._unsubscribed.csv", "posts/1.how-to-unsubscribe.html", "bounce.PNG")
    path = archive(tmp_path / "a.zip", *exports, *((name, "") for name in others))
    states = {row.state for row in read_file(path) if isinstance(row, ImportRow)}
    assert len(exports) == 2 and states == {"active", "unsubscribed", "complained"}


@pytest.mark.parametrize(
    ("header", "line", "says"),
    [
        ("email,name", "email,unsubscribed_at", "is another header"),
        ("email,name", "E-Mail-Adresse,Grund", "is another header"),
        ("email,name", "email", "is another header"),
        ("email,joined_at", "email,left_at", "is another header"),
        ("Your best address,OPTIN_TIME,CONFIRM_TIME,LEID,EUID", "Your best address,UNSUB_TIME", "is another"),
        ("email,name", "Unsubscribed:,", "`Unsubscribed:` in place of an address"),
        ("email,name", ",Abgemeldet", "`Abgemeldet` in place of an address"),
    ],
)
def test_a_second_header_or_heading_refuses_the_file(
    header: str, line: str, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{header}\nada@example.com,\n{line}\nbo@example.com,2024-05-06\n")
    error = refused(path)
    assert error.startswith("list.csv:3: ") and says in error
    assert not active(path.read_text(), as_state="unsubscribed")


def test_a_row_that_repeats_the_header_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("email,Name,joined_at\na@example.com,,\n\nEmail, name,joined_at\nb@example.com\nsoup\n")
    rows = [row for row in read_file(path) if not is_note(row)]
    assert [getattr(row, "state", row.where.rpartition(":")[2]) for row in rows] == ["active", "active", "6"]


def test_any_file_is_an_answer() -> None:
    """Files of mixed columns and values give rows, problems or one error, never a traceback."""
    names = sorted({name for one in FORMATS for name in (*one.required, *one.known, *one.joined, *one.left)})
    values = [
        "",
        "a@example.com",
        "active",
        "inactive",
        "true",
        "1/2/23",
        "2024-01-01",
        "soon",
        "1774600000",
        "\u202e",
    ]
    chance = random.Random(15)
    for _ in range(150):
        one = chance.choice(FORMATS)
        header = [
            *one.required,
            *one.address,
            *chance.sample(names, 3),
            chance.choice(["", "status", "Zustand"]),
        ]
        chance.shuffle(header)
        rows = "\n".join(",".join(chance.choices(values, k=len(header))) for _ in range(4))
        try:
            found = results(
                table(f"{','.join(header)}\n{rows}\n", chance.choice(["bounces.csv", "list.csv"]))
            )
        except SubscriberError as refused:
            assert refused.where and refused.hint
        else:
            assert all(result.where for result in found)


@pytest.mark.parametrize("name", ["Ada\nBo", "\u202eadA", "=?utf-8?q?x?="])
def test_a_bad_name_hides_no_departure(name: str) -> None:
    content = f"{BEEHIIV}\na@example.com,inactive,free,,\n".replace("email,", "email,First Name,", 1)
    content = content.replace("a@example.com,", f'a@example.com,"{name}",', 1)
    assert shown(table(content)) == ["2 a@example.com unsubscribed"]
    (refused,) = shown(table(content.replace("inactive", "active")))
    assert refused.startswith("2 the name ")


@pytest.mark.parametrize(
    ("content", "field", "column"),
    [
        pytest.param("email,status\na@example.com,unsubscribed\n", "name", "status", id="state-as-name"),
        pytest.param("email,status\na@example.com,unsubscribed\n", "first_name", "status", id="first-name"),
        pytest.param(
            "email,unsubscribed_at\na@example.com,2024-05-06\n", "joined", "unsubscribed_at", id="joined"
        ),
        pytest.param(
            "email,unsubscribed_at\na@example.com,2024-05-06\n", "name", "unsubscribed_at", id="date"
        ),
    ],
)
def test_a_column_that_is_mapped_to_another_field_hides_no_state(
    content: str, field: str, column: str
) -> None:
    with pytest.raises(SubscriberError, match="may tell who has left"):
        active(content, mapped={field: column})


def test_a_column_of_consent_that_is_found_by_its_name_is_still_judged() -> None:
    with pytest.raises(SubscriberError, match="may tell who has left"):
        active("email,confirmed_at\na@example.com,2024-05-06\nb@example.com,no\n")
    assert shown(table("email,Subscribed At\na@example.com,2024-05-06\n")) == [
        "2 a@example.com active since 2024-05-06T00:00:00"
    ]
    assert shown(table("email,subscribed_at\na@example.com,1/2/23\n")) == ["2 a@example.com active"]
