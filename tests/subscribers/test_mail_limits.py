"""Test that no order of requests sends more mail to an address than the limits allow."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from newsletter.subscribers.mail_limits import (
    MAIL_COUNT_PERIOD,
    MAX_MAILS,
    MIN_MAIL_INTERVAL,
    MailCount,
    with_next,
)
from tests.samples import NOW

MINUTES = st.integers(min_value=0, max_value=8 * 24 * 60)


@given(st.lists(st.one_of(MINUTES, st.integers(min_value=0, max_value=90)), max_size=40))
def test_the_limits_hold_in_each_period(pauses: list[int]) -> None:
    now, count = NOW, MailCount(1, NOW, NOW)
    sent = [NOW]
    for pause in pauses:
        now += timedelta(minutes=pause)
        if following := with_next(count, now):
            count = following
            sent.append(now)
    assert all(later - earlier >= MIN_MAIL_INTERVAL for earlier, later in pairwise(sent))
    for first in sent:
        assert sum(first <= one < first + MAIL_COUNT_PERIOD for one in sent) <= MAX_MAILS


def test_a_mail_is_written_after_a_week_without_one() -> None:
    count = MailCount(3, NOW, NOW + timedelta(hours=3))
    assert with_next(count, NOW + MAIL_COUNT_PERIOD - timedelta(seconds=1)) is None
    week = NOW + MAIL_COUNT_PERIOD
    assert with_next(count, week) == MailCount(3, NOW + timedelta(hours=3), week)
    quiet = NOW + timedelta(hours=3) + MAIL_COUNT_PERIOD
    assert with_next(count, quiet) == MailCount(1, quiet, quiet)
