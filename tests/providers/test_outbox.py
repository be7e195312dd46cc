"""Test the outbox: complete messages in a maildir, each once."""

import mailbox
import resource
import shutil
import stat
from pathlib import Path

import pytest

from newsletter.errors import StoreError
from newsletter.mail.message import Batch, Recipient
from newsletter.providers.outbox import OutboxProvider
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused
from newsletter.subscribers.model import Subscriber
from tests import samples

PEOPLE = [Subscriber(n, f"reader{n}@example.com", f"Reader {n}") for n in range(1, 4)]


class SubmissionLog(samples.SubmissionLog):
    """A log that also accepts outcomes of messages that were not begun."""

    def finished(self, recipient: Recipient, outcome: Outcome) -> None:
        assert recipient.number not in self.ended
        self.ended[recipient.number] = outcome


def submit(provider: OutboxProvider, batch: Batch, submissions: SubmissionLog | None = None) -> list[Outcome]:
    submissions = submissions or SubmissionLog()
    default = provider.submit(batch, submissions)
    return [submissions.ended.get(recipient.number, default) for recipient in batch.recipients]


def files(folder: Path) -> list[Path]:
    return sorted((folder / "new").iterdir())


def test_delivers_complete_messages_that_a_mail_program_reads(tmp_path: Path) -> None:
    provider = OutboxProvider(tmp_path / "outbox")
    assert provider.check() == []
    assert not (tmp_path / "outbox").exists(), "check creates nothing"
    outcomes = submit(provider, samples.batch(samples.mailing(tmp_path), *PEOPLE))
    file_names = [outcome.message_id for outcome in outcomes if isinstance(outcome, Accepted)]
    assert sorted(file_names) == [file.name for file in files(tmp_path / "outbox")]
    messages = sorted(mailbox.Maildir(tmp_path / "outbox"), key=lambda message: message["To"])
    assert [message["To"] for message in messages] == [
        f"{subscriber.name} <{subscriber.address}>" for subscriber in PEOPLE
    ]
    assert [part.get_content_type() for part in messages[0].get_payload()] == ["text/plain", "text/html"]
    assert not list((tmp_path / "outbox" / "tmp").iterdir())


def test_the_same_messages_are_not_delivered_again(tmp_path: Path) -> None:
    provider, batch = OutboxProvider(tmp_path), samples.batch(samples.plain_mailing(), *PEOPLE)
    assert submit(provider, batch) == submit(provider, batch)
    assert len(files(tmp_path)) == len(PEOPLE)


def test_an_edited_message_is_another_one(tmp_path: Path) -> None:
    provider = OutboxProvider(tmp_path)
    submit(provider, samples.batch(samples.plain_mailing("Leek")))
    submit(provider, samples.batch(samples.plain_mailing("Potato")))
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize("most", [0, 1, 2])
def test_ends_where_no_more_may_begin(most: int, tmp_path: Path) -> None:
    submissions = SubmissionLog(most)
    batch = samples.batch(samples.plain_mailing(), *PEOPLE)
    outcomes = submit(OutboxProvider(tmp_path), batch, submissions)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes[:most])
    unsent = outcomes[most:]
    assert [(outcome.stop, outcome.wait) for outcome in unsent if isinstance(outcome, NotSent)] == [
        (False, 0)
    ] * len(unsent)
    assert len(files(tmp_path)) == len(submissions.begun) == most


def test_each_message_is_there_when_it_ends_and_not_before_it_begins(tmp_path: Path) -> None:
    class Recording(SubmissionLog):
        seen: tuple[list[int], list[int]] = ([], [])

        def starting(self, recipient: Recipient) -> bool:
            self.seen[0].append(len(files(tmp_path)))
            return super().starting(recipient)

        def finished(self, recipient: Recipient, outcome: Outcome) -> None:
            self.seen[1].append(len(files(tmp_path)))
            super().finished(recipient, outcome)

    submissions = Recording()
    submit(OutboxProvider(tmp_path), samples.batch(samples.plain_mailing(), *PEOPLE), submissions)
    assert submissions.seen == ([0, 1, 2], [1, 2, 3])


