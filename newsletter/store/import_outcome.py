"""The outcome of an import: its rows by result, examples of the unusual ones, and the problems."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Self, TypeVar

from newsletter.errors import MAX_PROBLEMS, Problem
from newsletter.subscribers.import_row import KeptOut
from newsletter.subscribers.import_rules import Result

_Kept = TypeVar("_Kept")


UNUSUAL: frozenset[Result] = frozenset(("kept out", "changed"))
"""The results whose rows are kept as examples."""


class Example(NamedTuple):
    """A row of an import; `where` is its `file:line`, `value` the word of the file that decides, if any."""

    where: str
    address: str
    value: str = ""


@dataclass
class ImportOutcome:
    """The outcome of an import, or of its dry run.

    `rows` is the number of rows that were read; each is counted once in `counts`, by its result and detail.
    `examples` has the first rows, MAX_PROBLEMS at most, of each kind that is kept out or changed, and of the
    rows of a person who is further up too. `problems` has the first refused rows, `notes` the first facts
    about the files.
    """

    rows: int = 0
    counts: Counter[tuple[Result, str]] = field(default_factory=Counter)
    examples: dict[tuple[Result, str], list[Example]] = field(default_factory=lambda: defaultdict(list))
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def total(self, result: Result) -> int:
        """Return the number of rows with a result."""
        return sum(number for (of, _), number in self.counts.items() if of == result)

    def keep_example(self, result: Result, detail: str, example: Example) -> None:
        """Keep a row as an example of an unusual result, unless there are enough."""
        _keep(self.examples[result, detail], example)

    def count_repeats(self, number: int, examples: Iterable[Example]) -> None:
        """Count the further rows of a person; keep the first of all of them as examples."""
        self.counts["known", "twice"] += number
        for example in examples:
            self.keep_example("known", "twice", example)

    def count_kept_out(self, row: KeptOut) -> None:
        """Count a row that its reader kept out."""
        self.rows += 1
        self.counts["kept out", row.reason] += 1
        self.keep_example("kept out", row.reason, Example(row.where, row.address, row.value))

    def count_problem(self, problem: Problem) -> None:
        """Count a row that is not valid; a problem that is no error is a fact about the file, and no row."""
        if problem.severity != "error":
            _keep(self.notes, problem)
            return
        self.rows += 1
        self.counts["refused", ""] += 1
        _keep(self.problems, problem)

    def copy(self) -> Self:
        """Return a copy, to which other rows may be added."""
        copy = type(self)(self.rows, self.counts.copy(), problems=[*self.problems], notes=[*self.notes])
        copy.examples.update({kind: [*examples] for kind, examples in self.examples.items()})
        return copy


def _keep(kept: list[_Kept], one: _Kept) -> None:
    if len(kept) < MAX_PROBLEMS:
        kept.append(one)
