"""Checks that connect to servers or run a program; all but `private_files` run only on request."""
