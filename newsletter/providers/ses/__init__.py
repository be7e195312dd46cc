"""The provider Amazon SES."""
