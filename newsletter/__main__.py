"""`python -m newsletter` is `news`."""

from newsletter.cli import main

main()
