"""Mailboxes that receive the reports of mail servers: a maildir, or a folder of an IMAP server."""
