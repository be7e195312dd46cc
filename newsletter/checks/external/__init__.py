"""Checks that connect to others or run a program: only when asked for."""
