"""Find the features that a mail uses, and the mail programs that support them by caniemail.com's data."""
