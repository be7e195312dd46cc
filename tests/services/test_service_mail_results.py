"""Tests of what is recorded about mail after its call."""

from datetime import timedelta

import pytest

from newsletter.sending.outcomes import NOT_BEGUN, Accepted, NotSent, Refused, Unknown
from newsletter.services.service_mail_results import LONGEST_PAUSE, result_of
from newsletter.store.service_mails import ServiceMail, ServiceMailResult
from tests.samples import NOW


def mail(kind: str = "confirm", tries: int = 0) -> ServiceMail:
    return ServiceMail(1, kind, None, None, "ada@example.com", NOW, tries)


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (Accepted("id"), ServiceMailResult("accepted")),
        (Refused("550 no such user"), ServiceMailResult("refused", "550 no such user")),
        (Unknown("no response"), ServiceMailResult("unknown", "no response")),
        (NOT_BEGUN, ServiceMailResult("waiting", "not begun")),
    ],
)
def test_each_outcome_has_its_state(outcome: object, result: ServiceMailResult) -> None:
    assert result_of(mail(), outcome, NOW) == result


def test_the_pauses_grow_to_an_hour() -> None:
    results = [result_of(mail(tries=tries), NotSent("no connection"), NOW) for tries in (0, 1, 2, 5, 6, 99)]
    pauses = [result.retry_at - NOW for result in results]
    assert pauses == [*(timedelta(minutes=n) for n in (1, 2, 4, 32)), LONGEST_PAUSE, LONGEST_PAUSE]


@pytest.mark.parametrize(("wait", "pause"), [(0.0, 60), (30.0, 60), (90.0, 90), (1e9, 24 * 3600)])
def test_a_provider_may_ask_for_a_longer_pause_of_at_most_a_day(wait: float, pause: int) -> None:
    result = result_of(mail(), NotSent("429", stop=False, wait=wait), NOW)
    assert result.retry_at == NOW + timedelta(seconds=pause)


@pytest.mark.parametrize(
    ("kind", "state"), [("confirm", "waiting"), ("already", "refused"), ("data", "refused")]
)
def test_after_a_day_only_a_confirmation_is_still_of_use(kind: str, state: str) -> None:
    later = NOW + timedelta(days=1)
    assert result_of(mail(kind), NotSent("no connection"), later - timedelta(seconds=1)).state == "waiting"
    assert result_of(mail(kind), NotSent("no connection"), later).state == state


def test_a_reason_is_one_short_line_without_an_address() -> None:
    result = result_of(mail(), Refused("550 <ada@example.com>\r\nBcc: x" + "y" * 1000), NOW)
    assert result.reason.startswith("550 <recipient> Bcc: xyyy")
    assert len(result.reason) <= 300
