"""The newsletter's state: its private folder, its keys, and the sealed state on a Git ref."""
