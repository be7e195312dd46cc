"""Judge the cells of a column of states that `--map` names."""

from newsletter.subscribers.departure_columns import meaning_of_yes
from newsletter.subscribers.departure_words import is_no, is_unsubscribe_value
from newsletter.subscribers.formats.model import Judge
from newsletter.subscribers.state_vocabulary import VERDICTS, Verdict
from newsletter.subscribers.words import phrase_key, words_of

_YES_WORDS = "yes y true t 1 x on ja j oui o si sim s tak da д да evet igen はい 是 예"

_YES = frozenset(map(phrase_key, _YES_WORDS.split()))


def judge_of(column: str) -> Judge:
    """Return the function that judges the cells of a column of states, whose name tells what "yes" means."""
    yes, no = _answers(column)

    def judge(cell: str) -> Verdict:
        word = phrase_key(cell)
        if not word:
            return None
        if word in VERDICTS:
            return VERDICTS[word]
        if yes is not None and (word in _YES or word == "0" or is_no([word])):
            return yes if word in _YES else no
        return "unsubscribed" if is_unsubscribe_value(words_of(cell)) else "unknown_state"

    return judge


def _answers(column: str) -> tuple[Verdict, Verdict]:
    """Return the verdicts for "yes" and "no" in a column; None if its name does not tell them."""
    meaning = meaning_of_yes(column)
    if meaning is None:
        return None, None
    return ("active", "unsubscribed") if meaning == "joined" else ("unsubscribed", "active")
