"""The schema's history: which revisions this program knows, without importing alembic to tell."""

KNOWN = ("0001", "0002", "0003")
"""All revisions, oldest first; a test compares them with the scripts."""

HEAD = KNOWN[-1]
