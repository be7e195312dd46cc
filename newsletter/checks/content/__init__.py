"""Checks of the text of an issue, as the editor wrote it."""
