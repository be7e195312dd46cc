"""Tests of the provider's findings, and of the free slots for held batches."""

from pathlib import Path

import pytest

from newsletter.doctor.provider import examine, slots
from newsletter.errors import StoreError
from newsletter.sending.outcomes import NotSent
from newsletter.store.inspection import DatabaseStatus
from tests import samples
from tests.doctor.findings import as_text, states
from tests.fakes.sendgrid import Reply, SendGridFake
from tests.fakes.sendgrid_account import pages


@pytest.mark.parametrize(
    ("free", "held_batches", "state", "words"),
    [
        pytest.param(10, 0, "ok", "10 more held batches can be recalled; the ledger has none now", id="all"),
        pytest.param(10, None, "ok", "can be recalled", id="ledger-unknown"),
        pytest.param(10, 5, "ok", "the ledger has 5 now", id="some"),
        pytest.param(2, 1, "note", "2 more held batches", id="one-left"),
        pytest.param(1, 1, "error", "a further send could not", id="all-spoken-for"),
        pytest.param(0, 0, "error", "a further send could not", id="none"),
    ],
)
def test_slots(free: int, held_batches: int | None, state: str, words: str) -> None:
    (finding,) = slots(free, DatabaseStatus("0002", held_batches=held_batches))
    assert finding.state == state and words in finding.what
    if state == "error":
        assert "--now" in finding.fix


def test_slots_that_nobody_tells() -> None:
    (finding,) = slots(NotSent("403 access forbidden"), StoreError("gone"))
    assert finding.state == "skipped" and "403 access forbidden" in finding.what
    assert list(slots(None, None)) == []


def sendgrid(folder: Path, fake: SendGridFake, extra: str = "") -> tuple[list[str], object]:
    settings = f"provider: sendgrid\nsendgrid: {{host: '{fake.url}'}}\n{extra}"
    newsletter = samples.newsletter(folder, extra=settings, SENDGRID_API_KEY=fake.key)
    examined, free = examine(newsletter, 5, online=True)
    return states(examined.findings), free


def test_slots_are_asked_for_where_there_is_an_undo(tmp_path: Path) -> None:
    with SendGridFake() as fake:
        fake.pages = pages()
        assert sendgrid(tmp_path, fake) == (["ok"] * 5, 10)
        assert sendgrid(tmp_path, fake, 'send: {undo_window: "off"}\n') == (["ok"] * 5, None)
        fake.pages = pages(without=["mail.batch.create"])
        assert sendgrid(tmp_path, fake)[1] == 10, "one fault does not hide the next"
        fake.pages["/v3/scopes"] = Reply(401)
        assert sendgrid(tmp_path, fake) == (["error"], None)


def test_offline_asks_nobody(tmp_path: Path) -> None:
    with SendGridFake() as fake:
        settings = f"provider: sendgrid\nsendgrid: {{host: '{fake.url}'}}\n"
        newsletter = samples.newsletter(tmp_path, extra=settings, SENDGRID_API_KEY=fake.key)
        examined, free = examine(newsletter, 5, online=False)
        assert fake.connections == 0
    assert (states(examined.findings), free) == (["skipped"], None)
    without = samples.newsletter(tmp_path, extra="provider: sendgrid\n")
    assert states(examine(without, 5, online=False)[0].findings) == ["error", "skipped"]


def test_an_outbox_that_can_be_written_to_is_not_made(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    examined, _ = examine(newsletter, 5, online=False)
    assert states(examined.findings) == ["ok"]
    assert "is created by the first send" in as_text(examined.findings)
    assert not (tmp_path / "outbox").exists()
    (tmp_path / "outbox").mkdir()
    assert "exists and is writable" in as_text(examine(newsletter, 5, online=False)[0].findings)


def test_an_outbox_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("")
    examined, _ = examine(samples.newsletter(tmp_path), 5, online=True)
    assert states(examined.findings) == ["error"] and "is not a folder" in as_text(examined.findings)
