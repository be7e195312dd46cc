"""Subscribers: the model, email addresses, and the CSV import."""
