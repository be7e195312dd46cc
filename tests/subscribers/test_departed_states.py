"""The states of people who have left are listed once: a new one is taken everywhere."""

from typing import get_args

import click
import pytest

from newsletter.cli.subscribers import import_
from newsletter.constants import DEPARTED_STATES, SUBSCRIBER_STATES, DepartedState
from newsletter.errors import SubscriberError
from newsletter.subscribers.formats.model import SEVERITY
from newsletter.subscribers.import_row import KeptOutReason
from newsletter.subscribers.import_rules import is_departed
from newsletter.subscribers.state_vocabulary import VERDICTS
from tests.import_tables import shown, table


def test_a_subscriber_is_on_the_list_or_departed() -> None:
    assert ("pending", "active", *DEPARTED_STATES) == SUBSCRIBER_STATES


@pytest.mark.parametrize("state", DEPARTED_STATES)
def test_a_departed_state_stands_above_the_others(state: DepartedState) -> None:
    assert is_departed(state) and not is_departed("active")
    reasons = [reason for reason in get_args(KeptOutReason) if reason in SEVERITY]
    assert len(reasons) == 4 and all(
        SEVERITY[state] > SEVERITY[reason] for reason in ("active", None, *reasons)
    )
    assert VERDICTS[state] == state


@pytest.mark.parametrize("state", DEPARTED_STATES)
def test_a_file_is_imported_with_each_departed_state(state: DepartedState) -> None:
    content = "email,status\na@example.com,active\nb@example.com,gone\n"
    rows = shown(table(content, "unsubscribes.csv"), as_state=state)
    assert rows == [f"2 a@example.com {state}", f"3 b@example.com {state}"]
    with pytest.raises(SubscriberError) as refused:
        shown(table("email\na@example.com\n", "unsubscribes.csv"))
    assert f"--as {state}" in refused.value.hint


def test_the_command_line_offers_each_departed_state() -> None:
    option = next(parameter for parameter in import_.params if parameter.name == "as_state")
    assert isinstance(option.type, click.Choice) and tuple(option.type.choices) == DEPARTED_STATES
