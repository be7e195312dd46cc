"""Tests of the example newsletters and our own issues: no finding, and a mail that Gmail does not clip."""

from pathlib import Path

import pytest

from newsletter.checks import runner
from newsletter.config import loader
from newsletter.issue import files
from newsletter.services.prepare import proof
from tests import newsletters
from tests.render import material

# A digest of five stories has at most 60 KB (the own issue of 2026-04-27: 57 KB).
MAX_BYTES = 60_000
OURS = sorted((material.REPOSITORY / "issues").glob("*.yml"))


@pytest.mark.parametrize("name", newsletters.NAMES)
def test_a_newsletter_has_no_finding(name: str) -> None:
    assert [str(problem) for problem in runner.run(newsletters.proof_of(name))] == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_our_own_issue_has_no_finding_and_is_light(path: Path) -> None:
    read = proof(loader.load(material.REPOSITORY, {}), files.load(path))
    assert [str(problem) for problem in runner.run(read)] == []
    assert len(read.rendered.html.encode()) < MAX_BYTES


@pytest.mark.parametrize("name", newsletters.NAMES)
def test_a_newsletter_is_light(name: str) -> None:
    assert len(newsletters.proof_of(name).rendered.html.encode()) < MAX_BYTES


def test_there_is_one_of_each_kind() -> None:
    proofs = [newsletters.proof_of(name) for name in newsletters.NAMES]
    assert {proof.newsletter.config.theme for proof in proofs} == {"digest", "letter", "gazette"}
    assert {"en", "de", "he", "ja", "zh"} <= {proof.newsletter.config.language for proof in proofs}
    assert any(proof.issue.path.endswith(".md") for proof in proofs)
