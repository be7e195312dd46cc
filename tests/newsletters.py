"""The example newsletters of `tests/data/newsletters`, one of each kind, with one issue each."""

from functools import cache
from pathlib import Path

from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.issue import files
from newsletter.services.prepare import proof

FOLDER = Path(__file__).parent / "data" / "newsletters"
NAMES = sorted(path.name for path in FOLDER.iterdir())


@cache
def proof_of(name: str) -> Proof:
    """Return the issue of a newsletter, rendered."""
    newsletter = loader.load(FOLDER / name, {}, review=True)
    return proof(newsletter, files.load(files.find(newsletter.issues), newsletter.folder))
