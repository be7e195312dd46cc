"""Draw web pages with the installed Chromium."""
