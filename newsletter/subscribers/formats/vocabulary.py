"""The words of a column of states that `--map` names: of many tools, in the languages of most newsletters."""

from newsletter.constants import SubscriberState
from newsletter.subscribers.formats.model import Judge, Verdict
from newsletter.subscribers.state_columns import meaning_of_yes
from newsletter.subscribers.state_words import is_no, value_tells_leaving
from newsletter.subscribers.words import phrase_key, words_of

# `inactive` is missing on purpose: it means "left" in one tool, and "not confirmed" in another.
_WORDS: dict[Verdict, str] = {
    "active": "active|enabled|subscribed|subscriber|confirmed|regular|opted in|opt in|optedin|optin|mailable|"
    "aktiv|aktive|angemeldet|abonniert|bestätigt|actif|active|abonné|abonnée|inscrit|inscrite|confirmé|"
    "activo|activa|suscrito|suscrita|confirmado|ativo|ativa|inscrito|inscrita|attivo|attiva|iscritto|iscritta|"
    "confermato|actief|aangemeld|ingeschreven|aktywny|aktywna|zapisany|zapisana|tilmeldt|påmeldt|aktiivinen|"
    "aktif|abone|aktivní|aktívny|активен|активный|активна|подписан|подписана|"
    "有効|購読中|配信中|已订阅|已訂閱|有效|구독중|활성",
    "unsubscribed": "unsubscribed|unsubscribe|un subscribed|opted out|opt out|optedout|optout|cancelled|"
    "canceled|left|removed|blocked|blocklisted|blacklisted|suppressed|disabled|deactivated|do not contact|"
    "do not email|do not mail|no mail|no email|nomail|noemail|gesperrt|gekündigt|baja|bloqué|bloqueado|"
    "geblokkeerd|zablokowany",
    "bounced": "bounced|bounce|hard bounced|hard bounce|hardbounced|hardbounce|cleaned|undeliverable|"
    "unreachable|invalid|invalid email|invalid address|unzustellbar|rebotado|rimbalzato|onbestelbaar|rejeté",
    "complained": "complained|complaint|complainer|spam|spam complaint|spam report|spam reported|spamreport|"
    "marked as spam|reported as spam|reported spam|junk|abuse|plainte|queja|beschwerde",
    "not_confirmed": "pending|unconfirmed|not confirmed|unverified|not verified|unactivated|"
    "awaiting confirmation|waiting for confirmation|pending confirmation|non subscribed|nonsubscribed|"
    "unbestätigt|nicht bestätigt|ausstehend|en attente|non confirmé|pendiente|pendente|in attesa|"
    "non confermato|niet bevestigd|niepotwierdzony|niepotwierdzona|не подтвержден|未確認|未确认|대기",
    "temporary": "soft bounced|soft bounce|softbounced|softbounce",
    "deleted": "deleted|archived|erased|gelöscht|supprimé|eliminado|verwijderd",
}
_YES_WORDS = "yes y true t 1 x on ja j oui o si sim s tak da д да evet igen はい 是 예"

_YES = frozenset(map(phrase_key, _YES_WORDS.split()))
_VERDICTS: dict[str, Verdict] = {
    phrase_key(word): verdict for verdict, words in _WORDS.items() for word in words.split("|")
}


def judge_of(column: str) -> Judge:
    """Return the function that judges the cells of a column of states, whose name tells what "yes" means."""
    yes, no = _answers(column)

    def judge(cell: str) -> Verdict:
        word = phrase_key(cell)
        if not word:
            return None
        if word in _VERDICTS:
            return _VERDICTS[word]
        if yes is not None and (word in _YES or word == "0" or is_no([word])):
            return yes if word in _YES else no
        return "unsubscribed" if value_tells_leaving(words_of(cell)) else "unknown_state"

    return judge


def _answers(column: str) -> tuple[SubscriberState | None, SubscriberState | None]:
    """Return the states of "yes" and "no" in a column; None if its name does not tell them."""
    meaning = meaning_of_yes(column)
    if meaning is None:
        return None, None
    return ("active", "unsubscribed") if meaning == "joined" else ("unsubscribed", "active")
