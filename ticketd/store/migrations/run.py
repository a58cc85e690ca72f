"""Running alembic inside a transaction that is already open, so that an upgrade is whole or not at all.

The only module that imports alembic at work; it is slow to import.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationInfo
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import ticketd.store.cases  # noqa: F401  (its tables join the metadata)
from ticketd.store import hooks
from ticketd.store.tables import Row


def config() -> Config:
    """Alembic's settings: where our scripts are."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    return settings


@cache
def scripts() -> ScriptDirectory:
    """Our scripts, all of them read: whoever runs them later need not be able to."""
    found = ScriptDirectory.from_config(config())
    found.get_current_head()
    return found


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to ``revision``, on the caller's connection and within its transaction."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20251123)")  # one upgrade at a time
    ours = scripts()

    def steps(current: Any, _context: Any) -> Any:
        return ours._upgrade_revs(revision, current)  # as alembic's documentation has it

    with EnvironmentContext(config(), ours, fn=steps, destination_rev=revision) as environment:
        environment.configure(
            connection=connection,
            target_metadata=Row.metadata,
            include_name=include_name,
            compare_type=True,
            render_as_batch=True,
            transactional_ddl=True,
            on_version_apply=_applied,
        )
        environment.run_migrations()


def _applied(ctx: Any, step: MigrationInfo, heads: Any, run_args: Any) -> None:
    hooks.at(f"migrated:{step.up_revision_id}")


def is_ours(name: str | None, kind: str) -> bool:
    """Whether alembic may compare it: full text stands outside the metadata."""
    return not (kind in {"table", "index"} and str(name).startswith(("search_", "ix_search_")))


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """Alembic's hook for reflected names."""
    return is_ours(name, kind)
