"""The progress bar of a send."""

from datetime import UTC, datetime

import pytest

from newsletter.cli.progress import _done, wait_shower, watch
from newsletter.sending.events import Delivered, NotRecalled, StandingBy, Stopped, Waiting
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


@pytest.mark.parametrize("terminal", [True, False])
def test_an_event_takes_the_place_of_the_bar_and_brings_no_code(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1" if terminal else "")
    reason = "\x1b[35m ##[x] [red]a[/red] :smile: 7\n::error::x " + "word " * 40
    noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
    watch([Waiting(noon, reason), NotRecalled(2, reason), Stopped(reason)], 10)
    shown = capsys.readouterr().err
    words = r"\u001b[35m \u0023#[x] [red]a[/red] :smile: 7\u000a::error::x word"
    for start in (f"Waiting until 12:00:00 UTC: {words}", f"Not recalled, for 2 recipients: {words}"):
        assert (f"\r\x1b[2K{start}" if terminal else start) in shown
    assert "\x1b[35m" not in shown and "\n::" not in shown and "\nword" not in shown


def test_a_long_event_is_wrapped_in_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
    watch([StandingBy("2026-05-04", "4711", "mx1.example.com", noon)], 0)
    wait_shower()(Waiting(noon, "process 4711 on host mx1.example.com has locked the send of 2026-05-04"))
    assert capsys.readouterr().err.splitlines() == [
        "Standing by: process 4711 on host mx1.example.com is sending 2026-05-04. Its",
        "    lease ends at 12:00:00 UTC, or later if that process renews it.",
        "Waiting until 12:00:00 UTC: process 4711 on host mx1.example.com has locked the",
        "    send of 2026-05-04.",
    ]


def test_a_second_outage_during_a_wait_is_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
    outage, standing_by = Waiting(noon, "no reply"), StandingBy("2026-05-04", "7", "mx1", noon)
    watch([standing_by, outage, outage, standing_by, outage], 0)
    lines = capsys.readouterr().err.splitlines()
    shown = "Standing by: process 7 on host mx1 is sending 2026-05-04. Its lease ends at 12:00:00 UTC"
    assert [line.partition(", or")[0] for line in lines] == 2 * [
        shown,
        "Waiting until 12:00:00 UTC: no reply.",
    ]
