"""Tests of the ref that holds sealed states, against real bare repositories on this disk."""

import base64
import gzip
import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from newsletter.errors import StateError, Unavailable
from newsletter.state.git_remote import open_remote
from newsletter.state.sealing import LEASE, MIN_LEASE_BYTES, STATE, seal
from newsletter.state.state_key import StateKey
from newsletter.state.state_ref import MAX_BYTES, REF, LostRace, NotSaved, StateRef, check_size, ref_name
from tests.object_search import found, objects
from tests.repositories import git, repository

RACERS = 20
BLOBS = {"state": b"sealed", "lease": b"small"}


def no_pause(seconds: float) -> None: ...


def state_ref(letter: Path, nonce: str = "") -> StateRef:
    """Return a ref as a process of its own would have it; it uses `nonce` in each commit, if there is one."""
    remote = open_remote(letter)
    return StateRef(remote, pause=no_pause, nonce=lambda: nonce or os.urandom(16).hex())


def current(origin: Path) -> str:
    return git(origin, "for-each-ref", "--format=%(objectname)", REF).strip()


def hook(origin: Path, script: str) -> None:
    """Let the remote run a script before it takes a push."""
    file = origin / "hooks" / "pre-receive"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


# A ref that one process uses.


def test_a_state_is_written_read_and_replaced(letter: Path, origin: Path) -> None:
    ref = state_ref(letter)
    assert ref.name == str(origin) and ref.head() is None
    first = ref.write(BLOBS, None)
    assert ref.head() == first == current(origin) and ref.read(first) == BLOBS
    second = ref.write(BLOBS, first)
    assert second != first and state_ref(letter).read(second) == BLOBS
    assert git(origin, "rev-list", "--count", REF) == "1\n"
    shown = git(origin, "log", "-1", "--format=%an %ae %cn %ce %at %ct", REF)
    assert shown == "news news@news.invalid news news@news.invalid 946684800 946684800\n"


