"""Tests of whole outputs, byte for byte, in different environments."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.render import golden, material

HASHES = f"""
import hashlib, pathlib
from dataclasses import replace
from newsletter.config import loader
from newsletter.issue import files
from newsletter.render.pipeline import render
root = pathlib.Path({str(material.REPOSITORY)!r})
site = replace(loader.load(root, {{}}).site, templates=None)
mail = render(files.load(root / "issues" / "2026-04-27.yml"), site)
print(hashlib.sha256((mail.html + mail.text).encode()).hexdigest())
"""


@pytest.mark.parametrize("file", golden.FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_an_issue_becomes_these_bytes(file: Path) -> None:
    same = file.read_bytes() == golden.content(file)
    assert same, "the output has changed; update it with `python -m tests.golden`, then read the diff"


def test_surroundings_change_nothing(tmp_path: Path) -> None:
    plain = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"}
    turkish = {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8"}
    assert hashed(plain, tmp_path) == hashed(turkish, Path("/"))


def hashed(variables: dict[str, str], folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(material.REPOSITORY), **variables}
    command = [sys.executable, "-W", "error", "-c", HASHES]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout
