"""Examine everything that a send depends on; each module examines one part of it."""
