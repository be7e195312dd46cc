"""The model of a format: the header and the words that a tool writes into its export."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from newsletter.subscribers.state_vocabulary import Verdict
from newsletter.subscribers.words import column_key

Judge = Callable[[str], Verdict]

# None stands above `active`: an empty cell may be that of somebody who has left. Between the rows of a person
# (`import_rules`) it is the least.
_INCREASING: tuple[Verdict, ...] = (
    *("active", None, "temporary", "not_confirmed", "unknown_state", "deleted"),
    *("bounced", "unsubscribed", "complained"),
)

SEVERITY: dict[Verdict, int] = {verdict: rank for rank, verdict in enumerate(_INCREASING)}
"""The rank of each verdict: if the columns of a row differ, the severest decides."""


@dataclass(frozen=True, slots=True)
class StateColumn:
    """A column that tells the state of a person: its words, case-folded, and the verdict for any other.

    An empty cell gives no state, unless the words have a verdict for it.
    """

    name: str
    words: Mapping[str, Verdict]
    otherwise: Verdict = "unknown_state"

    def judge(self, cell: str) -> Verdict:
        """Return the meaning of a cell, which is compared as a whole."""
        word = cell.strip().casefold()
        return self.words.get(word, self.otherwise if word else None)


def filled_means(name: str, verdict: Verdict) -> StateColumn:
    """Return a column whose cells are empty, except for people with this verdict."""
    return StateColumn(column_key(name), {"": "active"}, verdict)


def columns(header: str) -> tuple[str, ...]:
    """Return the keys of the columns in a header, as a tool writes it with commas."""
    return tuple(map(column_key, header.split(",")))


@dataclass(frozen=True, slots=True)
class Format:
    """An export of a tool; the columns are keys of header names (`column_key`).

    A header that has all `required` columns is such an export. If `file_words` are given, the name of the
    file must have one of them; if `is_whole`, the header has no further columns than the known ones.
    """

    tool: str
    required: tuple[str, ...]
    known: tuple[str, ...] = ()  # further columns of the tool; they tell nothing that is imported
    known_prefix: str = ""  # of further columns
    file_words: tuple[str, ...] = ()
    is_whole: bool = False
    content: str = ""  # of this file, if the tool exports several
    address: tuple[str, ...] = ("email",)  # the first that is there
    has_address_first: bool = False  # the first column has the address, whatever its name
    names: tuple[str, ...] = ()  # parts of a name, in their order
    joined: tuple[str, ...] = ()  # times of the consent; the first that a row has
    left: tuple[str, ...] = ()  # times of a departure; a row that has one is off the list
    changed: tuple[str, ...] = ()  # times of the departure of a row that is off the list by its state
    states: tuple[StateColumn, ...] = ()
    state: Verdict = "active"  # of a row, unless its columns tell a severer one
    deleted_domain: str = ""  # of the addresses that stand for deleted accounts
    is_guess: bool = False  # no export was at hand: recognised by the words of its rows, too
    unclear: str = ""  # the reason that the state of the rows is not known without `--as`
    note: str = ""  # for the user
    is_skipped: bool = False  # the file lists no subscribers, but its `content`

    @property
    def title(self) -> str:
        """Return the tool, with the content of the file in brackets."""
        return f"{self.tool} ({self.content})" if self.content else self.tool
