"""Keep a newsletter's state on a Git ref: every refusal, and what two machines have afterwards."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from alembic import command
from sqlalchemy import StaticPool, create_engine

from newsletter.config.loader import Newsletter
from newsletter.errors import ConfigError, NewsError, SendRefused, StoreError, SubscriberError, Unavailable
from newsletter.sending.model import SUBSCRIBERS, NewSend, NextChunk
from newsletter.services import state
from newsletter.services.open_state import OpenState, change_subscribers, ignore_wait, open_to_read
from newsletter.services.sealed_ref import SavedState
from newsletter.services.state_locks import StateInUse
from newsletter.services.state_sync import StateSync
from newsletter.state import last_saved
from newsletter.state.archive import Archive, Lease
from newsletter.state.last_saved import LastSaved
from newsletter.state.sealing import LEASE, MIN_LEASE_BYTES, STATE, seal
from newsletter.state.state_key import StateKey, make_state_key
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.migrations.upgrade import config
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import repositories, samples
from tests.machines import Machines


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machines, Path]:
    """Machines that share a state of one subscriber, and a copy of their folder."""
    folder = tmp_path_factory.mktemp("machines")
    machines = Machines(folder / "used")
    state.initialise(machines.newsletter(), public=False)
    add(machines.newsletter(), "ada@example.com")
    shutil.copytree(folder / "used", folder / "copy")
    return machines, folder / "copy"


@pytest.fixture
def machines(prepared: tuple[Machines, Path]) -> Machines:
    """The machines as they were at first: the name of their repository is part of the state."""
    machines, copy = prepared
    shutil.rmtree(machines.folder)
    shutil.copytree(copy, machines.folder)
    return replace(machines)


def add(newsletter: Newsletter, address: str) -> None:
    change_subscribers(newsletter, lambda subscribers: subscribers.add(parse_subscriber(address)[0]))


def addresses(newsletter: Newsletter) -> list[str]:
    """Return the addresses in the database of a machine, without its state ref."""
    with closing(Database.open(newsletter)) as database:
        return [entry.address for entry in Subscribers(database).iter_all()]


def refused(message: str) -> "pytest.RaisesExc[NewsError]":
    return pytest.raises(NewsError, match=re.escape(message))


# Two machines


def test_a_change_on_one_machine_is_on_the_other(machines: Machines) -> None:
    add(machines.newsletter("second"), "bob@example.com")
    with open_to_read(machines.newsletter()) as opened:
        assert Subscribers(opened.database).count_active() == 2
    assert addresses(machines.newsletter()) == ["ada@example.com", "bob@example.com"]


def test_the_secret_key_comes_with_the_state(machines: Machines) -> None:
    state.pull(machines.newsletter("second"), replace=False)
    secrets = {(machines.newsletter(name).state / "secret").read_text() for name in ("first", "second")}
    assert len(secrets) == 1


def test_a_key_of_the_environment_is_kept_in_the_state(tmp_path: Path) -> None:
    machines = Machines(tmp_path)
    state.initialise(machines.newsletter(NEWS_SECRET_KEY=samples.SECRET), public=False)
    state.pull(machines.newsletter("second"), replace=False)
    assert (machines.newsletter("second").state / "secret").read_text().strip() == samples.SECRET


def test_a_change_that_came_second_is_made_again_on_the_newer_state(machines: Machines) -> None:
    tries: list[int] = []

    def change(subscribers: Subscribers) -> None:
        tries.append(subscribers.count_active())
        if len(tries) == 1:
            add(machines.newsletter("second"), "bob@example.com")
        subscribers.add(parse_subscriber("cyd@example.com")[0])

    change_subscribers(machines.newsletter(), change)
    assert tries == [1, 2]
    assert addresses(machines.newsletter()) == ["ada@example.com", "bob@example.com", "cyd@example.com"]


def test_a_change_that_is_refused_is_not_saved(machines: Machines) -> None:
    change_subscribers(
        machines.newsletter(), lambda them: them.remove(parse_subscriber("ada@example.com")[0])
    )
    commit = machines.commit()
    with pytest.raises(SubscriberError):
        add(machines.newsletter("second"), "ada@example.com")
    assert machines.commit() == commit


def test_what_a_pull_replaces_is_kept(machines: Machines) -> None:
    second = machines.newsletter("second")
    with closing(Database.open(second)) as database:
        Subscribers(database).add(parse_subscriber("only-here@example.com")[0])
    with refused("has subscribers or sends that were never saved on the state ref"):
        state.pull(second, replace=False)
    state.pull(second, replace=True)
    assert addresses(second) == ["ada@example.com"]
    # Pulls that nobody asked to replace something keep only the last database.
    for address in ("bob@example.com", "cyd@example.com"):
        add(machines.newsletter(), address)
        state.pull(second, replace=False)
    (kept,) = second.state.glob("replaced-2*-news.db")
    replaced = Database.of_copy(kept.read_bytes())
    assert [entry.address for entry in Subscribers(replaced).iter_all()] == ["only-here@example.com"]
    assert kept.stat().st_mode & 0o777 == 0o600
    replaced = Database.of_copy((second.state / "replaced-news.db").read_bytes())
    assert [entry.address for entry in Subscribers(replaced).iter_all()][-1] == "bob@example.com"


def test_a_machine_keeps_its_newer_state(machines: Machines) -> None:
    """Its ledger and its journals know more than the copy on the ref."""
    first = machines.newsletter()
    with closing(Database.open(first)) as database:
        Subscribers(database).add(parse_subscriber("unsaved@example.com")[0])
    assert state.pull(first, replace=False) is None
    assert addresses(first) == ["ada@example.com", "unsaved@example.com"]


def test_its_own_late_push_is_recognised(machines: Machines) -> None:
    """A process that was killed after its push leaves a state that this machine has, not another's."""
    first = machines.newsletter()
    before = (first.state / "ref.json").read_bytes()
    with StateSync.open(first) as sync:
        sync.save()
    after = machines.commit()
    killed = before.replace(b'"pending": ""', b'"pending": "%s"' % after.encode())
    assert killed != before
    (first.state / "ref.json").write_bytes(killed)
    with closing(Database.open(first)) as database:
        Subscribers(database).add(parse_subscriber("unsaved@example.com")[0])
    assert state.pull(first, replace=False) is None
    assert addresses(first) == ["ada@example.com", "unsaved@example.com"]
    state.push(first)


