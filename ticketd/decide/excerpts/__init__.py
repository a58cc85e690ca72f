"""What in a text is new, what is quoted, what is commanded. Knows nothing of tickets."""
