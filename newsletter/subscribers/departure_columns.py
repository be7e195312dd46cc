"""Find the columns of a CSV file that tell who has left: states, dates of departure, opt-outs.

Other tools export people who have left together with the others, and an import that skips such a column would
send mail to them. A column is judged by its name; if that has two meanings, by its values.
"""

import re
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from newsletter.subscribers.departure_phrases import (
    is_denial,
    is_denied_joining_name,
    is_whole_departure_name,
    words_of_name,
)
from newsletter.subscribers.departure_words import (
    START_LETTERS,
    VALUE_STARTS,
    is_departure_name,
    is_departure_value,
    is_joining_name,
    is_month,
    is_no,
    is_state_name,
)
from newsletter.subscribers.state_vocabulary import DEPARTURE_WORDS
from newsletter.subscribers.words import words_of

IsHarmless = Callable[[str], bool]

# The patterns match a word of a name, or a part of a word; `departure_words` has other languages.
_DEPARTURE = re.compile(
    "unsub|optout|optedout|bounc|complain|suppress|blacklist|blocklist|denylist|undeliver|unreach|donot|"
    "nomail|noemail|nocontact|desubscri|unengag|objection|nondeliver|goneaway|deregist|unregist|"
    "unfollow|unenrol|unrespons|hardfail|mailboxfull|robinsonlist|"
    "^(?:no|dont|never|cannot)(?:send|e?mail|news|contact|promo)|^leavers?$|^deceased$"
)
_REFUSAL_PHRASE = re.compile(
    r"\b(?:opt outs?|opted out|do not|dnc|dnd|[du][en] subscri[a-z]{1,9}|"
    r"(?:no|not|never|dont|[a-z]{2,6}n t|cannot|keine?n?|geen|pas de|sin|sem|senza|bez|ingen|inga|ikke|inte) "
    r"(?:(?:e ?)?mails?|mailings?|news|newsletters?|send|contact|promo[a-z]{0,8}|advertising|offers|updates|"
    r"correos?|post|werbung|reclame|publicite|publicidade?|pubblicita|reklam[a-z]{0,2})|"
    r"(?:e ?)?mails? (?:off|paused|refused|declined|denied|forbidden))\b"
)
_DEPARTURE_PHRASE = re.compile(
    r"\b(?:has left|(?:leave|leaving|exit|departure|quit) (?:date|time)|"
    r"hard fail(?:s|ed|ure|ures)?|(?:mail ?box|inbox) (?:is )?full|over quota|gone away|not interested|"
    r"(?:ex|former|past|previous) (?:members?|readers?|recipients?|users?|contacts?|followers?)|"
    r"(?:ex|former) (?:customers?|clients?)|robinson (?:list|liste)|"
    r"(?:subscription|membership|consent) (?:end|ends|ended|expired|stopped)|stop (?:date|time))\b"
)
_STATE = re.compile(
    "status|disabl|deactiv|inactiv|unconfirm|unverif|unactivat|delet|cancel|revok|withdr|suspen|terminat|remov|"
    "^(?:blocked|blocks|banned|cleane?d?|erased|erasure|archived|spam|junk|abuse|invalid|"
    "pending|quit|stop|stopped|ended|churn|churned|gone|rejected|failed|lapsed|resigned|"
    "silenced|exclude|excluded|unlisted|objected|departed|snoozed|disqualified|sunset|ndr)$"
)
_SUPPRESSION_FILE = re.compile("blocked|blocks|invalid|spam|nonsubscribed|unconfirmed|unactivated|pending")

