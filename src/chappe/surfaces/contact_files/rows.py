"""The rows of a file."""

from typing import TypeAlias

Row: TypeAlias = tuple[int, list[str]]
"""The line on which a row ends, counted from 1, and its cells as texts. A blank row has no cell, or empty ones."""

BATCH: int = 5_000
"""Rows that are handed on at once: what is done once for all of them costs nothing."""
