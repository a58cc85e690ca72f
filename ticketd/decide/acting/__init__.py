"""What follows: replies, notes, commands, new tickets, held and parked mails; all as effects."""
