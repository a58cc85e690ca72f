"""Running alembic inside a transaction that is already open, so that an upgrade is whole or not at all.

The only module that imports alembic at work; it is slow to import.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def config(connection: Connection | None = None) -> Config:
    """Alembic's settings: our scripts, and the connection to use."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to ``revision``, within the connection's transaction."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20251123)")  # one upgrade at a time
    command.upgrade(config(connection), revision)


def is_ours(name: str | None, kind: str) -> bool:
    """Whether alembic may compare it: full text stands outside the metadata."""
    return not (kind in {"table", "index"} and str(name).startswith(("search_", "ix_search_")))


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """Alembic's hook for reflected names."""
    return is_ours(name, kind)
