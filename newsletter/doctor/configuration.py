"""Examine newsletter.yml."""

from collections.abc import Iterator

from newsletter.config.loader import FILE
from newsletter.doctor.setup import Setup
from newsletter.findings import Finding


def configuration(setup: Setup) -> Iterator[Finding]:
    """Yield every problem of newsletter.yml, or one finding with the newsletter's name and its provider."""
    for problem in setup.config_problems:
        yield Finding.of(problem, FILE)
    if setup.config:
        yield Finding(FILE, "ok", f"can be read; {setup.config.name} is sent through {setup.config.provider}")
