"""Words of many languages for people who have left, and for their state.

They are compared without capitals and accents, as `words_of` returns them. A word stands for all that begin
with it, such as `abgemeld` for "abgemeldet"; a longer one is also found inside a compound.
"""
# ruff: noqa: RUF001 - words in Cyrillic and Greek have letters that look like Latin ones

from collections.abc import Sequence

from newsletter.subscribers.words import words_of

# "unsubscribed", "unsubscription", "opted out".
_LEFT = {
    "English": "unsub optout optedout opted_out opt_out un_subscrib de_subscrib desubscrib",
    "German": "abgemeld abmeld abbestell austrag ausgetragen austritt ausgetreten widerruf widerspr",
    "French": "desabonn desinscri resiliation",
    "Spanish": "desuscri desinscri cancelo_su dado_de_baja",
    "Portuguese": "descadastr desinscri saiu",
    "Italian": "disiscri disdett cancellazione",
    "Dutch": "uitgeschrev uitschrijv uitschrijf afgemeld afmeld opgezeg",
    "Polish": "wypisan wypis zrezygnow rezygnacj",
    "Czech, Slovak": "odhlasen odhlasil",
    "Russian": "отписа отписк отказа",
    "Ukrainian": "відписа відписк",
    "Bulgarian": "отписва",
    "South Slavic": "odjavljen odjava",
    "Hungarian": "leiratkoz lemondta",
    "Romanian": "dezabon",
    "Swedish": "avregistrer avprenumerer avanmal",
    "Danish, Norwegian": "afmeldt frameld avmeldt",
    "Finnish": "peruutettu peruttu",
    "Greek": "απεγγραφ απεγγεγραμμ διαγραφηκε",
    "Turkish": "abonelikten abonelik_iptal",
    "Arabic": "إلغاء_الاشتراك غير_مشترك",
    "Hebrew": "ביטול_מנוי",
    "Vietnamese": "huy_đang_ky",
    "Indonesian": "berhenti_berlangganan",
}
# The same in languages that do not divide words by blanks, or join them.
_LEFT_UNSPACED = {
    "Chinese": "退订 退訂 取消订阅 取消訂閱 未订阅 未訂閱 拒收",
    "Japanese": "退会 配信停止 購読解除 購読停止 登録解除 解約 受信拒否 配信不可 オプトアウト",
    "Korean": "수신거부 구독취소 구독해지 탈퇴 해지",
    "Thai": "ยกเลิกการสมัคร",
    "Hindi": "सदस्यता_समाप्त सदस्यता_रद्द",
}
# "deleted", "blocked", "inactive", "bounced", "complained", "refused": less certain in a value of a row.
_BLOCKED = {
    "German": "gekundig kundigung gesperrt sperre sperrlist sperrverm gelosch loschdat inaktiv rucklauf "
    "unzustellbar beendet blockiert beschwerde ungultig",
    "French": "rejete bloque supprime inactif inactive desactive plainte rebond opposition liste_noire "
    "invalide en_attente pas_de_mail",
    "Spanish": "baja anulad cancelad bloquead eliminad inactiv rebotad rebote queja lista_negra suspendid "
    "borrad excluid no_molestar pendiente rechazad",
    "Portuguese": "removid excluid bloquead inativ rejeitad devolvid reclamacao apagad cancelad cancelou "
    "pendente",
    "Italian": "cancellat disattivat inattiv bloccat rimoss respint rimbalz reclamo eliminat revocat escluso "
    "in_attesa disabilitat lista_nera",
    "Dutch": "geblokkeerd verwijderd inactief geweigerd klacht onbestelbaar zwarte_lijst gestopt beeindigd "
    "uitgeschakeld bezwaar",
    "Polish": "anulowan usuniet zablokowan nieaktywn odrzucon odbit skarg czarna_lista wycofan niepotwierdz",
    "Czech, Slovak": "zrusen smazan zablokovan neaktivn",
    "Russian": "отказ удален заблокирован неактив жалоб недоступ черный_список отменен исключен отозван",
    "Ukrainian": "видален заблокован неактив",
    "Bulgarian": "заличен",
    "South Slavic": "izbrisan blokiran",
    "Hungarian": "torolt",
    "Romanian": "sters",
    "Swedish": "avslutad blockerad sparrad studsad uppsagd borttagen",
    "Danish, Norwegian": "blokeret blokkert slettet opsagt",
    "Finnish": "poistettu estetty",
    "Turkish": "iptal engellen silindi pasif reddedil cıkıs",
    "Arabic": "ملغى محظور",
    "Hebrew": "הוסר חסום",
    "Indonesian": "berhenti dibatalkan",
}
_BLOCKED_UNSPACED = {
    "Chinese": "取消 黑名单 黑名單 退信 投诉 投訴 无效 無效 已删除 已刪除 停用 封禁",
    "Japanese": "解除 停止 無効 削除 拒否 エラー ブラックリスト バウンス 苦情",
    "Korean": "차단 삭제 반송 비활성 취소 거부 블랙리스트 정지 휴면",
    "Thai": "ยกเลิก",
}
# "status" and "reason", and words that begin others: as whole words of a column's name.
_STATE = {
    "German": "statut zustand abgang",
    "French": "statut motif exclu archive resilie resiliee",
    "Spanish": "estatus situacion motivo",
    "Portuguese": "situacao",
    "Dutch": "reden",
    "Polish": "powod",
    "Czech": "stav duvod",
    "Russian": "статус состояние причина",
    "Ukrainian": "стан",
    "Hungarian": "allapot",
    "Romanian": "stare motiv",
    "Finnish": "tila syy",
    "Greek": "κατασταση",
    "Turkish": "durum",
    "Arabic": "الحالة",
    "Hebrew": "סטטוס",
    "Vietnamese": "trang_thai",
}
_STATE_UNSPACED = {
    "Chinese": "状态 狀態",
    "Japanese": "状態 ステータス",
    "Korean": "상태",
    "Thai": "สถานะ",
    "Hindi": "स्थिति",
}
# "subscribed", "joined": a column of dates, or one that answers a question.
_JOINED = {
    "Romance": "inscri",
    "German": "einwillig zustimm",
    "Dutch": "toestemm",
    "Italian": "consenso",
    "Polish": "zapisan zgod",
    "Nordic": "samtyk samtyck suostum",
    "Russian, Ukrainian": "подпис підпис соглас активен активна активный",
    "Swedish": "prenumer",
    "Finnish": "tilaaja tilaus",
    "Hungarian": "feliratkoz",
    "Turkish": "abone",
    "Indonesian": "berlangganan",
}
_JOINED_UNSPACED = {"Chinese": "订阅 訂閱", "Japanese": "購読 配信", "Korean": "구독 수신동의"}
_NO = {
    "Latin": "no n false f off never none nein non nee nej nie ne nao ei hayır",
    "Cyrillic": "нет ні",
    "East Asian": "否 不 いいえ 아니오 아니요",
}
# The names of months, or their first letters.
_MONTHS = {
    "English": "janu febr marc apri augu septe octo nove dece",
    "German": "janua februa marz apri augu septe okto nove deze",
    "French": "janv fevr mars avri juin juil aout septe octo nove dece",
    "Spanish": "ener febr marz abri mayo juni juli agos septie octu novi dici",
    "Portuguese": "jane feve marc abri maio junh julh agos sete outu nove deze",
    "Italian": "genn febb marz apri magg giug lugl agos sett otto nove dice",
    "Dutch": "janu febr maar apri juni juli augu septe okto nove dece",
    "Polish": "stycz lut luty marc marz kwie maja czer lipc lipi sier wrze pazd list grud",
    "Russian": "янв фев мар апр мая июн июл авг сен окт ноя дек",
}
_SHORT_MONTHS = (
    "jan feb fev mar apr avr abr may mai mei maj mag jun june jul july giu lug aug ago sep sept set oct okt "
    "ott nov dec dez dic gen ene mrt"
)

