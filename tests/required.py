"""What a test needs of the machine: skipped with the reason where it is absent, but never in CI."""

import os

import pytest


def need(reason: str | None) -> None:
    """Skips the test for a reason; in CI, where everything is to be there, fails it."""
    if reason is None:
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"missing in CI: {reason}")
    pytest.skip(reason)
