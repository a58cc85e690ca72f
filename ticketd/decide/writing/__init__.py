"""The mails that we send, and what must never stand in one."""