_COMPOUND_LETTERS = 6  # letters of a word that is also found inside a compound, such as Newsletterabmeldung
START_LETTERS = 4  # of a value: they tell quickly that most values are no departure
_MAX_ENDING = 3  # letters after a word of `_BLOCKED`, such as -os of "bloqueados"
_MAX_WORDS, _MAX_CHARACTERS = 4, 40  # of a value that tells of a departure, such as "Abgemeldet am 6.5.2024"


def _table(*languages: dict[str, str]) -> tuple[str, ...]:
    words = (word for language in languages for line in language.values() for word in line.split())
    return tuple(dict.fromkeys(" ".join(words_of(word.replace("_", " "))) for word in words))


def _in_names(spaced: dict[str, str], unspaced: dict[str, str]) -> tuple[str, ...]:
    """Return what to look for in a name that begins with a blank: a short word only where a word begins."""
    starts = (word if len(word) >= _COMPOUND_LETTERS else f" {word}" for word in _table(spaced))
    return (*starts, *_table(unspaced))


_LEFT_NAMES, _BLOCKED_NAMES = _in_names(_LEFT, _LEFT_UNSPACED), _in_names(_BLOCKED, _BLOCKED_UNSPACED)
_JOINED_NAMES = _in_names(_JOINED, _JOINED_UNSPACED)
_STATES, _STATES_INSIDE = _table(_STATE), _table(_STATE_UNSPACED)
_LEFT_VALUES, _BLOCKED_VALUES = _table(_LEFT), _table(_BLOCKED)
_LEFT_INSIDE = tuple(word.replace(" ", "") for word in _table(_LEFT_UNSPACED))
_BLOCKED_WHOLE = frozenset(word.replace(" ", "") for word in _table(_BLOCKED_UNSPACED))
VALUE_STARTS = frozenset(
    word[:START_LETTERS].replace(" ", blank) for word in (*_LEFT_VALUES, *_BLOCKED_VALUES) for blank in " -_"
)
"""The first letters of values that `is_departure_value` finds; a value in ASCII with others is none."""
_SHORT_MONTH_NAMES = frozenset(_SHORT_MONTHS.split())
_NEGATIONS, _MONTH_STARTS = frozenset(_table(_NO)), _table(_MONTHS)


