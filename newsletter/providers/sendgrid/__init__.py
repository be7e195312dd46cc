"""The provider SendGrid."""
