"""Run the command `news` for `python -m newsletter`."""

from newsletter.cli.main import run

run()
