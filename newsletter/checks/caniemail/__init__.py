"""What mail programs support, and how a mail's use of it is recognised."""