_JOINING = re.compile(
    "subscri|optin|optedin|confirm|verif|consent|permission|abonn|suscri|iscri|ingeschrev|aangemeld|angemeld|"
    "aktywn|^(?:active|isactive|enabled|newsletters?|marketing|accepts?|receives?|mailable|emailable|deliverable|"
    "contactable|reachable|erreichbar|zustellbar|valid|"
    "aktive?|actifs?|activ[ao]|attiv[ao]|actief|actieve|ativ[ao]|iscurrent|wants|gdpr|dsgvo|opt)$"
)
_JOINING_PHRASE = re.compile(
    r"\b(?:(?:opt|opted) in|is current|(?:send|allow|receive|get) (?:e ?)?mails?)\b|"
    r"^(?:sub|delivery(?: mode)?|(?:e ?)?mail (?:enabled|level))$"
)
# A word of `_JOINING` behind one that denies it.
_DENIED_WORD = re.compile(
    "^(?:no|not|non|nicht|never|dont|without|ex|past|former)(?:subscri|abonn|optin|opted|confirm|verif|consent|"
    "permission|newsletter|marketing|activ|aktiv|valid|deliver|mailable|contactable)"
)
# A "yes" does not tell that the person joined: "confirmation sent", "requires verification".
_ASKED = re.compile("needs?|requires?|required|awaiting|waiting|sent|due")
# Beside another word of a departure they may take it back: "suppression removed", "opt-out cancelled".
_UNDOING = re.compile(
    "remov|cancel|revok|withdr|terminat|delet|disabl|activ|end|stop|expir|lapsed|reject|failed"
)
# Words of columns that may answer whether a person wants mail. A 0 may be a count of mails there.
_MAIL = re.compile("^(?:e?mails?|mailings?|notif.*)$")
# The last word of a name that has a word of `_JOINING`, but tells something else.
_DETAIL = re.compile(
    "id|ip|source|url|link|count|number|key|hash|referrer|name|language|locale|country|campaign|form|page|method"
)

_COUNTRY_STATE = re.compile("state|estado|stato|etat|stan")
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
# 2024\u5e745\u67086\u65e5, 2024\ub144 5\uc6d4 6\uc77c
_EAST_ASIAN_DATE = re.compile(
    "[0-9]{4}[\u5e74\ub144] ?[0-9]{1,2}[\u6708\uc6d4] ?[0-9]{1,2}[\u65e5\uc77c][ 0-9:]*"
)
_DATE_WORD = re.compile("mon|tue|wed|thu|fri|sat|sun|t|z|utc|gmt|am|pm|de|del|um|uhr")

# The words of departures as `words_of` returns them, or as programs write them.
_LEFT = frozenset(word.replace(" ", blank) for word in DEPARTURE_WORDS for blank in (" ", "_", "-"))
_LEFT_STARTS = VALUE_STARTS.union(word[:START_LETTERS] for word in _LEFT)
_TAGS = re.compile("tags?|labels?|groups?|segments?|lists?|interests?")
_TAG_END = re.compile("[;,|]")
_MAX_LENGTH = 60  # characters of a date, a state or a plan


class Column(NamedTuple):
    """A column of a CSV file that is not imported."""

    position: int
    name: str


class DepartureColumns:
    """The columns of a CSV file that tell who has left, by their names and then by the values of each row.

    `certain` are those whose name is enough.
    """

    def __init__(self, header: Sequence[str], skipped: Collection[int | None]) -> None:
        """Judge the columns of a header, without those at the skipped positions."""
        self.certain: list[Column] = []
        self._watched: list[tuple[Column, IsHarmless]] = []
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
    words = words_of(file_name)
    if _has_departure_words(words) or any(map(_SUPPRESSION_FILE.fullmatch, words)):
        return True
    return any(is_denial([first]) and _tells_joining([second]) for first, second in pairwise(words))


def _harmless_values(name: str) -> IsHarmless | None:
    """Return the test that harmless values of a column pass, by its name; None if the name is enough."""
    words = words_of_name(name)
    if _has_departure_words(words) or any(map(_STATE.search, words)):
        return None
    if is_whole_departure_name(words) or is_state_name(words) or _is_denied_joining(words):
        return None
    if any(map(_COUNTRY_STATE.fullmatch, words)) and not any(map(_GEOGRAPHY.fullmatch, words)):
        is_ambiguous = len(words) == 1 or any(map(_ADDRESS_PART.fullmatch, words))
        return _is_country_state if is_ambiguous else None
    if "type" in words and (len(words) == 1 or any(map(_PERSON.fullmatch, words))):
        return _is_plan
    if _has_joining_words(words):
        return _is_joining
    if any(map(_MAIL.search, words)):
        return _is_no_refusal
    return _has_no_left_tag if any(map(_TAGS.fullmatch, words)) else _is_not_left


