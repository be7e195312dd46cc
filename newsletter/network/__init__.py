"""Hosts and connections: which addresses are public, and connections to such addresses only."""
