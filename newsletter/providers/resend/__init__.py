"""The provider Resend."""
