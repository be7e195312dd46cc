"""Lists of unknown origin: the names of their columns, and the options that say what they mean."""
# ruff: noqa: RUF001 - words in Cyrillic and Greek have letters that look like Latin ones

import pytest

from newsletter.errors import SubscriberError
from newsletter.subscribers.formats.mapped_states import judge_of
from newsletter.subscribers.formats.options import MapField
from tests.import_tables import bare, notes, shown, table

ADA = ["2 ada@example.com (Ada Example) active"]


@pytest.mark.parametrize(
    "header",
    [
        *("address", "email", "E-MAIL", "Email Address", "e-mail_address", "Mail", "\ufeffEmail", " eMail "),
        *("E-Mail-Adresse", "E\u2011Mail\u2011Adresse", "e-mail-adresse:", "Mailadresse", "Adresse e-mail"),
        *(
            "Courriel",
            "Adresse électronique",
            "Correo electrónico",
            "CORREO ELECTRONICO",
            "Correo electro\u0301nico",
        ),
        *("Endereço de e-mail", "Indirizzo e-mail", "Posta elettronica", "E-mailadres", "Adres e-mail"),
        *(
            "E-mailová adresa",
            "E-postadress",
            "E-postadresse",
            "Sähköposti",
            "E-mail cím",
            "Adresă de e-mail",
        ),
        *("E-posta", "E-POSTA ADRESİ", "EMAİL", "Электронная почта", "Адрес электронной почты", "Имейл"),
        *(
            "Διεύθυνση email",
            "メールアドレス",
            "ﾒｰﾙｱﾄﾞﾚｽ",
            "電子メール",
            "邮箱",
            "电子邮件",
            "電子郵件",
            "이메일",
            "이메일 주소",
        ),
        *("البريد الإلكتروني", "אימייל", "ईमेल", "อีเมล", "Địa chỉ email", "Alamat email"),
    ],
)
def test_the_column_of_addresses(header: str) -> None:
    assert shown(table(f'name,"{header}"\nAda Example,ada@example.com\n')) == ADA


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("name", "Ada Example"),
        ("First Name,Last Name", "Ada,Example"),
        ("last_name,first_name", "Example,Ada"),
        ("Nachname,Vorname", "Example,Ada"),
        ("Name,Vorname", "Example,Ada"),
        ("Nom,Prénom", "Example,Ada"),
        ("Nombre,Apellidos", "Ada,Example"),
        ("Full name,First name,Last name", "Ada Example,Ada,Example"),
        ("name,last_name", "Ada,Example"),
        ("Имя,Фамилия", "Ada,Example"),
        ("名,姓", "Ada,Example"),
        ("氏名", "Ada Example"),
        ("Vorname,Nachname", " Ada Example ,"),
        ("Vorname,Nachname", ",Ada Example"),
        ("Name,NAME", "Ada Example,Grace"),
    ],
)
def test_the_columns_of_names(header: str, row: str) -> None:
    assert shown(table(f"email,{header}\nada@example.com,{row}\n")) == ADA


def test_a_place_where_people_live_is_no_address() -> None:
    content = "address,email\n1 High Street,ada@example.com\n"
    assert shown(table(content)) == ["2 ada@example.com active"]
    assert notes(table(content)) == ["note: list.csv:1: the column `address` is not imported"]


def test_the_values_decide_between_two_columns_for_addresses() -> None:
    content = "mail,address,note\n2024-05-06,ada@example.com,\n,bo@example.com,\n"
    assert shown(table(content), ignored=("mail",)) == ["2 ada@example.com active", "3 bo@example.com active"]


def test_the_first_of_two_columns_with_one_name() -> None:
    assert shown(table("email,EMAIL\nada@example.com,bo@example.com\n")) == ["2 ada@example.com active"]


@pytest.mark.parametrize(
    ("content", "what", "hint"),
    [
        ("name,city\nAda,Rome\n", "list.csv:1: the header has no column `address`", "--map address=NAME"),
        ("ada@example.com,Ada\n", "list.csv:1: the file has no header", "write a first line"),
    ],
)
def test_a_header_without_addresses(content: str, what: str, hint: str) -> None:
    with pytest.raises(SubscriberError) as refused:
        shown(table(content))
    assert what in str(refused.value) and hint in refused.value.hint


def test_an_invalid_row_is_named_with_its_line_and_value() -> None:
    content = 'email,name\nada,Ada\n,Bo\n , \nbo@example.com,"B\no"\nada@example.com,Ada Example\n'
    assert shown(table(content)) == [
        '2 "ada" is not an email address (an email address must have an @-sign)',
        "3 the row has no address: the column `email` is empty",
        "5 the name is more than one line",
        "7 ada@example.com (Ada Example) active",
    ]


STATES = (
    "Mail,Zustand\na@example.com,aktiv\nb@example.com,abgemeldet\nc@example.com,Hard-Bounce\n"
    "d@example.com,SPAM\ne@example.com,unbestätigt\nf@example.com,\ng@example.com,lila\n"
)


