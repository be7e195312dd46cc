"""Test that nothing is sent, and an error is shown, where a provider tracks readers unasked."""

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from newsletter.config.model import Config
from newsletter.config.provider_facts import PROVIDER_TRACKING
from newsletter.constants import TrackingKind
from newsletter.errors import SendRefused
from newsletter.sending.events import Event, TrackingNotKnown
from newsletter.sending.outcomes import Capabilities, NotSent, Tracking
from newsletter.services.check import check
from newsletter.services.prepare import tracking_problems
from newsletter.services.send import SendService
from newsletter.store.database import Database
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.fakes.provider import FakeClock, FakeProvider

ISSUE = "2026-04-27"


@dataclass
class TrackingProvider(FakeProvider):
    """A provider whose account has switched on some kinds of tracking."""

    switched_on: tuple[TrackingKind, ...] | NotSent | None = ()
    tracking: Tracking = field(default=Tracking("account", "account"))

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, tracking=self.tracking)

    def account_tracking(self, config: Config) -> tuple[TrackingKind, ...] | NotSent | None:
        return self.switched_on


def send_through(provider: TrackingProvider, folder: Path) -> list[Event]:
    newsletter = samples.newsletter(folder)
    service = SendService(newsletter, Database.open(newsletter), provider, provider.clock)
    with closing(service):
        Subscribers(service._database).add(parse_subscriber("ada@example.com")[0])
        started = service.start(service.plan(service.prepare(ISSUE)))
        return list(service.deliver(started, lambda: False))


@pytest.mark.parametrize("switched_on", [("opens",), ("clicks",), ("opens", "clicks")], ids=" and ".join)
def test_an_account_that_tracks_unasked_is_refused_before_anything_is_sent(
    switched_on: tuple[TrackingKind, ...], tmp_path: Path
) -> None:
    provider = TrackingProvider(FakeClock(), switched_on=switched_on)
    with pytest.raises(SendRefused) as refused:
        send_through(provider, tmp_path)
    assert f"the account at fake tracks {' and '.join(switched_on)}," in str(refused.value)
    assert provider.accepted == []


def test_an_account_that_gives_no_answer_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    provider = TrackingProvider(FakeClock(), switched_on=NotSent("500 application_error", stop=False))
    with pytest.raises(SendRefused, match=r"does not say whether .* \(500 application_error\)") as raised:
        send_through(provider, tmp_path)
    assert raised.value.hint == "try again later, or look at: news doctor"
    assert provider.accepted == []


@pytest.mark.parametrize("switched_on", [(), None], ids=["off", "may-not-be-read"])
def test_an_account_that_does_not_track_or_may_not_be_read_may_send(
    switched_on: tuple[TrackingKind, ...] | None, tmp_path: Path
) -> None:
    provider = TrackingProvider(FakeClock(), switched_on=switched_on)
    events = send_through(provider, tmp_path)
    assert provider.accepted == ["ada@example.com"]
    assert (TrackingNotKnown("fake") in events) == (switched_on is None)


@pytest.mark.parametrize(
    ("tracking", "wanted", "refused"),
    [
        (Tracking("always", "message"), (), ["opens"]),
        (Tracking("message", "always"), (), ["clicks"]),
        (Tracking("always", "always"), ("opens",), ["clicks"]),
        (Tracking("always", "always"), ("opens", "clicks"), []),
        (Tracking("account", "message"), (), []),
        (Tracking("none", "none"), (), []),
    ],
)
def test_tracking_that_cannot_be_switched_off_is_an_error(
    tracking: Tracking, wanted: Collection[TrackingKind], refused: list[str]
) -> None:
    problems = tracking_problems("fake", tracking, wanted)
    assert [problem.what.split()[1] for problem in problems] == refused
    assert {problem.severity for problem in problems} <= {"error"}


def test_a_send_is_refused_whose_provider_always_tracks(tmp_path: Path) -> None:
    provider = TrackingProvider(FakeClock(), tracking=Tracking("always", "none"))
    with pytest.raises(SendRefused, match="has 1 error"):
        send_through(provider, tmp_path)
    assert provider.accepted == []


def test_check_names_tracking_that_cannot_be_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples.newsletter(tmp_path)
    assert not [problem for checked in check(tmp_path) for problem in checked.problems]
    monkeypatch.setitem(PROVIDER_TRACKING, "outbox", Tracking("none", "always"))
    (checked,) = check(tmp_path)
    assert [problem.where for problem in checked.problems] == ["outbox"]
    assert "tracks clicks in all mail" in checked.problems[0].what


@pytest.mark.parametrize(
    ("settings", "line"), [("provider: ses\n", 6), ("provider: ses\nses: {requests: 2}\n", 7)]
)
def test_check_names_a_missing_region(tmp_path: Path, settings: str, line: int) -> None:
    samples.newsletter(tmp_path, extra=settings)
    (checked,) = check(tmp_path)
    (problem,) = checked.problems
    assert problem.what == "ses.region is not set" and problem.where.endswith(f"newsletter.yml:{line}")


def test_a_password_in_clear_is_found_by_a_check_at_its_line(tmp_path: Path) -> None:
    samples.newsletter(tmp_path, extra="provider: smtp\nsmtp:\n  username: me\n  security: none\n")
    (checked,) = check(tmp_path)
    (problem,) = checked.problems
    assert problem.what == "smtp would send the password without encryption"
    assert problem.where.endswith("newsletter.yml:9")
    samples.newsletter(tmp_path, extra="smtp: {username: me, security: none}\n")
    (checked,) = check(tmp_path)
    assert not checked.problems, "another provider is configured"
