"""Whether newsletter.yml can be read."""

from collections.abc import Iterator

from newsletter.config.loader import FILE
from newsletter.doctor.setup import Setup
from newsletter.findings import Finding


def configuration(setup: Setup) -> Iterator[Finding]:
    """Every problem of newsletter.yml, or what it says in one line."""
    for problem in setup.config_problems:
        yield Finding.of(problem, FILE)
    if setup.config:
        yield Finding(
            FILE, "ok", f"can be read; {setup.config.name} goes out through {setup.config.provider}"
        )
