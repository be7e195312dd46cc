"""Tests of the date of a change against the day of the check."""

from datetime import date
from pathlib import Path

import pytest

from newsletter.checks.content.updated import updated
from tests.checks.material import DATA, opened


@pytest.mark.parametrize(
    ("today", "warned"),
    [
        pytest.param(date(2026, 4, 28), True, id="tomorrow"),
        pytest.param(date(2026, 4, 29), False, id="today"),
        pytest.param(date(2026, 4, 30), False, id="yesterday"),
    ],
)
def test_a_date_that_has_not_come_is_a_warning(today: date, warned: bool, tmp_path: Path) -> None:
    proof = opened(tmp_path, DATA / "updated" / "passes")
    problems = list(updated(proof, lambda: today))
    assert [problem.severity for problem in problems] == ["warning"] * warned
