"""Keep sealed states on a ref of a remote; a write replaces only the state that its process has read.

Each state is one commit without a parent, so that a fetch gets this state alone. The commit has a nonce:
without it, processes that write the same content at once would each take the commit for their own.
"""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from os import fsencode
from pathlib import Path

from newsletter.errors import Problem, StateError, Unavailable
from newsletter.state.git_process import Reply
from newsletter.state.git_remote import GitRemote, is_denied
from newsletter.state.state_commit import checked_object, is_object, make_commit, read_blobs

REF = "refs/newsletter/state"
WARN_BYTES, MAX_BYTES = 25_000_000, 50_000_000
"""The sizes of a sealed state from which a warning is given, and over which it is refused."""
FROM_NEWEST = (
    "from the machine that has the newest state: news state push --replace; if there is none, load a backup "
    "before that: news state load FILE"
)
"""The way to put a state on a ref again that was deleted or replaced by something else."""
_TRIES = 3
_PAUSE_SECONDS = 0.5
_SLUG_SEPARATORS = re.compile(r"[^a-z0-9]+")
_MAX_SLUG_LENGTH = 40
_CHECK_NETWORK = "check the network and the repository's address, then run the same command again"
_CHECK_ACCESS = (
    "give access: in a workflow `permissions: contents: write`, else a key or a token that may write to it"
)


class LostRace(StateError):
    """The error for a state that another process has saved first: this process must save and send no more."""


class NotSaved(Unavailable):
    """The error for a state that was not saved, or of which it is not certain that it was saved."""


def ref_name(path: str) -> str:
    """Return the ref for a newsletter's path in its work tree; `.` or "" is the top of the work tree.

    No such ref is the folder of another.
    """
    if path in ("", "."):
        return REF
    slug = _SLUG_SEPARATORS.sub("-", path.lower())[:_MAX_SLUG_LENGTH].strip("-")
    digest = sha256(fsencode(path)).hexdigest()[:8]
    return f"{REF}.{slug}-{digest}" if slug else f"{REF}.{digest}"


def check_size(sealed_bytes: int) -> Problem | None:
    """Return a warning if a sealed state is large, else None; raise StateError if it is too large to save."""
    size, most = f"{sealed_bytes / 1_000_000:,.1f} MB", f"{MAX_BYTES // 1_000_000} MB"
    fix = "use PostgreSQL for a list of this size: NEWS_DATABASE_URL"
    if sealed_bytes > MAX_BYTES:
        raise StateError.of("the sealed state", f"has {size}, and {most} is the most that is saved", fix)
    if sealed_bytes < WARN_BYTES:
        return None
    what = f"has {size}, which each save uploads; over {most} it is not saved"
    return Problem("the sealed state", what, fix, "warning")