def is_departure_name(words: Sequence[str]) -> bool:
    """Return True for the words of a name such as "Abgemeldet am" and "désabonnements"."""
    return _has(_LEFT_NAMES, words)


def is_state_name(words: Sequence[str]) -> bool:
    """Return True for the words of a column's name such as "blockiert", "Statut" and "状态"."""
    phrase = f" {' '.join(words)} "
    return _has((*_BLOCKED_NAMES, *_STATES_INSIDE), words) or any(f" {word} " in phrase for word in _STATES)


def is_joining_name(words: Sequence[str]) -> bool:
    """Return True for the words of a column's name such as "Date d'inscription"."""
    return _has(_JOINED_NAMES, words)


def _has(parts: Sequence[str], words: Sequence[str]) -> bool:
    phrase = f" {' '.join(words)}"
    return any(part in phrase for part in parts)


def is_departure_value(words: Sequence[str]) -> bool:
    """Return True for the words of a value such as "abgemeldet am", "bloqueado" and "已退订"."""
    phrase = " ".join(words)
    if is_unsubscribe_value(words):
        return True
    if len(words) > _MAX_WORDS or len(phrase) > _MAX_CHARACTERS:
        return False
    if "".join(words) in _BLOCKED_WHOLE:
        return True
    if not phrase.startswith(_BLOCKED_VALUES):
        return False
    return any(phrase.startswith(w) and len(phrase) <= len(w) + _MAX_ENDING for w in _BLOCKED_VALUES)


def is_unsubscribe_value(words: Sequence[str]) -> bool:
    """Return True for the words of a value such as "abgemeldet am" and "已退订", not for "bloqueado"."""
    phrase, joined = " ".join(words), "".join(words)
    if len(words) > _MAX_WORDS or len(phrase) > _MAX_CHARACTERS:
        return False
    return phrase.startswith(_LEFT_VALUES) or any(word in joined for word in _LEFT_INSIDE)


def is_no(words: Sequence[str]) -> bool:
    """Return True for the words of a value that denies, such as "no", "Nein" and "нет"."""
    return " ".join(words) in _NEGATIONS


def is_month(word: str) -> bool:
    """Return True for the name of a month, or its abbreviation."""
    return word in _SHORT_MONTH_NAMES or word.startswith(_MONTH_STARTS)
