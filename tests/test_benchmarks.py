"""Test that a benchmark runs; its figures are not compared with anything here."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import samples

REPOSITORY = Path(__file__).parent.parent


def test_the_state_is_measured() -> None:
    options = ("100:600", "10:0", "--times=1", "--issues=2", "--year-of=20")
    command = [sys.executable, "benchmarks/state.py", *options]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1, ended.stderr
    saves = [line.split()[-1] for line in ended.stdout.splitlines() if line.startswith("  save: ")]
    assert saves == ["met", "MISSED"]
    assert "compaction of 40 recipients" in ended.stdout


def test_a_send_without_a_ledger_reaches_everybody(tmp_path: Path) -> None:
    """Its ledger stands for all methods that a delivery calls."""
    folder = samples.write(tmp_path, name="2026-04-27")
    command = [sys.executable, "benchmarks/ours.py", str(folder), "3"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "NEWS_STATE_DIR": str(tmp_path / "state")}
    ended = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["accepted"] == 3


def test_webhook_events_are_measured() -> None:
    command = [sys.executable, "benchmarks/webhooks.py", "30", "--events=200"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "lost, doubled" in ended.stdout and "0, 0" in ended.stdout


@pytest.mark.every_case
def test_the_public_server_is_measured() -> None:
    options = ("--rate=20", "--events=50", "--people=50", "--seconds=0.5")
    command = [sys.executable, "benchmarks/public.py", *options]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("lost, doubled                                                 0, 0") == 4


@pytest.mark.every_case
def test_the_archive_is_measured() -> None:
    command = [sys.executable, "benchmarks/archive.py", "--issues=21"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"second build .* 0 +[0-9]+ *$", ended.stdout, re.MULTILINE), ended.stdout
