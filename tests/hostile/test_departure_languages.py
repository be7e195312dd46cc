"""Lists in many languages: a column that tells who has left is found in each, a harmless one is not."""
# ruff: noqa: RUF001 - words in Cyrillic and Greek have letters that look like Latin ones

from pathlib import Path

import pytest

from newsletter.errors import SubscriberError
from newsletter.subscribers import departure_words
from newsletter.subscribers.formats.mapped_states import judge_of
from newsletter.subscribers.formats.reader import Result
from newsletter.subscribers.import_row import ImportRow
from tests.import_tables import read_file


def read(path: Path, content: str) -> list[Result]:
    path.write_text(content, encoding="utf-8", newline="")
    return read_file(path)


def rows(path: Path, content: str) -> int:
    return sum(isinstance(row, ImportRow) for row in read(path, content))


# Names of columns, by language; the values beside them decide nothing.
LANGUAGES = {
    "German": "Abmeldedatum|Abbestelldatum|Newsletterabmeldung|Sperrvermerk|Löschdatum|unzustellbar|Beendet",
    "German, in other words": "kein Newsletter|keine E-Mails|Austritt",
    "French": "Désabonnement|Date de désinscription|rejeté|bloqué|supprimé|liste noire|en attente",
    "Spanish": "Fecha de baja|dado de baja|desuscripción|bloqueado|lista negra|rebotado|estatus|Motivo",
    "Portuguese": "data de descadastro|descadastrou|excluído|inativo|removido|reclamação",
    "Italian": "disiscrizione|cancellato|disattivato|rimosso|rimbalzato|disdetta|in attesa",
    "Dutch": "uitschrijfdatum|afmelding|opgezegd|geblokkeerd|verwijderd|onbestelbaar|beëindigd",
    "Polish": "wypisany|data wypisania|rezygnacja|usunięty|zablokowany|czarna lista",
    "Russian": "отписан|Дата отписки|удалён|жалоба|состояние",
    "Chinese": "取消订阅|退订|已删除|黑名单|未订阅|狀態",
    "Japanese": "退会|退会日|配信停止|登録解除|ステータス|受信拒否",
    "Korean": "수신거부|수신 거부|구독취소|탈퇴일|상태",
    "Turkish": "abonelik iptal|iptal tarihi|durum|engellendi",
    "others": "avregistrerad|frameldt|odhlášen|leiratkozott|dezabonat|odjavljen|peruutettu|hủy đăng ký",
    "Greek, Arabic, Hebrew, Thai": "απεγγραφή|إلغاء الاشتراك|סטטוס|ยกเลิกการสมัคร",
    "English": "Removed|removed_at|suspended|Terminated|Lapsed|"
    "churn date|exit date|DND|objection|unlisted|out",
    "left in other words": "Ausgeschieden|verstorben|verzogen|Keine Werbung|Robinson|Date de sortie|radié|"
    "décédé|Salida|Fecha de salida|saída|data de saída|Uscita|"
    "data di uscita|Einddatum|overleden op|умер|avliden",
    "English prefixes": "un-subscribed|de-subscribed|desubscribed",
}
VALUES = {
    "English": "unsubscribed|Unsubscribed on 2024-05-06|un-subscribed|"
    "opted_out 2024|soft bounce|nomail|removed",
    "German": "Abgemeldet|abgemeldet am 6.5.2024|gesperrt|gelöscht|gekündigt|unzustellbar|inaktiv",
    "Romance": "désabonnée|désinscrit le 06/05/2024|bloqueados|dado de baja|descadastrou|disdetto|rimosso",
    "Dutch, Polish": "uitgeschreven op 6 mei|geblokkeerd|wypisana|usunięta",
    "Russian": "отписана|отписка|заблокирован",
    "Chinese, Japanese": "已退订|取消订阅|黑名单|退会済み|停止|メール配信停止",
    "Korean": "수신거부|수신 거부|구독 취소|탈퇴",
    "Turkish, Nordic": "iptal|pasif|avregistrerad|slettet|peruutettu",
}
HARMLESS = {
    "joined": "2024-05-06|2024年5月6日",
    "date d'inscription": "2024-05-06|6 mai 2024|06/05/2024|",
    "購読日": "2024年5月6日 07:08",
    "구독일": "2024년 5월 6일",
    "Abonniert am": "6. März 2024|6. Mai 2024 um 07:08 Uhr",
    "suscrito": "6 de mayo de 2024|6 dic 2024",
    "Ort": "Stornoway|Elimina|Cancale|Pasadena|Wyoming|大阪",
    "Firma": "Blocked Drains Ltd|The Deleted Scenes|Bloqueo y Cierre SA|Optimum Optics",
    "Exclusive offers": "yes|no",
    "Archives read": "3",
    "Region": "Baja California|Estremadura",
    "Stan": "CA|NY",
    "Anmerkung": "Sie hat sich im Mai abgemeldet und dann wieder angemeldet.",
    "Position": "Leiter Abmeldung",
    "resilience": "5",
    "check_out": "2024-05-06",
    "Page de sortie": "/prix",
    "Fecha de activación": "2024-05-06",
    "Radierung": "ja",
    "Nombre del etiquetado": "sopa",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_name_of_a_column_in_another_language(language: str, tmp_path: Path) -> None:
    for column in LANGUAGES[language].split("|"):
        with pytest.raises(SubscriberError, match="may tell who has left"):
            read(tmp_path / "list.csv", f'{column},address\n"2024-05-06",ada@example.com\n')


# Names in which a word of joining is denied, by language.
DENIED = {
    "German": "nicht_aktiv|nicht angemeldet|keine Einwilligung|Einwilligung verweigert|ehemalige Abonnenten",
    "Romance": "non attivo|no activo|pas actif|não inscrito|non attiva|no activa|não ativa|pas inscrit|"
    "ancien abonné|sin suscripción|senza consenso",
    "Dutch, Nordic": "niet actief|geen toestemming|ikke samtykke|inte prenumerant",
    "Slavic": "не подписан|не активен|нет согласия|nie zapisany|brak zgody, bez zgody|бывший подписчик",
    "Turkish": "abone değil|eski abone",
    "Chinese, Japanese, Korean": "未購読|不同意|구독 안함|미동의",
}


@pytest.mark.parametrize("language", DENIED)
def test_a_word_of_joining_that_is_denied_in_another_language(language: str, tmp_path: Path) -> None:
    for column in DENIED[language].split("|"):
        with pytest.raises(SubscriberError, match="may tell who has left"):
            read(tmp_path / "list.csv", f'"{column}",address\n2024-05-06,ada@example.com\n')
        assert {judge_of(column)(word) for word in ("yes", "no", "1", "0")} == {"unknown_state"}, column


@pytest.mark.parametrize("language", VALUES)
def test_a_value_in_a_column_whose_name_says_nothing(language: str, tmp_path: Path) -> None:
    for value in VALUES[language].split("|"):
        with pytest.raises(SubscriberError, match="column `x`"):
            read(tmp_path / "list.csv", f"x,address\n1,ada@example.com\n{value},bo@example.com\n")


@pytest.mark.parametrize("column", HARMLESS)
def test_what_only_looks_like_a_departure(column: str, tmp_path: Path) -> None:
    values = HARMLESS[column].split("|")
    lines = "".join(f'"{value}",ada@example.com\n' for value in values)
    assert rows(tmp_path / "list.csv", f"{column},address\n{lines}") == len(values)


@pytest.mark.parametrize("value", ["nein", "declined 2024-05-06", "abgemeldet am 6.5.2024", "left 2024"])
def test_what_follows_a_date_decides_in_a_column_of_joining(value: str, tmp_path: Path) -> None:
    with pytest.raises(SubscriberError, match="`Abonniert am`"):
        read(tmp_path / "list.csv", f'Abonniert am,address\n"{value}",ada@example.com\n')


def test_no_word_of_the_tables_is_empty() -> None:
    """An empty one would be found in every name."""
    tables = [
        getattr(departure_words, name)
        for name in vars(departure_words)
        if name.endswith(("_NAMES", "_INSIDE"))
    ]
    tables += [departure_words._LEFT_VALUES, departure_words._BLOCKED_VALUES, departure_words._STATES]
    assert all(word.strip() for table in tables for word in table)
