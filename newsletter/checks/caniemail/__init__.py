"""caniemail.com's data about the features that mail programs support, and the features that a mail uses."""
