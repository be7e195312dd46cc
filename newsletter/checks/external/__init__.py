"""Checks that connect to servers or run a program; they run only on request."""
