"""Alembic's environment: always the caller's connection, inside the caller's transaction."""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo

import ticketd.store.cases  # noqa: F401  (its tables join the metadata)
from ticketd.store import hooks
from ticketd.store.migrations.run import include_name
from ticketd.store.tables import Row


def _applied(ctx: MigrationContext, step: MigrationInfo, heads: Any, run_args: Any) -> None:
    hooks.at(f"migrated:{step.up_revision_id}")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    include_name=include_name,
    compare_type=True,
    render_as_batch=True,
    transactional_ddl=True,
    on_version_apply=_applied,
)
context.run_migrations()
