"""Local files that are not committed: the newsletter's private folder and its secret key."""