def test_a_column_that_speaks_of_state_is_refused_with_three_ways_out() -> None:
    with pytest.raises(SubscriberError) as refused:
        shown(table(STATES))
    assert "list.csv:1: the column `Zustand` (line 2: aktiv, abgemeldet, Hard-Bounce)" in str(refused.value)
    for way in ("--map state=Zustand", "--as unsubscribed", "--ignore-column Zustand"):
        assert way in refused.value.hint
    assert [row.split()[2] for row in shown(table(STATES), ignored=("zustand",))] == ["active"] * 7
    assert [row.split()[2] for row in shown(table(STATES), as_state="complained")] == ["complained"] * 7
    assert shown(table(STATES), mapped={"state": "ZUSTAND"}) == [
        "2 a@example.com active",
        "3 b@example.com unsubscribed",
        "4 c@example.com bounced",
        "5 d@example.com complained",
        "6 e@example.com kept out: not_confirmed unbestätigt",
        "7 f@example.com no state",
        "8 g@example.com kept out: unknown_state lila",
    ]


@pytest.mark.parametrize(
    ("column", "word", "verdict"),
    [
        *(
            ("status", word, "active")
            for word in ("Active", " SUBSCRIBED ", "opted-in", "Regular", "confirmed")
        ),
        *(("status", word, "active") for word in ("abonné", "ABONNE", "Suscrito", "購読中", "подписан")),
        *(
            ("status", word, "unsubscribed")
            for word in ("Opted_Out", "unsubscribed", "cancelled", "blocklisted")
        ),
        *(
            ("status", word, "unsubscribed")
            for word in ("désabonnée", "已退订", "отписан", "Abgemeldet am 6.5.2024")
        ),
        *(("status", word, "bounced") for word in ("Bounced", "HARD_BOUNCE", "cleaned", "undeliverable")),
        *(
            ("status", word, "complained")
            for word in ("complained", "Spam", "abuse", "Marked as spam", "junk")
        ),
        *(
            ("status", word, "not_confirmed")
            for word in ("Pending", "not confirmed", "en attente", "unverified")
        ),
        *(("status", word, "temporary") for word in ("soft bounce", "Soft-Bounced")),
        *(
            ("status", word, "unknown_state")
            for word in ("inactive", "reactive", "proactive", "active2", "act ive")
        ),
        *(
            ("status", word, "unknown_state")
            for word in ("actıve", "ac\u00adtives", "1", "yes", "no", "0", "?")
        ),
        *(("status", word, None) for word in ("", " ", "\t", "-")),
        *(("subscribed", word, "active") for word in ("yes", "TRUE", "1", "Ja", "x")),
        *(("subscribed", word, "unsubscribed") for word in ("no", "False", "0", "nein", "never")),
        *(("opted out", word, "unsubscribed") for word in ("yes", "true", "1")),
        *(("opted out", word, "active") for word in ("no", "false", "0")),
        *(("abgemeldet", word, "unsubscribed") for word in ("ja", "x")),
        *(("disabled", word, "unsubscribed") for word in ("yes", "true")),
    ],
)
def test_a_word_of_a_mapped_column(column: str, word: str, verdict: str | None) -> None:
    assert judge_of(column)(word) == verdict


MAPPED = "Kontakt,Rufname,Familie,Dabei,Weg,Wie\nada@example.com,Ada,Example,2024-05-06,2025-01-02,active\n"


def test_every_field_can_be_mapped() -> None:
    mapped: dict[MapField, str] = {"address": "kontakt", "first_name": "Rufname", "last_name": " familie "}
    options = {"mapped": mapped | {"joined": "Dabei", "left": "Weg", "state": "Wie"}}
    assert shown(table(MAPPED), **options) == [
        "2 ada@example.com (Ada Example) unsubscribed since 2024-05-06T00:00:00 left 2025-01-02T00:00:00"
    ]
    assert notes(table(MAPPED), **options) == []
    assert shown(table(MAPPED), mapped={"address": "Kontakt", "name": "Rufname"}) == [
        "2 ada@example.com (Ada) active"
    ]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"mapped": {"state": "nothing"}}, "the header has no column `nothing`"),
        ({"ignored": ("nothing",)}, "the header has no column `nothing`"),
        ({"ignored": ("",)}, "the header has no column ``"),
        ({"ignored": ("MAIL",)}, "the column `Mail` is imported, so it cannot be ignored"),
        ({"ignored": ("Zustand",), "mapped": {"state": "Zustand"}}, "the column `Zustand` is imported"),
    ],
)
def test_an_option_that_does_not_fit(options: dict[str, object], what: str) -> None:
    with pytest.raises(SubscriberError) as refused:
        shown(table(STATES), **options)
    assert f"list.csv:1: {what}" in str(refused.value) and refused.value.hint


