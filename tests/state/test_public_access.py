"""Find out whether everybody can read a remote, with a folder in the place of its server."""

from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.state.git_remote import GitRemote, open_remote
from newsletter.state.public_access import is_public
from tests import repositories

NAME = "git.example.com/me/letter"


@pytest.fixture
def remote(tmp_path: Path) -> GitRemote:
    """A remote whose address over https leads to a folder, by the configuration of its repository."""
    folder = repositories.repository(tmp_path / "letter")
    repositories.git(tmp_path, "clone", "-q", "--bare", "letter", "origin.git")
    repositories.git(folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    repositories.git(folder, "config", f"url.file://{tmp_path}/origin.git.insteadOf", f"https://{NAME}")
    return replace(open_remote(folder), name=NAME, environment={"PATH": "/usr/bin:/bin"})


def test_a_repository_that_everybody_can_read(remote: GitRemote) -> None:
    assert is_public(remote)


def test_a_repository_that_cannot_be_read_without_credentials(remote: GitRemote, tmp_path: Path) -> None:
    (tmp_path / "origin.git").rename(tmp_path / "moved.git")
    assert not is_public(remote)


def test_a_repository_in_a_folder(remote: GitRemote, tmp_path: Path) -> None:
    assert not is_public(replace(remote, name=str(tmp_path / "origin.git")))


def test_no_credentials_are_used(remote: GitRemote, tmp_path: Path) -> None:
    """A helper for credentials, or a header in the environment, would make each private repository public."""
    program = tmp_path / "git"
    program.write_text(f'#!/bin/sh\nenv > "{tmp_path}/seen"\necho "$@" >> "{tmp_path}/seen"\n')
    program.chmod(0o700)
    secrets = {"GIT_CONFIG_VALUE_0": "secret", "GIT_ASKPASS": "secret", "SSH_ASKPASS": "secret"}
    is_public(
        replace(remote, git=str(program), environment={**remote.environment, **secrets, "HOME": "/home"})
    )
    seen = (tmp_path / "seen").read_text()
    assert "secret" not in seen and "HOME=/home\n" not in seen
    assert "credential.helper= " in seen and "http.https://git.example.com/.extraheader= " in seen
