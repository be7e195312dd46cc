"""Read and write the sealed state on a newsletter's state ref."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from newsletter.config.loader import Newsletter
from newsletter.display import printable
from newsletter.errors import ConfigError, StateError
from newsletter.services.state_archive import refuse_other
from newsletter.state.archive import Archive, Lease
from newsletter.state.git_remote import GitRemote, open_remote
from newsletter.state.sealing import LEASE, MIN_LEASE_BYTES, STATE, is_sealed_with, seal, unseal
from newsletter.state.state_key import VARIABLE, StateKey, parse_state_keys
from newsletter.state.state_ref import FROM_NEWEST, StateRef, ref_name

_STATE_BLOB, _LEASE_BLOB = "state", "lease"
_MAKE_KEY = "set it to the newsletter's state key; if there is no state yet: news state init"


@dataclass(frozen=True)
class SavedState:
    """A state that was read from its ref and unsealed; `size` is that of the sealed state in bytes."""

    commit: str
    lease: Lease
    archive: Archive
    size: int


class SealedRef:
    """The state ref of a newsletter, with the keys that open and seal what it holds."""

    def __init__(self, newsletter: Newsletter, ref: StateRef, keys: Sequence[StateKey]) -> None:
        self._newsletter, self._ref, self._keys = newsletter, ref, keys
        self.place, self.repository = ref.place, ref.name

    @classmethod
    def open(cls, newsletter: Newsletter) -> Self:
        """Return the state ref that newsletter.yml names, with the keys in NEWS_STATE_KEY.

        Raise ConfigError if newsletter.yml names none or a database server is configured too, and StateError
        if there is no valid key.
        """
        ref = state_ref(newsletter, find_remote(newsletter))
        return cls(newsletter, ref, state_keys(newsletter))

    def commit(self) -> str | None:
        """Return the commit of the state on the ref; None if it certainly holds none."""
        return self._ref.head()

    def existing_commit(self) -> str:
        """Return the commit of the state on the ref; raise StateError if it holds none."""
        if (commit := self.commit()) is None:
            what = "holds no state of this newsletter"
            fix = f"if it never had one: news state init; if somebody deleted it, restore it {FROM_NEWEST}"
            raise StateError.of(self.place, what, fix)
        return commit

    def read_lease(self, commit: str) -> Lease:
        """Return the lease of a state; raise StateError as `read` does."""
        return self._lease(self._blobs(commit))

    def read(self, commit: str, *, renamed: bool = False) -> SavedState:
        """Return a state on the ref; with `renamed`, also that of a repository with another name.

        Raise StateError, each time with its own message, if it was sealed with another key or by a newer
        version, if it is damaged, or if it belongs to another repository or list.
        """
        blobs = self._blobs(commit)
        lease = self._lease(blobs)
        archive = Archive.unpack(unseal(blobs[_STATE_BLOB], self._keys, STATE, where=self.place), self.place)
        refuse_other(archive, self._newsletter, self.place)
        if archive.repository != self.repository and not renamed:
            what = f"is the state of {printable(archive.repository, 200)}, and this is {self.repository}"
            fix = "if the repository has a new name: news state pull --replace, then news state push"
            raise StateError.of(self.place, what, fix)
        return SavedState(commit, lease, archive, len(blobs[_STATE_BLOB]))

    def has_newest_key(self, commit: str) -> bool:
        """Return True if a state on the ref is sealed with the newest of the keys."""
        return is_sealed_with(self._keys[0], self._blobs(commit)[_STATE_BLOB])

    def write(
        self, archive: Archive, lease: Lease, expected: str | None, before_push: Callable[[str], None]
    ) -> tuple[str, int]:
        """Seal a state with the newest key and put it in the place of `expected` (None: of no state).

        `before_push` is called with its commit before it is pushed. Return the commit, and the sealed size in
        bytes. Raise StateError if the state is too large or another one is there, and Unavailable if it is
        not certain that it was saved.
        """
        sealed = seal(archive.pack(), self._keys[0], STATE)
        sealed_lease = seal(lease.pack(), self._keys[0], LEASE, min_bytes=MIN_LEASE_BYTES)
        blobs = {_STATE_BLOB: sealed, _LEASE_BLOB: sealed_lease}
        return self._ref.write(blobs, expected, before_push=before_push), len(sealed)

    def _blobs(self, commit: str) -> dict[str, bytes]:
        blobs = self._ref.read(commit)
        if missing := {_STATE_BLOB, _LEASE_BLOB} - blobs.keys():
            what = f"has no {' and no '.join(sorted(missing))}: something else was pushed there"
            raise StateError.of(self.place, what, f"restore the state {FROM_NEWEST}")
        return blobs

    def _lease(self, blobs: dict[str, bytes]) -> Lease:
        return Lease.unpack(unseal(blobs[_LEASE_BLOB], self._keys, LEASE, where=self.place), self.place)


def state_ref(newsletter: Newsletter, remote: GitRemote) -> StateRef:
    """Return the state ref of a newsletter, of which nothing is opened."""
    return StateRef(remote, ref_name(remote.repository.path_of(newsletter.folder)))


def find_remote(newsletter: Newsletter) -> GitRemote:
    """Return the remote that keeps the state of a newsletter.

    Raise ConfigError if newsletter.yml names none, or if NEWS_DATABASE_URL names another place of the state;
    StateError if the remote cannot be used.
    """
    if (settings := newsletter.config.state) is None:
        what = "has no `state:`, so that the state is on this machine only"
        raise ConfigError.of(newsletter.where(), what, "add `state: git` to keep it, sealed, on a Git ref")
    if newsletter.secrets.database_url:
        what = "names the place of the state, and so does NEWS_DATABASE_URL"
        fix = "delete `state:` to use that database, or unset NEWS_DATABASE_URL"
        raise ConfigError.of(newsletter.where("state"), what, fix)
    return open_remote(newsletter.folder, settings.remote or "")


def state_keys(newsletter: Newsletter, fix: str = _MAKE_KEY) -> tuple[StateKey, ...]:
    """Return the keys in NEWS_STATE_KEY, the newest first; raise StateError if there is no valid one.

    `fix` is for a machine that has none.
    """
    if configured := newsletter.secrets.state_key:
        return parse_state_keys(configured.get_secret_value())
    if newsletter.in_ci:
        fix = f"set it as a secret of the repository (on GitHub: gh secret set {VARIABLE})"
    raise StateError.of("environment", f"{VARIABLE} is not set, and the state is sealed with it", fix)
