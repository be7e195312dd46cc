"""The deploy key for a state in a repository of its own: the action gives it to git, and only to git."""

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from newsletter.cli.main import main
from newsletter.state.state_key import make_state_key
from tests import repositories, runner, samples
from tests.runner import Runner

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nonly for tests\n-----END OPENSSH PRIVATE KEY-----"
# A program `ssh` that records its arguments, and runs the command of git here.
FAKE_SSH = """\
#!/bin/sh
printf '%s\\n' "$*" >> {folder}/ssh-calls
for command; do :; done
eval "set -- $command"
cd {folder} && exec git "${{1#git-}}" "$2"
"""


@pytest.fixture
def ssh(tmp_path: Path) -> Path:
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(FAKE_SSH.format(folder=tmp_path))
    program.chmod(0o755)
    return program


def test_a_runner_reads_the_state_with_the_deploy_key(ssh: Path, tmp_path: Path) -> None:
    laptop = tmp_path / "first"
    samples.write(laptop, extra="state: {remote: 'git@github.com:me/letters-state.git'}\n")
    repositories.repository(laptop)
    repositories.git(laptop, "config", "core.sshCommand", str(ssh))
    repositories.git(tmp_path, "init", "-q", "--bare", "me/letters-state.git")
    key = make_state_key().text
    variables = {"NEWS_STATE_KEY": key, "NEWS_SECRET_KEY": None, "CI": None, "GITHUB_ACTIONS": None}
    # A fake is no repository that somebody could be asked about.
    created = CliRunner().invoke(main, ["-C", str(laptop), "state", "init", "--public"], env=variables)
    assert created.exit_code == 0, created.output

    repositories.git(tmp_path, "clone", "-q", "--bare", "first", "origin.git")
    values = {"inputs.state-deploy-key": KEY, "inputs.folder": ".", "inputs.state-key": key}
    values["inputs.command"] = "state show"
    machine = Runner(tmp_path / "runner", tmp_path / "origin.git", values)
    (machine.folder / "bin" / "ssh").symlink_to(ssh)
    (tmp_path / "ssh-calls").unlink()
    kept = machine.run(runner.action_step("news", "Keep the deploy key for git"))
    assert kept.exit_code() == 0 and not kept.output
    file = machine.folder / "news-deploy-key"
    assert file.read_text() == f"{KEY}\n" and stat.S_IMODE(file.stat().st_mode) == 0o600
    shown = machine.run(runner.action_step("news", "Run the command"))
    assert shown.exit_code() == 0, shown.output
    assert "THE STATE ON ITS REF" in shown.output
    call = (tmp_path / "ssh-calls").read_text().splitlines()[0]
    hosts = machine.folder / "news-known-hosts"
    assert f"-i {file} -o IdentitiesOnly=yes -o UserKnownHostsFile={hosts} " in f"{call} "
    assert hosts.read_text().startswith("github.com ssh-ed25519 AAAA")
