"""Persistence: the schema, its migrations, the engine's driver and one module of statements per aggregate.

Here: SQL, and the mapping of rows to values.
Never here: a decision (what to write is decided in `domain`), or a surface's wire format.
"""
