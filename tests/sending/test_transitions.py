"""The transitions of a chunk: exactly one for each recipient."""

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.sending.model import ClaimedChunk, Transition
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.sending.transitions import transitions
from newsletter.subscribers.model import Subscriber
from tests.samples import NOW

OUTCOMES: list[Outcome] = [
    Accepted("id"),
    Refused("no"),
    Refused("no", (0, 2)),
    NotSent("later", stop=False),
    NotSent("down"),
    Unknown("lost"),
]


def claimed(first: int, last: int, left: frozenset[int] = frozenset(), tries: int = 0) -> ClaimedChunk:
    people = [Subscriber(n, f"reader{n}@example.com", "", n) for n in range(first, last + 1) if n not in left]
    return ClaimedChunk(1, first, last, 1, tries, tuple(people))


@given(
    st.integers(1, 50),
    st.integers(1, 40),
    st.frozensets(st.integers(1, 90)),
    st.sampled_from(OUTCOMES),
    st.dictionaries(st.integers(1, 90), st.sampled_from(OUTCOMES)),
)
def test_the_ranges_cover_the_chunk_without_a_gap(
    first: int, size: int, left: frozenset[int], rest: Outcome, own: Mapping[int, Outcome]
) -> None:
    chunk = claimed(first, first + size - 1, left)
    if not chunk.recipients:
        return
    own = {number: outcome for number, outcome in own.items() if first <= number < first + size}
    found = transitions(chunk, rest, own, NOW)
    assert found[0].first == chunk.first and found[-1].last == chunk.last
    assert all(one.first == before.last + 1 for before, one in pairwise(found))
    assert all(one.first <= one.last for one in found)
    for person in chunk.recipients:
        (transition,) = [one for one in found if one.first <= person.number <= one.last]
        outcome = own.get(person.number, rest)
        assert (transition.state == "unknown") == isinstance(outcome, Unknown)
        assert (transition.state == "accepted") == isinstance(outcome, Accepted)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(Accepted("id"), [Transition(1, 5, "accepted")], id="accepted"),
        pytest.param(Unknown("lost"), [Transition(1, 5, "unknown", "lost")], id="unknown"),
        pytest.param(NotSent("down"), [Transition(1, 5, "waiting", "down")], id="down"),
        pytest.param(
            NotSent("429", stop=False, wait=9),
            [Transition(1, 5, "waiting", "429")],
            id="the-whole-provider-waits",
        ),
        pytest.param(
            NotSent("later", stop=False),
            [Transition(1, 5, "waiting", "later", NOW)],
            id="put-off",
        ),
        pytest.param(
            Refused("400"),
            [Transition(1, 2, "waiting", "400"), Transition(3, 5, "waiting", "400")],
            id="both-halves",
        ),
        pytest.param(
            Refused("400", (1, 4, 99)),
            [
                Transition(1, 1, "waiting"),
                Transition(2, 2, "refused", "400"),
                Transition(3, 4, "waiting"),
                Transition(5, 5, "refused", "400"),
            ],
            id="culprits",
        ),
        pytest.param(
            Refused("400", (99,)),
            [Transition(1, 2, "waiting", "400"), Transition(3, 5, "waiting", "400")],
            id="a-culprit-who-is-not-there",
        ),
    ],
)
def test_what_follows(outcome: Outcome, expected: list[Transition]) -> None:
    assert transitions(claimed(1, 5), outcome, {}, NOW) == expected


def test_a_refusal_of_one_is_a_refusal() -> None:
    assert transitions(claimed(3, 3), Refused("400"), {}, NOW) == [Transition(3, 3, "refused", "400")]


def test_halves_are_of_those_who_are_there() -> None:
    assert transitions(claimed(1, 4, frozenset({1, 2})), Refused("400"), {}, NOW) == [
        Transition(1, 3, "waiting", "400"),
        Transition(4, 4, "waiting", "400"),
    ]
