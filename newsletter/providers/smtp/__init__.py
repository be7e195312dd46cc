"""The provider SMTP."""
