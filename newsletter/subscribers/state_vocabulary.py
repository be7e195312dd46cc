"""The words for states, of many tools, in the languages of most newsletters, and the verdict for each.

A column of states that `--map` names is judged by them, and so are the values of columns whose names tell
nothing.
"""

from typing import Literal

from newsletter.constants import DepartedState
from newsletter.subscribers.words import phrase_key

Verdict = (
    Literal[
        "active",
        DepartedState,
        "not_confirmed",  # the person never confirmed the subscription
        "temporary",  # a delivery failed for a time
        "deleted",  # the account was deleted
        "unknown_state",  # the word is not known, or tools do not agree on its meaning
    ]
    | None
)
"""The meaning of a cell: a state, a reason to keep the row out, or None for a state that is not given."""

# The unknown ones: `inactive` means "left" in one tool, and "not confirmed" in another; `churned` people have
# left, or no longer pay.
_WORDS: dict[Verdict, str] = {
    "active": "active|enabled|subscribed|subscriber|confirmed|regular|opted in|opt in|optedin|optin|mailable|"
    "aktiv|aktive|angemeldet|abonniert|bestätigt|actif|active|abonné|abonnée|inscrit|inscrite|confirmé|"
    "activo|activa|suscrito|suscrita|confirmado|ativo|ativa|inscrito|inscrita|attivo|attiva|iscritto|iscritta|"
    "confermato|actief|aangemeld|ingeschreven|aktywny|aktywna|zapisany|zapisana|tilmeldt|påmeldt|aktiivinen|"
    "aktif|abone|aktivní|aktívny|активен|активный|активна|подписан|подписана|"
    "有効|購読中|配信中|已订阅|已訂閱|有效|구독중|활성",
    "unsubscribed": "unsubscribed|unsubscribe|un subscribed|opted out|opt out|optedout|optout|cancelled|"
    "canceled|left|removed|blocked|blocklisted|blacklisted|suppressed|disabled|deactivated|do not contact|"
    "do not email|do not mail|do not disturb|no mail|no email|nomail|noemail|terminated|resigned|revoked|"
    "banned|unsubscribed from list|gesperrt|gekündigt|baja|bloqué|bloqueado|geblokkeerd|zablokowany",
    "bounced": "bounced|bounce|hard bounced|hard bounce|hardbounced|hardbounce|hard fail|cleaned|"
    "undeliverable|unreachable|invalid|invalid email|invalid address|unzustellbar|rebotado|rimbalzato|"
    "onbestelbaar|rejeté",
    "complained": "complained|complaint|complainer|spam|spam complaint|spam report|spam reported|spamreport|"
    "marked as spam|reported as spam|reported spam|junk|abuse|plainte|queja|beschwerde",
    "not_confirmed": "pending|unconfirmed|not confirmed|unverified|not verified|unactivated|"
    "awaiting confirmation|waiting for confirmation|pending confirmation|non subscribed|nonsubscribed|"
    "unbestätigt|nicht bestätigt|ausstehend|en attente|non confirmé|pendiente|pendente|in attesa|"
    "non confermato|niet bevestigd|niepotwierdzony|niepotwierdzona|не подтвержден|未確認|未确认|대기",
    "temporary": "soft bounced|soft bounce|softbounced|softbounce",
    "unknown_state": "inactive|churned|lapsed|suspended",
    "deleted": "deleted|archived|erased|gelöscht|supprimé|eliminado|verwijderd",
}
# Words that tell something else in many columns: a side, a check of a telephone number, the topics of a
# person's work. They count only in a column of states.
COMMON_WORDS = frozenset(("left", "invalid", "spam", "junk", "abuse"))

VERDICTS: dict[str, Verdict] = {
    phrase_key(word): verdict for verdict, words in _WORDS.items() for word in words.split("|")
}
"""The verdict for each word, by its `phrase_key`."""

DEPARTURE_WORDS = frozenset(
    word for word, verdict in VERDICTS.items() if verdict != "active" and word not in COMMON_WORDS
)
"""The words, as `phrase_key` returns them, of people who get no mail, in a column of any name."""
