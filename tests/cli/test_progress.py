"""The progress bar of a send."""

import pytest

from newsletter.cli.progress import _done
from newsletter.sending.events import Delivered
from newsletter.sending.model import Transition


@pytest.mark.parametrize(
    ("transitions", "done"),
    [
        pytest.param([Transition(1, 5, "accepted")], 5, id="accepted"),
        pytest.param([Transition(1, 2, "refused"), Transition(3, 5, "waiting")], 2, id="some-wait"),
        pytest.param([Transition(1, 5, "waiting")], 0, id="all-wait"),
        pytest.param([], 5, id="all-had-left"),
    ],
)
def test_the_bar_advances_by_the_recipients_that_wait_no_more(
    transitions: list[Transition], done: int
) -> None:
    assert _done(Delivered(1, 5, 0, transitions)) == done
