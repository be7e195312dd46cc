"""Remotes of a state that a stranger's newsletter.yml names: no program runs, and no folder is used."""

from pathlib import Path

import pytest

from newsletter.errors import StateError
from newsletter.state.git_remote import last_line, open_remote
from newsletter.state.remote_url import refuse_unsafe_remote
from tests import repositories

SAFE = [
    "https://github.com/me/state.git",
    "https://git.example.com:8443/me/state",
    "ssh://git@example.com:22/me/state.git",
    "ssh://example.com/~me/state",
    "git@github.com:me/state.git",
    "example.com:state.git",
    "ssh://git@[2001:db8::1]/state.git",
]
UNSAFE = [
    "ext::sh -c touch% pwned",
    "ext::sh",
    "fd::17/foo",
    "https::example.com/a",
    "/home/me/other",
    "../other.git",
    "other",
    "file:///home/me/other",
    "C:\\other",
    "c:other",
    "http://example.com/me/state.git",
    "git://example.com/me/state.git",
    "ftp://example.com/me/state.git",
    "git+ssh://example.com/me/state.git",
    "HTTP://example.com/me/state.git",
    "--upload-pack=touch pwned",
    "-oProxyCommand=touch:pwned",
    "ssh://-oProxyCommand=touch/me",
    "ssh://-oProxyCommand=touch@example.com/me",
    "-oProxyCommand=x@example.com:me/state.git",
    "git@-oProxyCommand=touch:me",
    "git@example.com:-x",
    "https://me:secret-word@example.com/me/state.git",
    "https://secret-word@example.com/me/state.git",
    "ssh://me:secret-word@example.com/me/state.git",
    "https://example.com/me/state.git\n--mirror",
    "https://example.com/me/state\x1b[2J",
    "https://example.com/me/st ate",
    "https://example.com/me/\u202egit.etats",
    "https:///me/state.git",
    "https://example.com",
    "https://example.com/",
    "ssh://exa$(touch pwned)mple.com/me",
    "git@example.com:",
    "https://[::1",
    "https://example.com/" + "a" * 1000,
    "",
]


@pytest.mark.parametrize("url", SAFE)
def test_a_safe_remote_is_accepted(url: str) -> None:
    refuse_unsafe_remote(url)


@pytest.mark.parametrize("url", UNSAFE)
def test_every_other_remote_is_refused_and_no_password_is_quoted(url: str) -> None:
    with pytest.raises(StateError) as raised:
        refuse_unsafe_remote(url)
    (problem,) = raised.value.problems
    assert problem.where == "newsletter.yml" and problem.fix
    assert str(raised.value).isprintable() and "secret-word" not in str(raised.value)


def test_a_remote_that_is_refused_is_never_asked(tmp_path: Path) -> None:
    repository = repositories.repository(tmp_path / "letter")
    for url in filter(None, UNSAFE):
        with pytest.raises(StateError):
            open_remote(repository, url)
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize(
    "url", ["ext::sh -c touch% pwned", "git://example.com/me", "http://example.com/me", "ftp://127.0.0.1/me"]
)
def test_an_origin_is_reached_by_safe_transports_only(tmp_path: Path, url: str) -> None:
    repository = repositories.repository(tmp_path / "letter")
    repositories.git(repository, "config", "remote.origin.url", url)
    with pytest.raises(StateError, match="use one of https, ssh, file"):
        open_remote(repository)


def test_a_safe_address_may_not_be_rewritten_to_a_helper(tmp_path: Path) -> None:
    repository = repositories.repository(tmp_path / "letter")
    repositories.git(repository, "config", "url.ext::sh -c touch% pwned %.insteadOf", "https://example.com/")
    with pytest.raises(StateError, match="use one of https, ssh:"):
        open_remote(repository, "https://example.com/me/state.git")
    assert not (repository / "pwned").exists()


@pytest.mark.parametrize(
    ("errors", "line"),
    [
        pytest.param("fatal: a\nremote: b\n", "b", id="last"),
        pytest.param(
            "fatal: unable to access 'https://me:secret-word@example.com/': timed out\n",
            "unable to access 'https://example.com/': timed out",
            id="credentials",
        ),
        pytest.param(
            "remote: declined\x1b[2J by a hook\nTo https://example.com\nerror: failed to push some refs\n",
            "declined\\u001b[2J by a hook",
            id="control-characters",
        ),
        pytest.param(
            "git@example.com: Permission denied (publickey).\n"
            "fatal: Could not read from remote repository.\n\n"
            "Please make sure you have the correct access rights\nand the repository exists.\n",
            "git@example.com: Permission denied (publickey)",
            id="ssh",
        ),
        pytest.param("", "", id="none"),
    ],
)
def test_the_reason_of_a_remote_is_printable_and_has_no_credentials(errors: str, line: str) -> None:
    assert last_line(errors) == line