def test_a_ledger_that_fails_ends_it(tmp_path: Path) -> None:
    class Full(SubmissionLog):
        def starting(self, recipient: Recipient) -> bool:
            if self.begun:
                raise StoreError("the disk is full")
            return super().starting(recipient)

    with pytest.raises(StoreError):
        OutboxProvider(tmp_path).submit(samples.batch(samples.plain_mailing(), *PEOPLE), Full())
    assert len(files(tmp_path)) == 1


def test_a_folder_that_cannot_be_made_is_a_problem_before_and_not_sent_after(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file in place of the folder")
    provider = OutboxProvider(tmp_path / "outbox")
    (problem,) = provider.check()
    assert problem.what == "is not a folder"
    submissions = SubmissionLog()
    (outcome,) = submit(provider, samples.batch(samples.plain_mailing()), submissions)
    assert isinstance(outcome, NotSent) and outcome.stop
    assert submissions.begun == []


def test_a_folder_that_goes_away_ends_the_batch(tmp_path: Path) -> None:
    class FolderDeleting(SubmissionLog):
        def starting(self, recipient: Recipient) -> bool:
            if self.begun:
                shutil.rmtree(tmp_path / "tmp")
            return super().starting(recipient)

    submissions = FolderDeleting()
    batch = samples.batch(samples.plain_mailing(), *PEOPLE)
    first, *others = submit(OutboxProvider(tmp_path), batch, submissions)
    assert isinstance(first, Accepted)
    assert all(isinstance(outcome, NotSent) and outcome.stop for outcome in others)
    assert sorted(submissions.ended) == [1, 2] and len(submissions.begun) == 2


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """A limit on the file size simulates it: a write fails in the middle."""
    provider, submissions = OutboxProvider(tmp_path), SubmissionLog()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        outcomes = submit(provider, samples.batch(samples.plain_mailing(), *PEOPLE), submissions)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert all(isinstance(outcome, NotSent) and outcome.stop for outcome in outcomes)
    assert len(submissions.begun) == 1
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == [".gitignore"]


def test_an_address_that_no_header_can_hold_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    hostile = Subscriber(4, "a@example.com\nBcc: b@example.com")
    submissions = SubmissionLog()
    batch = samples.batch(samples.plain_mailing(), PEOPLE[0], hostile, PEOPLE[1])
    first, refused, last = submit(OutboxProvider(tmp_path), batch, submissions)
    assert isinstance(refused, Refused) and isinstance(first, Accepted) and isinstance(last, Accepted)
    assert [recipient.number for recipient in submissions.begun] == [1, 3]


def test_addresses_make_no_file_names(tmp_path: Path) -> None:
    subscriber = Subscriber(1, "../../ada@example.com", "Ada")
    submit(OutboxProvider(tmp_path), samples.batch(samples.plain_mailing(), subscriber))
    (file,) = files(tmp_path)
    assert "ada" not in file.name


def test_an_empty_batch_is_nothing_to_do(tmp_path: Path) -> None:
    assert OutboxProvider(tmp_path).submit(Batch(samples.plain_mailing(), []), SubmissionLog()) == Accepted()


def test_an_outbox_that_was_open_to_others_is_restricted_on_use(tmp_path: Path) -> None:
    outbox = tmp_path / "outbox"
    for part in ("new", "cur", "tmp"):
        (outbox / part).mkdir(parents=True)
    (outbox / "cur" / "a.eml").touch()
    for path in (outbox, *outbox.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert OutboxProvider(outbox).check() == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in (outbox, *outbox.iterdir())} == {0o700}
    assert stat.S_IMODE((outbox / "cur" / "a.eml").stat().st_mode) == 0o600
    submit(OutboxProvider(outbox), samples.batch(samples.plain_mailing(), *PEOPLE), SubmissionLog())
    assert (outbox / ".gitignore").read_text() == "*\n"
