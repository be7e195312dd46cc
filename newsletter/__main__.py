"""`python -m newsletter` is `news`."""

from newsletter.cli.main import run

run()
