"""Checks of the rendered mail."""
