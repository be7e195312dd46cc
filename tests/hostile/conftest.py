"""The mail that tests of hostile templates add to."""

import pytest

from newsletter.checks.proof import Proof
from tests.checks import material


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Proof:
    """Return a mail without findings."""
    return material.opened(tmp_path_factory.mktemp("clean"))
