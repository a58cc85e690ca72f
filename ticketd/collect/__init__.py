"""Stage one: mailboxes and other channels → the ledger. Knows nothing of SMTP."""
