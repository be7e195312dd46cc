"""Requirements of tests: a test is skipped if a program is missing, but fails in CI."""

import os

import pytest


def need(reason: str | None) -> None:
    """Skip the test if there is a reason; in CI, which has every requirement, fail it."""
    if reason is None:
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"missing in CI: {reason}")
    pytest.skip(reason)
