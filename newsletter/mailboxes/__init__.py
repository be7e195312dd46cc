"""Mailboxes that receive mail of readers and reports of mail servers: a maildir, or an IMAP folder."""
