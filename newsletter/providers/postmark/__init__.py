"""The provider Postmark."""
