"""Alembic's entry: it writes the SQL, `chappe.store.migrations.migrate` runs it.

Alembic never opens the file itself: it would load the interpreter's own SQLite beside apsw's, and two SQLite
libraries on one file in one process lose each other's locks.
"""

from alembic import context

from chappe.store.schema import metadata

context.configure(
    dialect_name=context.config.attributes["dialect"],
    output_buffer=context.config.attributes["script"],
    target_metadata=metadata,
    transactional_ddl=False,
    as_sql=True,
)
context.run_migrations()
