"""Alembic's entry: runs the chain in the write transaction that `upgrade.py` hands over."""

from __future__ import annotations

from alembic import context

from tenure.adapters.sql.every_table import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    # SQLite does have transactional DDL once the driver leaves BEGIN to us, which engine.py makes it do.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