def test_two_newsletters_of_a_repository_have_refs_of_their_own(tmp_path: Path) -> None:
    machines = Machines(tmp_path)
    samples.write(machines.machine() / "b", extra="list_id: b.example.com\nstate: git\n")
    state.initialise(machines.newsletter(), public=False)
    other = samples.loader.load(machines.machine() / "b", machines.environment())
    state.initialise(other, public=False)
    add(other, "bea@example.com")
    refs = repositories.git(machines.origin, "for-each-ref", "--format=%(refname)", "refs/newsletter").split()
    assert len(refs) == 2
    assert addresses(machines.newsletter()) == []


# Refusals


def test_a_newsletter_without_a_state_ref(tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path)
    with pytest.raises(ConfigError, match=r"newsletter.yml:1: has no `state:`"):
        state.show(newsletter)


def test_no_key(machines: Machines) -> None:
    newsletter = machines.newsletter(NEWS_STATE_KEY="")
    for act in (
        state.show,
        lambda it: state.pull(it, replace=False),
        lambda it: state.push(it),
    ):
        with refused("NEWS_STATE_KEY is not set, and the state is sealed with it"):
            act(newsletter)


def test_a_database_server_besides(machines: Machines) -> None:
    newsletter = machines.newsletter(NEWS_DATABASE_URL="postgresql://127.0.0.1:1/news")
    with refused("newsletter.yml:6: names the place of the state, and so does NEWS_DATABASE_URL"):
        state.show(newsletter)


def test_no_state_on_the_ref(tmp_path: Path) -> None:
    machines = Machines(tmp_path)
    for act in (state.show, lambda it: state.pull(it, replace=False)):
        with refused("holds no state of this newsletter; if it never had one: news state init"):
            act(machines.newsletter())