def meaning_of_yes(name: str) -> Literal["joined", "left"] | None:
    """Return the meaning of a "yes" in a column, by its name; None if the name does not tell it."""
    words = words_of_name(name)
    if _is_denied_joining(words) or _is_undone_departure(words):
        return None
    is_off_list = any(map(_STATE.search, words)) and "status" not in words
    if is_off_list or _has_departure_words(words):
        return "left"
    return "joined" if _has_joining_words(words) and not any(map(_ASKED.fullmatch, words)) else None


def is_departure_or_no(value: str) -> bool:
    """Return True for a value that tells of a departure, or denies, in a column of any name."""
    return not _is_not_left(value) or is_no(words_of(value[:_MAX_LENGTH]))


def _has_joining_words(words: Sequence[str]) -> bool:
    return _tells_joining(words) and not _DETAIL.fullmatch(words[-1])


def _tells_joining(words: Sequence[str]) -> bool:
    is_english = any(map(_JOINING.search, words)) or _JOINING_PHRASE.search(" ".join(words))
    return bool(is_english) or is_joining_name(words)


def _is_denied_joining(words: Sequence[str]) -> bool:
    """Return True for the words of a name such as "not confirmed", "ex-subscriber" and "consent refused"."""
    if is_denied_joining_name(words) or any(map(_DENIED_WORD.search, words)):
        return True
    return is_denial(words) and _tells_joining(words)


def _is_undone_departure(words: Sequence[str]) -> bool:
    """Return True for the words of a name such as "not bounced" and "suppression removed"."""
    told = [word for word in words if _STATE.search(word) or _has_departure_words([word]) or word == "block"]
    is_undone = any(map(_UNDOING.search, told)) and (len(told) > 1 or _REFUSAL_PHRASE.search(" ".join(words)))
    return bool(is_undone) or (bool(told) and is_denial(words))


def _has_departure_words(words: Sequence[str]) -> bool:
    phrase = " ".join(words)
    is_english = any(map(_DEPARTURE.search, words)) or any(
        pattern.search(phrase) for pattern in (_REFUSAL_PHRASE, _DEPARTURE_PHRASE)
    )
    return bool(is_english) or is_departure_name(words)


def _is_country_state(value: str) -> bool:
    return not value.strip() or _STATE_CODE.fullmatch(value.strip()) is not None


def _is_plan(value: str) -> bool:
    return len(value) <= _MAX_LENGTH and all(map(_PLAN.fullmatch, words_of(value)))


def _is_joining(value: str) -> bool:
    """Return True for an empty value, a date, a time in seconds, or an email address."""
    if not value or _ISO_TIME.fullmatch(value):
        return True
    value = value.strip()
    if not value or "@" in value or _EAST_ASIAN_DATE.fullmatch(value):
        return True
    if len(value) > _MAX_LENGTH or not _DATE.search(value):
        return False
    return all(_DATE_WORD.fullmatch(word) or is_month(word) for word in words_of(value))


def _is_not_left(value: str) -> bool:
    if not value or len(value) > _MAX_LENGTH:
        return True
    # Finding the words of every value would take most of the time of an import.
    text = value.strip().lower()
    if text[:START_LETTERS] not in _LEFT_STARTS and text.isascii():
        return True
    words = words_of(value)
    return text not in _LEFT and " ".join(words) not in _LEFT and not is_departure_value(words)


def _is_no_refusal(value: str) -> bool:
    return _has_no_left_tag(value) and not is_no(words_of(value[:_MAX_LENGTH]))


def _has_no_left_tag(value: str) -> bool:
    return all(_is_not_left(tag.strip(" \"'[]")) for tag in _TAG_END.split(value))
