"""`python -m newsletter` is `news`."""

from newsletter.cli import run

run()