def test_a_state_that_exists_is_not_made_again(machines: Machines) -> None:
    with refused("holds a state already; take it to this machine: news state pull"):
        state.initialise(machines.newsletter("second"), public=False)


def test_a_state_that_was_deleted_is_not_made_again(machines: Machines) -> None:
    machines.put_back("")
    with refused("held a state that this machine has seen, and somebody has deleted it"):
        state.initialise(machines.newsletter(), public=False)
    with refused("holds no state of this newsletter"):
        add(machines.newsletter(), "bob@example.com")
    state.push(machines.newsletter(), agree)
    assert state.show(machines.newsletter("second")).content.subscribers == 1


def test_a_wrong_key(machines: Machines) -> None:
    machines.key = make_state_key()
    with refused("was sealed with another key than NEWS_STATE_KEY holds"):
        state.pull(machines.newsletter("second"), replace=False)


def test_the_state_of_another_repository(machines: Machines, tmp_path: Path) -> None:
    """A state that was copied is not taken; after a rename of the repository it is, on request."""
    repositories.git(tmp_path, "clone", "-q", "--mirror", str(machines.origin), "renamed.git")
    second = machines.machine("second")
    repositories.git(second, "remote", "set-url", "origin", str(tmp_path / "renamed.git"))
    for read in (state.show, lambda it: state.pull(it, replace=False)):
        with refused(f"is the state of {machines.origin}, and this is {tmp_path / 'renamed.git'}"):
            read(machines.newsletter("second"))
    state.pull(machines.newsletter("second"), replace=True)
    state.push(machines.newsletter("second"))
    third = machines.machine("third")
    repositories.git(third, "remote", "set-url", "origin", str(tmp_path / "renamed.git"))
    state.pull(machines.newsletter("third"), replace=False)
    assert addresses(machines.newsletter("third")) == ["ada@example.com"]


def test_the_state_of_another_list(machines: Machines) -> None:
    samples.write(machines.machine("second"), extra="state: git\nlist_id: other.example.com\n")
    with refused("is the state of the list the-soup-letter.example.com, and newsletter.yml is that of other"):
        state.pull(machines.newsletter("second"), replace=True)


def saved_state(machines: Machines) -> SavedState:
    with StateSync.open(machines.newsletter()) as sync:
        return sync.sealed.read(sync.sealed.existing_commit())


def published(machines: Machines, archive: Archive, lease: Lease) -> None:
    """Put a state on the ref, as another version of news could."""
    with StateSync.open(machines.newsletter()) as sync:
        sync.sealed.write(archive, lease, machines.commit(), lambda commit: None)


def test_a_newer_version(machines: Machines) -> None:
    saved = saved_state(machines)
    newer = Archive(**{**vars(saved.archive), "revision": "9999"})
    published(machines, newer, Lease(99, None, "somebody"))
    with refused("was saved by a newer version of news (tables 9999); install the newest version"):
        state.pull(machines.newsletter("second"), replace=False)


def test_a_damaged_state(machines: Machines) -> None:
    with StateSync.open(machines.newsletter()) as sync:
        blobs = sync.sealed._ref.read(machines.commit())
        content = bytearray(blobs["state"])
        content[1000] ^= 1
        sync.sealed._ref.write({**blobs, "state": bytes(content)}, machines.commit())
    with refused("is damaged: it is not as it was sealed"):
        state.pull(machines.newsletter("second"), replace=False)


def test_something_else_on_the_ref(machines: Machines) -> None:
    main = repositories.git(machines.origin, "rev-parse", "main").strip()
    machines.put_back(main)
    with refused("is not the state of a newsletter"):
        state.pull(machines.newsletter("second"), replace=False)


def test_a_lost_race(machines: Machines) -> None:
    with StateSync.open(machines.newsletter()) as sync:
        add(machines.newsletter("second"), "bob@example.com")
        with pytest.raises(StoreError, match="was saved by another process meanwhile"):
            sync.save()
    with refused("was saved by another process meanwhile"):
        state.push(machines.newsletter())
    assert state.show(machines.newsletter()).content.subscribers == 2


