"""Subscribers: who they are, their addresses, and lists of them."""
