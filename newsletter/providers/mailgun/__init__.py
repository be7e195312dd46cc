"""The provider Mailgun."""