def test_an_older_state_that_was_put_back(machines: Machines) -> None:
    older = machines.commit()
    add(machines.newsletter(), "bob@example.com")
    machines.put_back(older)
    with refused(
        "holds state number 2, and this machine has seen number 3: somebody has put an older one back"
    ):
        add(machines.newsletter(), "cyd@example.com")
    state.push(machines.newsletter(), agree)
    assert state.show(machines.newsletter("second")).content.subscribers == 2
    assert state.pull(machines.newsletter("second"), replace=False)


def test_a_large_state(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.state.state_ref.MAX_BYTES", 60_000)
    with refused("MB is the most that is saved"):
        add(machines.newsletter(), "bob@example.com")


# A database that is not the one that was saved


def test_a_deleted_database_is_taken_from_the_ref_again(machines: Machines) -> None:
    """An empty list must never be saved over a full one."""
    first = machines.newsletter()
    (first.state / "news.db").unlink()
    with refused("lacks news.db or secret, or holds an older state than this machine has seen on its ref"):
        state.push(first)
    with refused("has no subscribers and no sends, and would replace a state on the ref"):
        state.push(first, agree)
    add(first, "bob@example.com")
    assert addresses(first) == ["ada@example.com", "bob@example.com"]


def test_an_older_database_does_not_continue_from_a_newer_state(machines: Machines, tmp_path: Path) -> None:
    first = machines.newsletter()
    older = (first.state / "news.db").read_bytes()
    state.save_file(first, tmp_path / "backup")
    add(first, "bob@example.com")
    (first.state / "news.db").write_bytes(older)
    with refused("holds an older state than this machine has seen on its ref"):
        add(first, "cyd@example.com")
    state.pull(first, replace=True)
    state.load_file(first, tmp_path / "backup", agree)
    with refused("holds an older state than this machine has seen on its ref"):
        add(first, "cyd@example.com")
    state.push(first, agree)
    add(first, "cyd@example.com")
    assert addresses(first) == ["ada@example.com", "cyd@example.com"]


def test_a_machine_without_a_connection_reads_its_own_state(machines: Machines) -> None:
    second, third = machines.newsletter("second"), machines.newsletter("third")
    with open_to_read(second) as opened:
        assert not opened.not_taken
    machines.origin.rename(machines.folder / "elsewhere.git")
    with open_to_read(second) as opened:
        assert opened.not_taken and "gives no reply" in opened.not_taken.what
        assert Subscribers(opened.database).count_active() == 1
    # A machine that has seen no state must not show an empty one.
    with pytest.raises(Unavailable, match="gives no reply"), open_to_read(third):
        pass


def test_a_deleted_secret_key_is_not_replaced_by_a_new_one(machines: Machines) -> None:
    first = machines.newsletter()
    before = (first.state / "secret").read_text()
    (first.state / "secret").unlink()
    with refused("lacks news.db or secret"):
        add(first, "bob@example.com")
    state.pull(first, replace=True)
    assert (first.state / "secret").read_text() == before


def test_a_push_that_is_refused_does_not_count_as_made(machines: Machines) -> None:
    """The machine does not have the state that it would have replaced."""
    first = machines.newsletter()
    add(machines.newsletter("second"), "bob@example.com")
    lease_of_another(machines, datetime.now(UTC) + timedelta(minutes=5))
    with pytest.raises(SendRefused, match="is sending now"):
        state.push(first, agree)
    assert state.pull(first, replace=False)
    assert addresses(first) == ["ada@example.com", "bob@example.com"]


def test_a_push_that_was_killed_at_its_end_is_recognised_by_the_next(machines: Machines) -> None:
    first = machines.newsletter()
    before = (first.state / "ref.json").read_bytes()
    state.push(first, agree)
    killed = before.replace(b'"pending": ""', b'"pending": "%s"' % machines.commit().encode())
    (first.state / "ref.json").write_bytes(killed)
    state.push(first)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("commit", "--upload-pack=evil"),
        ("pending", 7),
        ("generation", 1e999),
        ("generation", "9" * 5000),
        ("deadline", "2026-01-01T00:00:00"),
        ("deadline", "9999-12-31T23:59:59+00:00"),
        ("own_chunks", [[1, 1, 1e999, None]]),
    ],
)
def test_a_damaged_record_of_what_was_seen(tmp_path: Path, field: str, value: object) -> None:
    last_saved.write(tmp_path, LastSaved("here", "0" * 40))
    values = json.loads((tmp_path / "ref.json").read_text())
    (tmp_path / "ref.json").write_text(json.dumps(values | {field: value}))
    with refused("ref.json: does not name the state that this machine last saw on its ref"):
        last_saved.read(tmp_path)