def test_the_local_repository_stays_as_it_is(letter: Path, origin: Path) -> None:
    git(letter, "fetch", "-q", "origin")
    git(letter, "config", "push.gpgSign", "true")
    git(letter, "config", "push.followTags", "true")
    git(letter, "config", "remote.origin.fetch", "+refs/*:refs/remotes/origin/*")
    git(letter, "tag", "-a", "-m", "tag", "v1")
    (letter / ".git/hooks").mkdir()
    for name in ("pre-push", "reference-transaction", "post-checkout"):
        (letter / ".git/hooks" / name).write_text(f"#!/bin/sh\ntouch {letter}/ran\nexit 1\n")
        (letter / ".git/hooks" / name).chmod(0o755)
    before = contents(letter)
    assert any(name.endswith("/FETCH_HEAD") for name in before)
    ref = state_ref(letter)
    commit = ref.write(BLOBS, ref.head())
    assert ref.read(commit) == BLOBS
    assert contents(letter) == before
    assert git(origin, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/main", REF]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_shallow_clone_can_save(tmp_path: Path, algorithm: str) -> None:
    git(tmp_path, "init", "-q", "-b", "main", f"--object-format={algorithm}", "letter")
    for number in range(2):
        (tmp_path / "letter/a").write_text(str(number))
        git(tmp_path / "letter", "add", "-A")
        git(tmp_path / "letter", "commit", "-q", "-m", "more")
    git(tmp_path, "clone", "-q", "--bare", "letter", "origin.git")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{tmp_path}/origin.git", "shallow")
    ref = state_ref(tmp_path / "shallow")
    assert ref.read(commit := ref.write(BLOBS, None)) == BLOBS
    assert len(commit) == (40 if algorithm == "sha1" else 64)
    assert ref.write(BLOBS, commit) == ref.head() == current(tmp_path / "origin.git")


def test_a_linked_work_tree_can_save(letter: Path, origin: Path) -> None:
    git(letter, "worktree", "add", "-q", "../other", "-b", "other")
    assert state_ref(letter.parent / "other").write(BLOBS, None) == current(origin)


@pytest.mark.parametrize("name", ["a b", 'quote"colon:', "line\nbreak"])
def test_the_repository_may_have_any_path(tmp_path: Path, name: str) -> None:
    folder = repository(tmp_path / name / "letter")
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    ref = state_ref(folder)
    assert ref.read(ref.write(BLOBS, None)) == BLOBS


# Answers that are no state.


def test_a_remote_without_a_reply_is_not_one_without_a_state(letter: Path, origin: Path) -> None:
    ref = state_ref(letter)
    origin.rename(origin.with_name("moved.git"))
    with pytest.raises(Unavailable, match=r"gives no reply .*does not appear to be") as raised:
        ref.head()
    assert raised.value.hint
    with pytest.raises(NotSaved, match="it is not certain that the state was saved"):
        ref.write(BLOBS, None)


def test_a_branch_of_the_same_name_is_no_state(letter: Path, origin: Path) -> None:
    git(origin, "update-ref", f"refs/heads/{REF}", "main")
    assert state_ref(letter).head() is None


def test_a_commit_of_something_else_is_refused(letter: Path, origin: Path) -> None:
    (letter / "README.md").write_text("a\n")
    git(letter, "add", "-A")
    git(letter, "commit", "-q", "-m", "a file")
    git(letter, "push", "-q", "origin", f"main:{REF}")
    ref = state_ref(letter)
    with pytest.raises(StateError, match="is not the state of a newsletter"):
        ref.read(str(ref.head()))


def test_a_commit_that_is_gone_is_named(letter: Path) -> None:
    with pytest.raises(StateError, match="was replaced meanwhile; run the same command again"):
        state_ref(letter).read("0123456789" * 4)


@pytest.mark.parametrize("commit", ["", "--upload-pack=touch x", "HEAD", "abc"])
def test_only_the_full_name_of_a_commit_is_used(letter: Path, commit: str) -> None:
    with pytest.raises(ValueError, match="not the name of an object"):
        state_ref(letter).read(commit)
    if commit:
        with pytest.raises(ValueError, match="not the name of an object"):
            state_ref(letter).write(BLOBS, commit)


# Several processes.


def race(letter: Path, expected: str | None, racers: int = RACERS, nonce: str = "") -> list[str]:
    """Save at the same time as several processes; return the commits of those who believe that they won."""

    def save(number: int) -> str | None:
        try:
            return refs[number].write({"state": b"the same"}, expected)
        except LostRace:
            return None

    refs = [state_ref(letter, nonce) for _ in range(racers)]
    with ThreadPoolExecutor(racers) as pool:
        return [commit for commit in pool.map(save, range(racers)) if commit]


def test_one_of_many_racers_wins(letter: Path, origin: Path) -> None:
    assert race(letter, None) == [current(origin)]


def test_without_a_nonce_several_racers_would_win(letter: Path) -> None:
    assert len(race(letter, None, racers=4, nonce="the same")) > 1


@pytest.mark.every_case
@pytest.mark.parametrize("round_", range(5))
@pytest.mark.parametrize("is_first", [True, False])
def test_one_of_many_racers_wins_each_time(letter: Path, origin: Path, round_: int, is_first: bool) -> None:
    expected = None if is_first else state_ref(letter).write(BLOBS, None)
    assert race(letter, expected) == [current(origin)]


def test_who_lost_saves_nothing_more(letter: Path, origin: Path) -> None:
    ours, theirs = state_ref(letter), state_ref(letter)
    first = ours.write(BLOBS, None)
    second = theirs.write(BLOBS, first)
    for expected in (first, second, None):
        with pytest.raises(LostRace, match="was saved by another process meanwhile"):
            ours.write(BLOBS, expected)
    assert current(origin) == second
    with pytest.raises(LostRace, match="was saved by another process meanwhile"):
        state_ref(letter).write(BLOBS, None)  # there is a state already


def test_a_mirror_that_deletes_the_ref_is_noticed(letter: Path, origin: Path) -> None:
    ref = state_ref(letter)
    commit = ref.write(BLOBS, None)
    git(letter, "push", "-q", "--mirror", "origin")
    assert ref.head() is None
    with pytest.raises(LostRace, match=r"was deleted while this command ran.*news state push --replace"):
        ref.write(BLOBS, commit)
    assert current(origin) == ""


# A remote that refuses, or does not confirm.


def test_a_hook_that_refuses_is_quoted(letter: Path, origin: Path) -> None:
    hook(origin, "echo >> tries; echo 'states are not\033[2J welcome' >&2; exit 1")
    with pytest.raises(NotSaved, match=r"refuses to save .*not.*welcome.*nothing was saved") as raised:
        state_ref(letter).write(BLOBS, None)
    assert raised.value.what.isprintable() and "permit pushes to refs/newsletter/state" in raised.value.hint
    assert (origin / "tries").read_text() == "\n" * 3 and current(origin) == ""


def test_a_missing_permission_is_named_and_not_tried_again(letter: Path, origin: Path) -> None:
    hook(origin, "echo >> tries; echo 'Permission to me/letter.git denied to a-bot.' >&2; exit 1")
    with pytest.raises(NotSaved, match=r"does not permit writing .*denied to a-bot") as raised:
        state_ref(letter).write(BLOBS, None)
    assert "contents: write" in raised.value.hint and (origin / "tries").read_text() == "\n"


def test_a_push_is_tried_again(letter: Path, origin: Path) -> None:
    hook(origin, "mkdir refused 2>/dev/null && exit 1; exit 0")
    assert state_ref(letter).write(BLOBS, None) == current(origin)
    assert (origin / "refused").exists()


KILL_CLIENT_AND_WAIT = """
[ -e go ] && exit 0
echo >> tries
kill -9 $(cat client)
while [ ! -e go ]; do sleep 0.02; done
"""


@pytest.fixture
def over_ssh(letter: Path, origin: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let git reach `origin` through a program in the place of ssh: the remote's part outlives the client."""
    ssh = letter.parent / "ssh"
    ssh.write_text(f'#!/bin/sh\necho $PPID > {origin}/client\nexec setsid sh -c "$2"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH", str(ssh))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    git(letter, "remote", "set-url", "origin", f"git@example.com:{origin}")
    yield ssh
    (origin / "go").touch()


def wait_for(origin: Path) -> str:
    """Return the commit of the ref as soon as there is one."""
    deadline = time.monotonic() + 30
    while not (commit := current(origin)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return commit


@pytest.mark.usefixtures("over_ssh")
def test_an_own_push_that_arrives_late_is_known(letter: Path, origin: Path) -> None:
    hook(origin, KILL_CLIENT_AND_WAIT)
    ref = state_ref(letter)
    with pytest.raises(NotSaved, match="it is not certain that the state was saved"):
        ref.write(BLOBS, None)
    assert (origin / "tries").read_text() == "\n" * 3 and current(origin) == ""
    (origin / "go").touch()
    late = wait_for(origin)
    commit = ref.write(BLOBS, None)
    assert commit != late and current(origin) == commit


@pytest.mark.usefixtures("over_ssh")
def test_a_late_push_of_another_process_is_not_overwritten(letter: Path, origin: Path) -> None:
    hook(origin, KILL_CLIENT_AND_WAIT)
    with pytest.raises(NotSaved):
        state_ref(letter).write(BLOBS, None)
    (origin / "go").touch()
    late = wait_for(origin)
    with pytest.raises(LostRace):
        state_ref(letter).write(BLOBS, None)
    assert current(origin) == late


@pytest.mark.usefixtures("over_ssh")
def test_a_client_that_is_killed_after_its_push_has_won(letter: Path, origin: Path) -> None:
    hook(origin, "exit 0")
    (origin / "hooks/post-receive").write_text("#!/bin/sh\necho >> tries\nkill -9 $(cat client)\n")
    (origin / "hooks/post-receive").chmod(0o755)
    assert state_ref(letter).write(BLOBS, None) == current(origin)
    assert (origin / "tries").read_text() == "\n"


def test_a_push_that_succeeded_and_was_replaced_is_lost(letter: Path, origin: Path) -> None:
    (origin / "hooks").mkdir()
    (origin / "hooks/post-receive").write_text(f"#!/bin/sh\ngit update-ref {REF} main\n")
    (origin / "hooks/post-receive").chmod(0o755)
    with pytest.raises(LostRace):
        state_ref(letter).write(BLOBS, None)


# Sizes and names.


def test_a_large_state_is_warned_of_and_a_larger_one_refused(letter: Path, origin: Path) -> None:
    assert check_size(24_999_999) is None
    warning = check_size(25_000_000)
    assert warning and warning.severity == "warning" and "PostgreSQL" in warning.fix
    with pytest.raises(StateError, match=r"has 50\.1 MB, and 50 MB is the most.*PostgreSQL"):
        check_size(50_100_000)
    with pytest.raises(StateError, match="is the most that is saved"):
        state_ref(letter).write({"state": bytes(MAX_BYTES + 1)}, None)
    assert current(origin) == ""


def test_each_newsletter_of_a_repository_has_a_ref_of_its_own(origin: Path) -> None:
    assert ref_name(".") == ref_name("") == REF
    assert ref_name("letters/Weekly News").startswith("refs/newsletter/state.letters-weekly-news-")
    paths = (".", "a", "A", "a/b", "a-b", "a b", "é", "..", "x.lock", "-", "a" * 300, "\udcff")
    names = [ref_name(path) for path in paths]
    assert len({name.lower() for name in names}) == len(paths) and max(map(len, names)) < 100
    for name in names:
        git(origin, "update-ref", name, "main")
    assert len(git(origin, "for-each-ref", "refs/newsletter").splitlines()) == len(paths)


# Nobody can read an address in the remote.

ADDRESSES = [f"reader-{number}@example.com" for number in range(200)]


def test_no_object_has_an_address(letter: Path, origin: Path) -> None:
    key, content = StateKey(bytes(32)), "\n".join(ADDRESSES).encode()
    ref, commit = state_ref(letter), None
    for _ in range(2):
        small = seal(content, key, LEASE, min_bytes=MIN_LEASE_BYTES)
        commit = ref.write({"state": seal(content, key, STATE), "lease": small}, commit)
    assert sum(content.startswith(b"news-state 1\n") for content in objects(origin)) == 4
    assert found(origin, ADDRESSES) == set()


@pytest.mark.parametrize(
    "leaked",
    [
        pytest.param(lambda text: text, id="plain"),
        pytest.param(lambda text: b"x" * 20 + gzip.compress(text), id="gzip"),
        pytest.param(lambda text: base64.b64encode(b"x" + text), id="base64"),
        pytest.param(lambda text: hashlib.md5(text).hexdigest().encode(), id="md5"),
        pytest.param(lambda text: hashlib.sha256(text).digest(), id="sha256"),
    ],
)
def test_an_address_in_an_object_is_found(letter: Path, origin: Path, leaked) -> None:  # type: ignore[no-untyped-def]
    state_ref(letter).write({"state": leaked(ADDRESSES[7].encode())}, None)
    assert found(origin, ADDRESSES) == {ADDRESSES[7]}
