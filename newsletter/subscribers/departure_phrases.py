"""Words of many languages that tell of a departure by the words beside them: "not confirmed", "is dead".

They are compared as those of `departure_words`, but as whole words.
"""

import re
from collections.abc import Iterable, Sequence

from newsletter.subscribers.words import words_of

# Words that deny a word of joining, or say that it is over: "not", "refused", "former".
_DENIAL = {
    "English": "no not non never without lacks missing ex past former formerly previously denied declined "
    "refused rejected withheld lost off paused left expired",
    "English, short": "dont don isnt isn hasnt hasn didnt didn doesnt doesn wasnt wasn cannot cant",
    "German": "nicht nie niemals kein keine keinen keiner ohne abgelehnt verweigert ehemals ehemalig "
    "ehemalige ehemaliger",
    "French": "ne pas jamais sans aucun aucune refuse refusee ancien ancienne",
    "Spanish": "nunca sin ningun denegado denegada negado negada antiguo antigua",
    "Portuguese": "nao sem recusado recusada antigo antiga",
    "Italian": "senza rifiutato rifiutata negato negata",
    "Dutch": "niet geen nooit zonder voormalig voormalige",
    "Polish": "nie nigdy bez brak odmowa byly",
    "Czech, Slovak": "nikdy odmitnuto byvaly",
    "Russian, Ukrainian": "не нет никогда без бывший отказано ні ніколи колишній",
    "Nordic": "inte ej aldrig utan nekat ikke aldri aldrig ingen uten uden ei",
    "Hungarian, Romanian": "nem soha nu fara",
    "Greek": "δεν οχι χωρις",
    "Turkish": "degil eski",
    "Arabic, Hebrew": "غير لا לא",
    "Vietnamese, Indonesian": "không chua tidak belum",
}
# The same before, and after, a word that tells of joining.
_JOINED_UNSPACED = "订阅 訂閱 購読 配信 同意 구독 수신동의 동의"
_DENIAL_BEFORE, _DENIAL_AFTER = "未 不 非 无 無 没 沒 미", "なし 無し しない 안함 없음"
# These words tell of a departure if the name of a column has no other words but those of `_BESIDE_WHOLE`.
_WHOLE = {
    "English": "reason left returned dropped lost dead paused expired declined refused out off former "
    "forgotten anonymized anonymised muted kicked closed ceased discontinued dismissed purged trashed "
    "opposed exited expelled parted dormant defunct discarded signed_off sign_off signoff moved_away "
    "enddate end_date",
    "German": "ausgeschieden verstorben verzogen robinson enddatum ausstieg weggang",
    "French": "sortie radie radiee radiation decede decedee depart",
    "Spanish": "salida fallecido fallecida",
    "Portuguese": "saida falecido falecida",
    "Italian": "uscita deceduto deceduta",
    "Dutch": "einddatum overleden vertrokken",
    "Slavic": "zmarly zmarla odszedl zemrel умер ушел выбыл помер",
    "Nordic": "avliden slutdatum slutdato utmeldt",
}
_BESIDE_WHOLE = (
    "is has was been be are have did at on by since until from the a our us date time when flag we they "
    "list lists subscriber member contact user recipient person email account customer subscription "
    "de la le il del di da do du der die das am um den fecha data datum op og liste lista"
)
# Words that are found with separators inside them, such as "sta-tus" and "UN SUB".
_BROKEN = re.compile(
    "status|unsub|unconfirm|unverif|bounc|complain|suppress|blacklist|blocklist|(?:inactive|deactivated)$"
)
_MAX_PARTS = 12  # of a word with separators inside it


def _table(lines: Iterable[str]) -> frozenset[str]:
    words = (word for line in lines for word in line.split())
    return frozenset(" ".join(words_of(word.replace("_", " "))) for word in words)


_WHOLE_NAMES, _BESIDE_NAMES = _table(_WHOLE.values()), _table([_BESIDE_WHOLE])
_DENIALS = _table(_DENIAL.values())
_DENIED_UNSPACED = _table(
    [f"{denial}{word}" for word in _JOINED_UNSPACED.split() for denial in _DENIAL_BEFORE.split()]
    + [f"{word}{denial}" for word in _JOINED_UNSPACED.split() for denial in _DENIAL_AFTER.split()]
)


def words_of_name(name: str) -> list[str]:
    """Return the words of a column's name; join the parts of one that separators divide."""
    words = words_of(name)
    if all(len(word) == 1 for word in words):
        return ["".join(words)] if words else []
    for start in range(len(words) - 1):
        for end in range(start + 2, min(start + _MAX_PARTS, len(words)) + 1):
            joined = "".join(words[start:end])
            if _BROKEN.match(joined) and not _BROKEN.match(words[start]):
                return [*words[:start], joined, *words[end:]]
    return words


def is_denial(words: Sequence[str]) -> bool:
    """Return True for words of which one denies the others, such as "not", "refused" and "не"."""
    is_number_of = " ".join(words).startswith("no of ")
    return any(word in _DENIALS for word in words[1 if is_number_of else 0 :])


def is_denied_joining_name(words: Sequence[str]) -> bool:
    """Return True for the words of a name such as "未購読", in languages that do not divide words."""
    joined = "".join(words)
    return any(denied in joined for denied in _DENIED_UNSPACED)


def is_whole_departure_name(words: Sequence[str]) -> bool:
    """Return True for the words of a name such as "is paused", "Left the list" and "Date de sortie".

    A name with other words may tell something else, such as "closed deals" and "left handed".
    """
    phrase = " ".join(words)
    others = " ".join(word for word in words if word not in _BESIDE_NAMES)
    return phrase in _WHOLE_NAMES or (others in _WHOLE_NAMES and others != "reason")
