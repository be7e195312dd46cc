"""Examine everything that a send depends on: one module for each thing examined."""
