"""Publish an email newsletter from a Git repository."""

__version__ = "0.1.0"
