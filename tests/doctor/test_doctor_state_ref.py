"""Tests of the findings on the state on its Git ref."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.doctor.setup import Setup
from newsletter.doctor.state_ref import state_ref
from newsletter.errors import StateError
from newsletter.findings import Finding
from newsletter.services import state
from newsletter.services.state_sync import StateSync
from tests.doctor.findings import only, states
from tests.machines import Machines


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    machines = Machines(tmp_path, extra="provider: sendgrid\n")
    state.initialise(machines.newsletter(), public=False)
    return machines


def findings(machines: Machines, *, online: bool = True, **environment: str) -> list[Finding]:
    setup = Setup.read(machines.machine(), machines.environment(**environment))
    return list(state_ref(setup, online=online))


def test_a_state_on_its_ref(machines: Machines) -> None:
    (finding,) = findings(machines)
    assert finding.state == "ok" and "holds state number 1, of " in finding.what


def test_another_machine_that_may_be_sending(machines: Machines) -> None:
    with StateSync.open(machines.newsletter()) as sync:
        sync.save((), datetime.now(UTC) + timedelta(minutes=5))
    found = findings(machines)
    assert states(found) == ["ok", "note"] and "may be sending, until" in found[1].what


def test_offline_and_without_the_key_nothing_is_asked(machines: Machines) -> None:
    machines.origin.rename(machines.folder / "moved.git")
    assert states(findings(machines, online=False)) == ["skipped"]
    assert states(findings(machines, NEWS_STATE_KEY="")) == ["skipped"]


def test_no_state_on_the_ref(machines: Machines) -> None:
    machines.put_back("")
    with pytest.raises(StateError, match="holds no state of this newsletter"):
        findings(machines)


def test_a_short_undo_window_on_a_runner(machines: Machines) -> None:
    warning = only(findings(machines, CI="true"), "warning")
    assert warning.looked_at == "send.undo_window" and warning.fix == "write `send: {undo_window: 90m}`"
    for window in ("90m", '"off"'):
        file = machines.machine() / "newsletter.yml"
        file.write_text(f"{file.read_text().partition('send:')[0]}send: {{undo_window: {window}}}\n")
        assert "warning" not in states(findings(machines, CI="true"))