# Another machine that sends


def lease_of_another(machines: Machines, deadline: datetime) -> None:
    with StateSync.open(machines.newsletter("second")) as sync:
        sync.pull()
        sync.save([NextChunk(1, 1, 1)], deadline)


def test_nothing_is_changed_while_another_machine_sends(machines: Machines) -> None:
    lease_of_another(machines, datetime.now(UTC) + timedelta(minutes=5))
    for act in (
        lambda it: add(it, "bob@example.com"),
        lambda it: state.push(it, agree),
    ):
        with pytest.raises(SendRefused, match=r"process \d+ on .+ is sending now, until \d\d:\d\d:\d\d UTC"):
            act(machines.newsletter())
    lease = state.show(machines.newsletter()).lease
    assert lease and lease.deadline


class UsedBesides:
    """A state ref of which the state is taken at the third attempt: other processes use it before."""

    busy_until: datetime | None = None
    attempts = 0

    def __init__(self) -> None:
        self.busy_until = datetime.now(UTC)

    def pull(self) -> None:
        self.attempts, self.busy_until = self.attempts + 1, None
        if self.attempts < 3:
            raise StateInUse("used")


def test_a_short_command_besides_does_not_end_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.services.open_state.POLL", timedelta())
    sync = UsedBesides()
    OpenState(cast("Database", None), cast("StateSync", sync)).wait_until_free(ignore_wait)
    assert sync.attempts == 3


def test_a_deadline_that_has_passed_counts_no_more(machines: Machines) -> None:
    lease_of_another(machines, datetime.now(UTC) - timedelta(minutes=2))
    add(machines.newsletter(), "bob@example.com")


def test_only_one_process_of_a_machine_replaces_the_state(machines: Machines) -> None:
    first = machines.newsletter()
    add(machines.newsletter("second"), "bob@example.com")
    with StateSync.open(first):
        with pytest.raises(StateInUse, match="another news process on this machine uses the state"):
            state.pull(first, replace=False)
        with open_to_read(first) as opened:  # reads what there is
            assert Subscribers(opened.database).count_active() == 1
    assert state.pull(first, replace=False)


def test_what_another_process_of_the_machine_published_stays_intended(machines: Machines) -> None:
    """`news cancel` beside `news send`: the copy of the one must not take back what the other may call."""
    first, deadline = machines.newsletter(), datetime.now(UTC) + timedelta(minutes=5)
    chunk = send_planned(first)
    with StateSync.open(first) as sender, StateSync.open(first) as other:
        sender.begin_sending()
        sender.save([chunk], deadline)
        other.save()
        with pytest.raises(SendRefused, match="another news process on this machine is sending"):
            other.begin_sending()
    saved = saved_state(machines)
    assert saved.lease.deadline == deadline
    counts = state.show(first).content.sends[0][1]
    assert (counts.in_flight, counts.waiting) == (1, 0)
    with StateSync.open(first) as later:  # the sender has ended
        later.save()
    counts = state.show(first).content.sends[0][1]
    assert (counts.in_flight, counts.waiting) == (0, 1)


def send_planned(newsletter: Newsletter) -> NextChunk:
    with closing(Database.open(newsletter)) as database, SendProcess(newsletter.runs) as process:
        ledger = Ledger(database, process)
        send = ledger.plan(NewSend("2026-04-27", SUBSCRIBERS, "0" * 64, b"", "sendgrid", 1))
        assert send
        return NextChunk(send.id, 1, 1)


# Keys and files


