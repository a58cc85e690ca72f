"""Bytes → Message: any mail, read within limits. Knows nothing of tickets."""
