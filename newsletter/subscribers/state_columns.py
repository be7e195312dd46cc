"""Find the columns of a CSV file that tell who has left: states, dates of departure, opt-outs.

Other tools export people who have left together with the others, and an import that skips such a column would
send mail to them. A column is judged by its name; if that has two meanings, by its values.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

Test = Callable[[str], bool]

# The patterns match a word of a name, or a part of a word. Words of other languages: "unsubscribed" and
# "active" in the languages that the check `link-text` knows too, and a few words for a state.
_DEPARTURE = re.compile(
    "unsub|optout|optedout|bounc|complain|suppress|blacklist|blocklist|denylist|undeliver|unreach|donot|"
    "nomail|noemail|nocontact|"
    "abgemeld|abmeld|abbestell|austrag|ausgetragen|austritt|widerruf|widerspr|sperre|"
    "desabonn|desinscri|resili|disiscri|uitgeschrev|afgemeld|descadastr|wypisan|"
    # Russian, Chinese, Japanese
    "\u043e\u0442\u043f\u0438\u0441|\u9000\u8ba2|\u9000\u8a02|\u914d\u4fe1\u505c\u6b62"
)
_DEPARTURE_PHRASE = re.compile(
    r"\b(?:opt outs?|opted out|do not|dnc|no (?:e ?)?mails?|no contact|has left|"
    r"not (?:subscribed|confirmed|active|mailable)|"
    r"(?:subscription|membership|consent) (?:end|ends|ended|expired|stopped)|stop (?:date|time))\b"
)
_STATE = re.compile(
    "status|disabl|deactiv|inactiv|inaktiv|unconfirm|unverif|unactivat|delet|cancel|revok|withdr|kundig|"
    "^(?:statut|zustand|blocked|blocks|banned|cleane?d?|removed|erased|archived|spam|junk|abuse|invalid|"
    "pending|quit|baja|gesperrt|geloscht|situacao|stop|stopped|ended|churned|gone|former|rejected|failed|"
    "suspended|silenced|exclude|excluded)$|"
    # Russian, Chinese, Japanese
    "\u0441\u0442\u0430\u0442\u0443\u0441|\u72b6\u6001|\u72c0\u614b|\u72b6\u614b"
)
_DEPARTURE_NAME = re.compile("reason|(?:(?:at|on|date|time) )?left(?: (?:at|on|date|time))?")
_SUPPRESSION_FILE = re.compile("blocked|blocks|invalid|spam")

_JOINING = re.compile(
    "subscri|optin|optedin|confirm|verif|consent|permission|abonn|suscri|iscri|ingeschrev|aangemeld|angemeld|aktywn|"
    "^(?:active|isactive|enabled|newsletters?|marketing|accepts?|receives?|mailable|deliverable|"
    "aktiv|actif|activo|attivo|actief|ativo|iscurrent|wants|gdpr|dsgvo)$"
)
_JOINING_PHRASE = re.compile(
    r"\b(?:(?:opt|opted) in|is current|(?:send|allow|receive|get) (?:e ?)?mails?)\b|"
    r"^(?:sub|delivery(?: mode)?|(?:e ?)?mail (?:enabled|level))$"
)
# Words of columns that may answer whether a person wants mail. A 0 may be a count of mails there.
_MAIL = re.compile("^(?:e?mails?|mailings?|notif.*)$")
_NO = frozenset(("no", "n", "false", "f", "off", "never", "none", "nein", "non"))
# The last word of a name that has a word of `_JOINING`, but tells something else.
_DETAIL = re.compile(
    "id|ip|source|url|link|count|number|key|hash|referrer|name|language|locale|country|campaign|form|page|method"
)

_COUNTRY_STATE = re.compile("state|estado|stato|etat")
_GEOGRAPHY = re.compile("province|region|county|country|territory|canton|provincia")
_ADDRESS_PART = re.compile("address|home|mailing|postal|billing|shipping|us")
# CA, or US-CA (ISO 3166-2); NO answers a question.
_STATE_CODE = re.compile("(?!NO$)[A-Z]{2}(?:-[A-Z0-9]{1,3})?")

_PERSON = re.compile("subscriber|member|contact|user|recipient|person|email|list|customer|account")
_PLAN = re.compile(
    "free|paid|premium|comp|comped|complimentary|gift|gifted|trial|monthly|yearly|annual|lifetime|founding|"
    "basic|pro|plus|standard"
)

_ISO_TIME = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.]{5,15}(?:Z| UTC|[+-][0-9:]{2,5})?")
_DATE = re.compile(r"\b[0-9]{4}\b|\b[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{1,4}\b|^[0-9]{8,14}(?:\.[0-9]+)?$")
_DATE_WORD = re.compile(
    "(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)|january|february|march|april|august|september|"
    "october|november|december|mon|tue|wed|thu|fri|sat|sun|t|z|utc|gmt|am|pm"
)

# Values that tell of a departure in a column of any name, as `_words` or as programs write them.
_LEFT_PHRASES = (
    "unsubscribe|unsubscribed|optout|opt out|opted out|do not contact|do not email|do not mail|bounced|"
    "hardbounce|hard bounce|hardbounced|hard bounced|complained|complaint|spam complaint|cleaned|"
    "undeliverable|unreachable|inactive|blocked|blocklisted|blacklisted|suppressed|deleted|"
    "abgemeldet|abbestellt|desabonne|desabonnee|desinscrit|desinscrite|uitgeschreven|afgemeld|disiscritto|"
    "baja|dado de baja|descadastrado|wypisany|"
    "\u043e\u0442\u043f\u0438\u0441\u0430\u043d|\u043e\u0442\u043f\u0438\u0441\u0430\u043b\u0441\u044f|"
    "\u043e\u0442\u043f\u0438\u0441\u0430\u043b\u0430\u0441\u044c|\u9000\u8ba2|\u5df2\u9000\u8ba2|\u914d\u4fe1\u505c\u6b62|"
    "no email|no mail"
)
_LEFT = frozenset(
    phrase.replace(" ", blank) for phrase in _LEFT_PHRASES.split("|") for blank in (" ", "_", "-")
)
_TAGS = re.compile("tags?|labels?|groups?|segments?|lists?|interests?")
_TAG_END = re.compile("[;,|]")
_MAX_LENGTH = 60  # characters of a date, a state or a plan


class Column(NamedTuple):
    """A column of a CSV file that is not imported."""

    position: int
    name: str


class StateColumns:
    """The columns of a CSV file that tell who has left, by their names and then by the values of each row.

    `certain` are those whose name is enough.
    """

    def __init__(self, header: Sequence[str], skipped: Collection[int | None]) -> None:
        """Judge the columns of a header, without those at the skipped positions."""
        self.certain: list[Column] = []
        self._watched: list[tuple[Column, Test]] = []
        for column in (Column(n, name.strip()) for n, name in enumerate(header) if n not in skipped):
            if is_harmless := _harmless_values(column.name):
                self._watched.append((column, is_harmless))
            else:
                self.certain.append(column)

    def departures(self, fields: Sequence[str]) -> list[Column]:
        """Return the columns whose value in this row may tell of a departure."""
        return [column for column, is_harmless in self._watched if not is_harmless(fields[column.position])]


def is_suppression_list(file_name: str) -> bool:
    """Return True for the name of a file that lists people who have left, such as `suppression_bounces`."""
    words = _words(file_name)
    return _tells_departure(words) or any(map(_SUPPRESSION_FILE.fullmatch, words))


def _harmless_values(name: str) -> Test | None:
    """Return the test that harmless values of a column pass, by its name; None if the name is enough."""
    words = _words(name)
    phrase = " ".join(words)
    if _tells_departure(words) or any(map(_STATE.search, words)) or _DEPARTURE_NAME.fullmatch(phrase):
        return None
    if any(map(_COUNTRY_STATE.fullmatch, words)) and not any(map(_GEOGRAPHY.fullmatch, words)):
        is_ambiguous = len(words) == 1 or any(map(_ADDRESS_PART.fullmatch, words))
        return _is_country_state if is_ambiguous else None
    if "type" in words and (len(words) == 1 or any(map(_PERSON.fullmatch, words))):
        return _is_plan
    joined = any(map(_JOINING.search, words)) or _JOINING_PHRASE.search(phrase)
    if joined and not _DETAIL.fullmatch(words[-1]):
        return _is_joining
    if any(map(_MAIL.search, words)):
        return _is_no_refusal
    return _has_no_left_tag if any(map(_TAGS.fullmatch, words)) else _is_not_left


def _tells_departure(words: Sequence[str]) -> bool:
    return any(map(_DEPARTURE.search, words)) or _DEPARTURE_PHRASE.search(" ".join(words)) is not None


def _is_country_state(value: str) -> bool:
    return not value.strip() or _STATE_CODE.fullmatch(value.strip()) is not None


def _is_plan(value: str) -> bool:
    return len(value) <= _MAX_LENGTH and all(map(_PLAN.fullmatch, _words(value)))


def _is_joining(value: str) -> bool:
    """Return True for an empty value, a date, a time in seconds, or an email address."""
    if not value or _ISO_TIME.fullmatch(value):
        return True
    value = value.strip()
    if not value or "@" in value:
        return True
    is_short = len(value) <= _MAX_LENGTH
    return is_short and _DATE.search(value) is not None and all(map(_DATE_WORD.fullmatch, _words(value)))


def _is_not_left(value: str) -> bool:
    if not value or len(value) > _MAX_LENGTH:
        return True
    # Finding the words of every value would take most of the time of an import.
    text = value.strip().lower() if value.isascii() else " ".join(_words(value))
    return text not in _LEFT


def _is_no_refusal(value: str) -> bool:
    return _has_no_left_tag(value) and value.strip().lower() not in _NO


def _has_no_left_tag(value: str) -> bool:
    return all(_is_not_left(tag.strip(" \"'[]")) for tag in _TAG_END.split(value))


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case, without accents and invisible characters.

    `unsubscribedAt`, `UNSUBSCRIBED_AT` and `Unsubscribed at` have the same words.
    """
    text = re.sub("(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKD", text))
    text = "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Cf"))
    return re.findall(r"[^\W\d_]+", text.casefold())