def test_a_key_is_replaced_in_two_runs(machines: Machines) -> None:
    old = machines.key
    new = state.rotate_key(machines.newsletter())
    assert new and new != old
    assert state.rotate_key(machines.newsletter(NEWS_STATE_KEY=f"{new.text} {old.text}")) is None
    with refused("was sealed with another key"):
        state.show(machines.newsletter())
    machines.key = new
    assert state.show(machines.newsletter("second")).content.subscribers == 1


def test_keys_in_the_wrong_order_replace_nothing(machines: Machines) -> None:
    """The advice would be to destroy the second key: without this, the one that is needed."""
    before = machines.commit()
    swapped = f"{machines.key.text} {make_state_key().text}"
    with pytest.raises(SendRefused, match="is sealed with the first key") as refusal:
        state.rotate_key(machines.newsletter(NEWS_STATE_KEY=swapped))
    assert "write it first" in refusal.value.hint and machines.commit() == before


def test_a_key_is_not_replaced_while_another_machine_sends(machines: Machines) -> None:
    lease_of_another(machines, datetime.now(UTC) + timedelta(minutes=5))
    both = f"{make_state_key().text} {machines.key.text}"
    with pytest.raises(SendRefused, match="is sending now"):
        state.rotate_key(machines.newsletter(NEWS_STATE_KEY=both))


def test_no_key_is_made_in_ci(tmp_path: Path) -> None:
    machines = Machines(tmp_path)
    with refused("NEWS_STATE_KEY is not set, and a key that is made in CI would be in its log"):
        state.initialise(machines.newsletter(NEWS_STATE_KEY="", CI="true"), public=False)
    assert machines.commit() == ""


def test_a_new_key_is_kept_before_anything_is_sealed(tmp_path: Path) -> None:
    machines = Machines(tmp_path)
    newsletter = machines.newsletter(NEWS_STATE_KEY="")
    shown: list[StateKey] = []
    state.initialise(newsletter, public=False, on_new_key=shown.append)
    (new,) = shown
    env = newsletter.state / "env"
    assert env.read_text() == f"NEWS_STATE_KEY={new.text}\n"
    assert env.stat().st_mode & 0o777 == 0o600
    assert state.show(machines.newsletter(NEWS_STATE_KEY=new.text)).content.subscribers == 0


def test_a_second_machine_makes_no_key_for_a_state_that_is_there(machines: Machines) -> None:
    second = machines.newsletter("second", NEWS_STATE_KEY="")
    with refused("holds a state already, which is sealed with another key than a new one"):
        state.initialise(second, public=False)
    assert not (second.state / "env").exists()


def test_a_new_key_is_shown_although_the_command_fails_later(tmp_path: Path) -> None:
    newsletter = Machines(tmp_path).newsletter(NEWS_STATE_KEY="")
    (tmp_path / "backup").touch()
    shown: list[StateKey] = []
    with refused("backup: cannot be written"):
        state.save_file(newsletter, tmp_path / "backup", shown.append)
    assert (newsletter.state / "env").read_text() == f"NEWS_STATE_KEY={shown[0].text}\n"


@pytest.mark.parametrize("name", ["published-copy.db", "replaced-news.db"])
def test_a_folder_in_the_place_of_a_copy(machines: Machines, name: str) -> None:
    first = machines.newsletter()
    (first.state / name).mkdir()
    with refused(f"{name}: cannot be deleted (Is a directory)"):
        if name.startswith("replaced"):
            add(machines.newsletter("second"), "cyd@example.com")
        add(first, "bob@example.com")


def test_a_public_repository_needs_a_decision(tmp_path: Path) -> None:
    machines = Machines(tmp_path)
    newsletter = machines.newsletter()
    with refused("can be read by everybody"):
        state.initialise(newsletter, public=False, is_public=lambda remote: True)
    assert machines.commit() == ""
    state.initialise(newsletter, public=True, is_public=lambda remote: True)
    assert machines.commit()


def agree(*_: object) -> None:
    """Agree to the replacement of a machine's state."""


