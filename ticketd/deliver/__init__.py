"""Stage three: the outbox → SMTP submission. Knows nothing of IMAP or of how mails came to be."""
