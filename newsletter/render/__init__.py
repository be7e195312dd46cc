"""Render an issue as mail, without a clock, a database or the network."""