def test_a_backup_is_loaded_on_another_machine(machines: Machines, tmp_path: Path) -> None:
    content, size = state.save_file(machines.newsletter(), tmp_path / "backup")
    assert content.subscribers == 1
    assert size == (tmp_path / "backup").stat().st_size
    with refused("backup: cannot be written (File exists)"):
        state.save_file(machines.newsletter(), tmp_path / "backup")
    assert state.load_file(machines.newsletter("second"), tmp_path / "backup", agree).subscribers == 1
    assert addresses(machines.newsletter("second")) == ["ada@example.com"]


@pytest.mark.parametrize("cancelled", [False, True], ids=["waiting", "cancelled"])
def test_who_waits_in_a_backup_is_unknown_after_it_is_loaded(
    cancelled: bool, machines: Machines, tmp_path: Path
) -> None:
    """A send that was cancelled may have been resumed since."""
    first = machines.newsletter()
    send_planned(first)
    with closing(Database.open(first)) as database, SendProcess(first.runs) as process:
        ledger = Ledger(database, process)
        if cancelled:
            ledger.cancel(ledger.sends()[0])
    state.save_file(machines.newsletter(), tmp_path / "backup")
    ((_, counts),) = state.load_file(machines.newsletter("second"), tmp_path / "backup", agree).sends
    assert (counts.waiting, counts.unknown) == (0, 1)


def test_nobody_waits_after_a_load_that_fails_in_the_middle(machines: Machines, tmp_path: Path) -> None:
    send_planned(machines.newsletter())
    state.save_file(machines.newsletter(), tmp_path / "backup")
    second = machines.newsletter("second")
    addresses(second)  # makes the database
    (second.state / "runs").write_text("no folder")
    with pytest.raises(NewsError):
        state.load_file(second, tmp_path / "backup", agree)
    assert addresses(second) == []


def test_a_backup_of_an_older_version(machines: Machines, tmp_path: Path) -> None:
    archive = saved_state(machines).archive
    with closing(sqlite3.connect(tmp_path / "old.db")) as old:
        engine = create_engine("sqlite://", creator=lambda: old, poolclass=StaticPool)
        with engine.begin() as connection:
            command.upgrade(config(connection), "0001")
    content = (tmp_path / "old.db").read_bytes()
    older = Archive(**{**vars(archive), "revision": "0001", "database": content})
    (tmp_path / "backup").write_bytes(seal(older.pack(), machines.key, STATE))
    assert state.load_file(machines.newsletter("second"), tmp_path / "backup", agree).subscribers == 0
    published(machines, older, Lease(99, None, "somebody"))
    assert state.show(machines.newsletter()).content.sends == ()


def test_a_backup_that_is_not_wanted_changes_nothing(machines: Machines, tmp_path: Path) -> None:
    state.save_file(machines.newsletter(), tmp_path / "backup")
    add(machines.newsletter(), "bob@example.com")

    def decline(*_: object) -> None:
        raise SendRefused("no")

    with pytest.raises(SendRefused):
        state.load_file(machines.newsletter(), tmp_path / "backup", decline)
    assert len(addresses(machines.newsletter())) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is not a sealed state", id="empty"),
        pytest.param(b"PK\x03\x04", "is not a sealed state", id="zip"),
        pytest.param(b"news-state 2\n" + b"x" * 99, "was sealed by a newer version of news", id="newer"),
    ],
)
def test_a_file_that_is_no_backup(machines: Machines, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with refused(f"file: {message}"):
        state.load_file(machines.newsletter(), tmp_path / "file", agree)
    assert addresses(machines.newsletter()) == ["ada@example.com"]


def test_a_backup_with_content_of_another_program(machines: Machines, tmp_path: Path) -> None:
    for content, message in ((b"no json\n", "holds no state"), (b"", "holds no state")):
        (tmp_path / "file").write_bytes(seal(content, machines.key, STATE))
        with refused(message):
            state.load_file(machines.newsletter(), tmp_path / "file", agree)
    (tmp_path / "file").write_bytes(seal(b"{}", machines.key, LEASE, min_bytes=MIN_LEASE_BYTES))
    with refused("is damaged"):
        state.load_file(machines.newsletter(), tmp_path / "file", agree)
