"""The outbox: complete messages in a maildir, each once."""

import mailbox
import resource
from pathlib import Path

from newsletter.models import Accepted, NotSent, Refused, Subscriber
from newsletter.providers.outbox import OutboxProvider
from tests import samples


def test_delivers_a_complete_message_that_a_mail_program_reads(tmp_path: Path) -> None:
    provider = OutboxProvider(tmp_path / "outbox")
    assert provider.check() == []
    assert not (tmp_path / "outbox").exists(), "looking makes nothing"
    assert isinstance(provider.submit(samples.batch(samples.mailing(tmp_path))), Accepted)
    (message,) = mailbox.Maildir(tmp_path / "outbox")
    assert message["To"] == "Ada Example <ada@example.com>"
    assert [part.get_content_type() for part in message.get_payload()] == ["text/plain", "text/html"]
    assert not list((tmp_path / "outbox" / "tmp").iterdir())


def test_the_same_message_is_not_delivered_again(tmp_path: Path) -> None:
    provider, batch = OutboxProvider(tmp_path), samples.batch(samples.plain_mailing())
    assert provider.submit(batch) == provider.submit(batch)
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_an_edited_message_is_another_one(tmp_path: Path) -> None:
    provider = OutboxProvider(tmp_path)
    provider.submit(samples.batch(samples.plain_mailing("Leek")))
    provider.submit(samples.batch(samples.plain_mailing("Potato")))
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_a_folder_that_cannot_be_made_is_a_problem_before_and_not_sent_after(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file stands in the way")
    provider = OutboxProvider(tmp_path / "outbox")
    (problem,) = provider.check()
    assert problem.what == "is not a folder"
    outcome = provider.submit(samples.batch(samples.plain_mailing()))
    assert isinstance(outcome, NotSent) and outcome.stop


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """A limit on file sizes stands for it: writing ends in an error half-way."""
    provider = OutboxProvider(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        outcome = provider.submit(samples.batch(samples.plain_mailing()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(outcome, NotSent) and outcome.stop
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_an_address_that_no_header_can_hold_is_refused(tmp_path: Path) -> None:
    batch = samples.batch(samples.plain_mailing(), Subscriber(1, "a@example.com\nBcc: b@example.com"))
    assert isinstance(OutboxProvider(tmp_path).submit(batch), Refused)


def test_addresses_make_no_file_names(tmp_path: Path) -> None:
    OutboxProvider(tmp_path).submit(
        samples.batch(samples.plain_mailing(), Subscriber(1, "../../ada@example.com", "Ada"))
    )
    (file,) = (tmp_path / "new").iterdir()
    assert "ada" not in file.name
