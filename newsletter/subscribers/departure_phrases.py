"""Words of many languages that change what the name of a column tells: "not confirmed", "ex-subscriber"."""

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


def _table(lines: Iterable[str]) -> frozenset[str]:
    words = (word for line in lines for word in line.split())
    return frozenset(" ".join(words_of(word.replace("_", " "))) for word in words)


_DENIALS = _table(_DENIAL.values())
_DENIED_UNSPACED = _table(
    [f"{denial}{word}" for word in _JOINED_UNSPACED.split() for denial in _DENIAL_BEFORE.split()]
    + [f"{word}{denial}" for word in _JOINED_UNSPACED.split() for denial in _DENIAL_AFTER.split()]
)


def is_denial(words: Sequence[str]) -> bool:
    """Return True for words of which one denies the others, such as "not", "refused" and "не"."""
    is_number_of = " ".join(words).startswith("no of ")
    return any(word in _DENIALS for word in words[1 if is_number_of else 0 :])


def is_denied_joining_name(words: Sequence[str]) -> bool:
    """Return True for the words of a name such as "未購読", in languages that do not divide words."""
    joined = "".join(words)
    return any(denied in joined for denied in _DENIED_UNSPACED)
