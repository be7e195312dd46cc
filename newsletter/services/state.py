"""The state of a newsletter on its ref and in sealed files, as `news state …` manages it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from newsletter.config.loader import Newsletter
from newsletter.disk import reading, writing
from newsletter.disk.failures import cannot_be, read_hint, write_hint
from newsletter.display import display_path
from newsletter.errors import SendRefused, StateError
from newsletter.sending.model import SUBSCRIBERS, Counts, Send
from newsletter.services.sealed_ref import SealedRef, find_remote, state_keys, state_ref
from newsletter.services.state_archive import make_archive, refuse_other, replace_state
from newsletter.services.state_locks import StateLocks
from newsletter.services.state_sync import StateSync
from newsletter.state.archive import Archive, Lease
from newsletter.state.folder import make_private_dir
from newsletter.state.git_remote import GitRemote
from newsletter.state.location import ENV
from newsletter.state.public_access import is_public
from newsletter.state.sealing import STATE, seal, unseal
from newsletter.state.state_key import VARIABLE, StateKey, make_state_key
from newsletter.state.state_ref import MAX_BYTES
from newsletter.store.database import Database, open_database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.subscribers import Subscribers

_RESTORED = "a backup of the state was loaded, and the mail may have left after that was made"


@dataclass(frozen=True)
class StateSummary:
    """The content of a state: the list, its active subscribers, and its sends, the newest first."""

    list_id: str
    subscribers: int
    sends: tuple[tuple[Send, Counts], ...]


@dataclass(frozen=True)
class SavedSummary:
    """A state on its ref; `size` is in bytes."""

    place: str
    size: int
    content: StateSummary
    saved_at: datetime
    lease: Lease | None = None


AgreeToReplace = Callable[[StateSummary, SavedSummary | None], None]


def ignore_key(key: StateKey) -> None:
    """Do nothing about a new key."""


def initialise(
    newsletter: Newsletter,
    *,
    public: bool,
    on_new_key: Callable[[StateKey], None] = ignore_key,
    is_public: Callable[[GitRemote], bool] = is_public,
) -> SavedSummary:
    """Save this machine's state on the state ref for the first time, with a new key if there is none.

    `on_new_key` is called with a new key before it is used. `is_public` finds out whether everybody can read
    the repository; `public` accepts that. Raise StateError if the ref holds a state already, or if the
    repository is public and `public` is false; SendRefused if a key would be made in CI, whose logs others
    may read.
    """
    remote = find_remote(newsletter)
    if not public and is_public(remote):
        what = (
            "can be read by everybody: the sealed list of subscribers would be public, and stay public for "
            "ever. A person who finds the state key, even years later, could read every list that was saved. "
            "Without the key, everybody could see the size of the list and the times of sends"
        )
        fix = (
            "use a private repository for the state: `state: {remote: git@github.com:OWNER/PRIVATE.git}`; "
            "or accept that: news state init --public"
        )
        raise StateError.of(remote.name, what, fix)
    if not newsletter.secrets.state_key and state_ref(newsletter, remote).head():
        what = "holds a state already, which is sealed with another key than a new one"
        raise StateError.of(remote.name, what, f"set {VARIABLE} to its key, then: news state pull")
    newsletter = _with_key(newsletter, on_new_key)
    with StateSync.open(newsletter) as sync:
        sync.take_alone()
        sync.refuse_existing()
        sync.save()
        return _saved_summary(sync)


def pull(newsletter: Newsletter, *, replace: bool) -> SavedSummary | None:
    """Take the state from the ref to this machine; return None if this machine has the same or a newer one.

    `replace` and the errors are those of `StateSync.pull`.
    """
    with StateSync.open(newsletter) as sync:
        saved = sync.pull(replace=replace)
        if saved is None:
            return None
        content = summary(newsletter.list_id, sync.database)
        return SavedSummary(sync.sealed.place, saved.size, content, saved.archive.saved_at, saved.lease)


def push(newsletter: Newsletter, agree: AgreeToReplace | None = None) -> SavedSummary:
    """Save this machine's state on the ref; with `agree`, also over one that this machine has not seen.

    `agree` is called before that with this machine's content and with the state on the ref, None if there is
    none that can be read; it raises an error to prevent the save. Raise SendRefused if a process is sending
    now, and StoreError as `StateSync.save` does.
    """
    with StateSync.open(newsletter) as sync:
        sync.take_alone()
        if agree:
            sync.adopt_head()
            saved = None
            with suppress(StateError):
                saved = _summary_on_ref(sync.sealed, renamed=True)
            agree(summary(newsletter.list_id, sync.database), saved)
        else:
            sync.recognise_own_push()
            sync.refuse_busy()
        sync.save()
        return _saved_summary(sync)


def show(newsletter: Newsletter) -> SavedSummary:
    """Return the state on the ref; this machine's state does not change. Raise as `SealedRef.read` does."""
    return _summary_on_ref(SealedRef.open(newsletter))


def _summary_on_ref(sealed: SealedRef, *, renamed: bool = False) -> SavedSummary:
    saved = sealed.read(sealed.existing_commit(), renamed=renamed)
    with closing(Database.of_copy(saved.archive.database)) as database:
        content = summary(saved.archive.list_id, database)
    return SavedSummary(sealed.place, saved.size, content, saved.archive.saved_at, saved.lease)