def test_a_mapped_column_hides_no_state_of_a_tool() -> None:
    rows = "a@example.com,inactive,free,,active\nb@example.com,active,free,,spam\n"
    content = f"email,status,tier,created_at,Mood\n{rows}"
    assert shown(table(content), mapped={"state": "Mood"}) == [
        "2 a@example.com unsubscribed",
        "3 b@example.com complained",
    ]
    assert shown(table(content), mapped={"state": "status"}) == [
        "2 a@example.com unsubscribed",
        "3 b@example.com active",
    ]


def test_a_guessed_tool_is_recognised_by_its_words_too() -> None:
    """`state` can be a part of a country, and a file with other words is no export of Kit."""
    header = "email,first_name,state,created_at\n"
    assert shown(table(f"{header}a@example.com,Ada,CA,\n")) == ["2 a@example.com (Ada) active"]
    for words in ("active|gone", "California|inactive"):
        rows = "".join(f"reader{n}@example.com,,{word},\n" for n, word in enumerate(words.split("|")))
        with pytest.raises(SubscriberError, match="may tell who has left"):
            shown(table(header + rows))
    late = "".join(f"reader{n}@example.com,,active,\n" for n in range(100)) + "bo@example.com,,gone,\n"
    assert shown(table(header + late))[-1] == "102 bo@example.com kept out: unknown_state gone"


def test_a_further_column_of_an_export_that_tells_who_has_left_is_refused() -> None:
    content = "email,status,tier,created_at,Opted out,Soup\na@example.com,active,free,,yes,leek\n"
    with pytest.raises(SubscriberError, match="`Opted out`"):
        shown(table(content))
    assert shown(table(content), mapped={"state": "Opted out"}) == ["2 a@example.com unsubscribed"]
    assert notes(table(content), ignored=("Opted out",))[1:] == [
        "note: list.csv:1: the column `Opted out` is not imported",
        "note: list.csv:1: the column `Soup` is not imported",
    ]


@pytest.mark.parametrize(
    "name", ["unsubscribes", "suppressionList", "Abmeldungen", "unconfirmed", "bounces-2024"]
)
def test_a_list_of_the_gone_is_taken_only_with_a_state(name: str) -> None:
    for source in (table("email\na@example.com\n", f"{name}.csv"), bare("a@example.com\n", f"{name}.txt")):
        with pytest.raises(
            SubscriberError, match="by its name, the file lists people who have left or never"
        ) as refused:
            shown(source)
        assert "--as unsubscribed" in refused.value.hint
    assert shown(table("email\na@example.com\n", f"{name}.csv"), as_state="bounced") == [
        "2 a@example.com bounced"
    ]
    assert shown(bare("a@example.com\n", f"{name}.txt"), as_state="bounced") == ["1 a@example.com bounced"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ada@example.com", "1 ada@example.com active"),
        (" ada@example.com ; ", "1 ada@example.com active"),
        ("Ada Example <ada@example.com>", "1 ada@example.com (Ada Example) active"),
        ('"Example, Ada" <ada@example.com>,', "1 ada@example.com (Example, Ada) active"),
        ('"Ada \\"Soup\\" Example" <ada@example.com>', '1 ada@example.com (Ada "Soup" Example) active'),
        ("<ada@example.com>", "1 ada@example.com active"),
        ("ada@example.com <ada@example.com>", "1 ada@example.com active"),
        ("bo@example.com <ada@example.com>", "1 ada@example.com active"),
        (
            "Ada <ada@example.com> Bo <bo@example.com>",
            "1 `Ada <ada@example.com> Bo <bo@example.com>` is not one address",
        ),
        ("Ada <ada@example.com", "1 `Ada <ada@example.com` is not one address"),
        ("Ada <<ada@example.com>>", "1 `Ada <<ada@example.com>>` is not one address"),
        ("ada@example.com (Ada)", '1 "ada@example.com (Ada)" is not an email address'),
        ("Ada \u202e <ada@example.com>", "1 the name has U+202E"),
        ("=?utf-8?q?a?= <ada@example.com>", "1 the name has an encoded word"),
        ("@soup", '1 "@soup" is not an email address'),
        ("<" * 50_000 + "@", f"1 `{'<' * 90}"),
    ],
)
def test_a_line_without_header(line: str, expected: str) -> None:
    assert shown(bare(f"{line}\n\n"))[0].startswith(expected)


def test_a_list_without_header_has_no_columns_to_name() -> None:
    assert notes(bare("ada@example.com\n")) == [
        "note: list.txt: the file has no header: it is read as a list of addresses"
    ]
    assert notes(bare("")) == [] and shown(bare("", "unsubscribed.csv"), ignored=("x",)) == []
    for options in ({"ignored": ("status",)}, {"mapped": {"state": "status"}}):
        with pytest.raises(SubscriberError, match="no option can name its columns"):
            shown(bare("ada@example.com\n"), **options)