class StateRef:
    """The ref of a remote that holds sealed states; each write replaces the one before, unless it changed.

    `pause` waits between two tries, and `nonce` returns a text that no other process has.
    """

    def __init__(
        self,
        remote: GitRemote,
        ref: str = REF,
        *,
        pause: Callable[[float], None] = time.sleep,
        nonce: Callable[[], str] = secrets.token_hex,
    ) -> None:
        self.name, self.ref = remote.name, ref
        self.place = f"{ref} of {remote.name}"
        self._remote, self._pause, self._nonce = remote, pause, nonce
        self._own: set[str] = set()
        self._lost: LostRace | None = None

    def head(self) -> str | None:
        """Return the commit that the ref names; None if the remote has replied, and has no such ref.

        Raise Unavailable if the remote gives no reply.
        """
        reply = self._remote.run("ls-remote", "--refs", "--", self._remote.url, self.ref)
        if reply.code != 0:
            raise self._no_reply(reply)
        for line in reply.output.decode("utf-8", "replace").splitlines():
            commit, _, name = line.partition("\t")
            if name == self.ref and is_object(commit):  # git also lists a branch of this name
                return commit
        return None

    def read(self, commit: str) -> dict[str, bytes]:
        """Return the blobs of a commit by their names.

        Raise Unavailable if the remote gives no reply; StateError if it does not have the commit any more, or
        if the commit is no state.
        """
        options = ("--no-write-fetch-head", "--no-tags", "--no-prune", "--no-auto-gc", "--quiet")
        with self._remote.temporary_objects() as objects:
            names = ("--", self._remote.url, checked_object(commit))
            fetched = self._remote.run("fetch", *options, *names, objects=objects)
            if "not our ref" in fetched.errors:
                raise StateError.of(self.place, "was replaced meanwhile", "run the same command again")
            if fetched.code != 0:
                raise self._no_reply(fetched)
            blobs = read_blobs(self._remote, commit, objects)
        if blobs is None:
            fix = "check the address of the repository, and which program wrote this ref"
            raise StateError.of(self.place, "is not the state of a newsletter", fix)
        return blobs

    def write(
        self,
        blobs: Mapping[str, bytes],
        expected: str | None,
        before_push: Callable[[str], None] = lambda commit: None,
    ) -> str:
        """Replace the state `expected`, None if there is none yet; return the new commit.

        `before_push` is called with the new commit, which may arrive although this process is killed.

        Raise LostRace if another process has saved meanwhile, and at each later call; NotSaved if the remote
        refuses, or if it is not certain that the state was saved; StateError if the state is too large;
        Unavailable if git cannot prepare it.
        """
        if self._lost:
            raise self._lost
        check_size(sum(map(len, blobs.values())))
        with self._remote.temporary_objects() as objects:
            commit = make_commit(self._remote, blobs, self._nonce(), objects)
            self._own.add(commit)
            before_push(commit)
            return self._push(commit, expected, objects)

    def _push(self, commit: str, expected: str | None, objects: Path) -> str:
        """Push a commit until the remote confirms it: the ref decides, whatever the exit code of git."""
        is_refused = True
        for number in range(1, _TRIES + 1):
            pushed = self._push_once(commit, expected, objects)
            head = self._head_after_push()
            if head == commit:
                return commit
            if head == expected:
                if is_denied(pushed):
                    raise self._denied(pushed)
                is_refused = is_refused and _is_refused(pushed)
            elif head in self._own:
                expected = head  # a push that was given up has arrived late
            else:
                self._lost = self._lose(is_deleted=head is None)
                raise self._lost
            if number < _TRIES:
                self._pause(_PAUSE_SECONDS * number)
        raise self._refused(pushed) if is_refused else self._uncertain(self._remote.reason(pushed))

    def _push_once(self, commit: str, expected: str | None, objects: Path) -> Reply:
        options = ("--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no", "--porcelain")
        # An empty value means that the ref must not exist. Without the colon, git compares with a ref that a
        # fetch in the background may have changed.
        lease = f"--force-with-lease={self.ref}:{checked_object(expected) if expected else ''}"
        refspec = f"{checked_object(commit)}:{self.ref}"  # without a commit, the push would delete the ref
        return self._remote.run("push", *options, lease, "--", self._remote.url, refspec, objects=objects)

    def _head_after_push(self) -> str | None:
        """Return the commit that the ref names after a push; raise NotSaved if the remote does not reply."""
        for number in range(1, _TRIES):
            try:
                return self.head()
            except Unavailable:
                self._pause(_PAUSE_SECONDS * number)
        try:
            return self.head()
        except Unavailable as failure:
            raise self._uncertain(failure.what) from failure

    def _no_reply(self, reply: Reply) -> Unavailable:
        reason = self._remote.reason(reply)
        if is_denied(reply):
            return Unavailable(f"{self.name} refuses access ({reason})", _CHECK_ACCESS)
        return Unavailable(f"{self.name} gives no reply ({reason})", _CHECK_NETWORK)

    def _denied(self, pushed: Reply) -> NotSaved:
        what = f"{self.name} does not permit writing ({self._remote.reason(pushed)}); nothing was saved"
        return NotSaved(what, _CHECK_ACCESS)

    def _refused(self, pushed: Reply) -> NotSaved:
        what = f"{self.name} refuses to save the state ({self._remote.reason(pushed)}); nothing was saved"
        return NotSaved(what, f"permit pushes to {self.ref} in that repository")

    def _uncertain(self, reason: str) -> NotSaved:
        what = f"it is not certain that the state was saved: {self.name} did not confirm it ({reason})"
        return NotSaved(what, "run the same command again: it continues from the state that is there")

    def _lose(self, *, is_deleted: bool) -> LostRace:
        if is_deleted:
            what = "was deleted while this command ran; it saves and sends nothing more"
            fix = f"find out who deleted it (git push --mirror does), and restore it {FROM_NEWEST}"
        else:
            what = "was saved by another process meanwhile; this command saves and sends nothing more"
            fix = "run the same command again: it continues from that state"
        return LostRace.of(self.place, what, fix)


def _is_refused(pushed: Reply) -> bool:
    """Return True if git reports that this push has not changed the ref, and will not."""
    report = pushed.output.decode("utf-8", "replace").splitlines()
    return any(line[:1] == "!" and ("[rejected]" in line or "[remote rejected]" in line) for line in report)
