"""Subscribers and the ledger of sends, on SQLite or PostgreSQL."""