def rotate_key(newsletter: Newsletter) -> StateKey | None:
    """Return a new key if NEWS_STATE_KEY holds one; if it holds two, seal the state again with the first.

    Return None then. Raise SendRefused if a process is sending now, if a key would be made in CI, or if the
    state is sealed with the first of two keys already: perhaps they are in the wrong order.
    """
    if len(state_keys(newsletter)) == 1:
        _refuse_ci(newsletter)
        return make_state_key()
    with StateSync.open(newsletter) as sync:
        sync.take_alone()
        sync.pull()
        sync.refuse_busy()
        if sync.sealed.has_newest_key(sync.sealed.existing_commit()):
            what = f"the state is sealed with the first key of {VARIABLE} already"
            fix = "if the second one is the new key, write it first; else remove it: it is no longer needed"
            raise SendRefused(what, fix)
        sync.save()
    return None


def save_file(
    newsletter: Newsletter, file: Path, on_new_key: Callable[[StateKey], None] = ignore_key
) -> tuple[StateSummary, int]:
    """Write this machine's state to a new file, sealed; return its content and its sealed size in bytes.

    `on_new_key` is called with a new key before it is used. Raise StateError if there is such a file already,
    or if it cannot be written.
    """
    newsletter = _with_key(newsletter, on_new_key)
    with _locked(newsletter) as database:
        sealed = seal(make_archive(newsletter, database).pack(), state_keys(newsletter)[0], STATE)
        try:
            writing.create(file, sealed)
        except OSError as failure:
            fix = write_hint(failure, "name a file that does not exist, in a folder that you may write to")
            raise StateError.of(display_path(file), cannot_be("written", failure), fix) from failure
        return summary(newsletter.list_id, database), len(sealed)


def load_file(
    newsletter: Newsletter, file: Path, agree: Callable[[Archive, StateSummary, StateSummary], None]
) -> StateSummary:
    """Replace this machine's state by that of a sealed file; return its content.

    `agree` is called with both contents before that, this machine's first, and raises an error to prevent it.
    Recipients who wait, or whose send was cancelled, become unknown: they may have got the mail since then.
    """
    archive = _read_file(newsletter, file)
    with _locked(newsletter) as database, closing(Database.of_copy(archive.database)) as copy:
        agree(archive, summary(newsletter.list_id, database), summary(archive.list_id, copy))
        # In the copy: if this process is killed, nobody waits in a state that was put back.
        with SendProcess(newsletter.runs) as process:
            ledger = Ledger(copy, process)
            for send in ledger.sends():
                if send.list == SUBSCRIBERS and send.state != "superseded":
                    ledger.override_state(send, "waiting", "unknown", _RESTORED)
                    # A send that was cancelled may have been resumed since.
                    ledger.override_state(send, "cancelled", "unknown", _RESTORED)
        replace_state(newsletter, database, copy, archive.secret_key, keep_forever=True)
        return summary(newsletter.list_id, database)


def summary(list_id: str, database: Database) -> StateSummary:
    """Return the content of a database."""
    queries = LedgerQueries(database)
    sends = [(send, queries.counts(send)) for send in queries.sends() if not send.is_rehearsal]
    return StateSummary(list_id, Subscribers(database).count_active(), tuple(sends))


def _saved_summary(sync: StateSync) -> SavedSummary:
    """Return the summary of the state that was saved just now."""
    content = summary(sync.newsletter.list_id, sync.database)
    return SavedSummary(sync.sealed.place, sync.saved_bytes, content, datetime.now(UTC))


def _read_file(newsletter: Newsletter, file: Path) -> Archive:
    shown = display_path(file)
    try:
        sealed = reading.read(file, 2 * MAX_BYTES)
    except OSError as failure:
        fix = read_hint(failure, "name a file that `news state save` wrote")
        raise StateError.of(shown, cannot_be("read", failure), fix) from failure
    fix = f"write {VARIABLE}=… with the key of the backup into {display_path(newsletter.location.env)}"
    archive = Archive.unpack(unseal(sealed, state_keys(newsletter, fix), STATE, where=shown), shown)
    refuse_other(archive, newsletter, shown)
    return archive


@contextmanager
def _locked(newsletter: Newsletter) -> Iterator[Database]:
    """Open this machine's database, while no other process of this machine takes or saves the state."""
    with StateLocks.share(newsletter) as locks, open_database(newsletter) as database:
        locks.take_alone()
        yield database


def _with_key(newsletter: Newsletter, on_new_key: Callable[[StateKey], None]) -> Newsletter:
    """Return the newsletter with a state key, which is made if there is none.

    A new key is kept in the file `env` of the state, and shown, before anything is sealed with it: the
    command may fail later, and the next one uses the key in the file.
    """
    if newsletter.secrets.state_key:
        state_keys(newsletter)
        return newsletter
    _refuse_ci(newsletter)
    key = make_state_key()
    file = newsletter.state / ENV
    try:
        make_private_dir(file.parent)
        before = reading.read(file, 1_000_000, root=newsletter.state) if file.exists() else b""
        before += b"" if before.endswith(b"\n") or not before else b"\n"
        writing.write_atomically(file, before + f"{VARIABLE}={key.text}\n".encode(), replace=True)
    except OSError as failure:
        fix = write_hint(failure, "check the permissions of the file and its folder")
        raise StateError.of(display_path(file), cannot_be("written", failure), fix) from failure
    on_new_key(key)
    return replace(newsletter, secrets=newsletter.secrets.with_state_key(key.text))


def _refuse_ci(newsletter: Newsletter) -> None:
    if newsletter.in_ci:
        what = f"{VARIABLE} is not set, and a key that is made in CI would be in its log, or lost with it"
        raise SendRefused(what, "make it on your own machine: news state init")
