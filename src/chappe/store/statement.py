"""SQL written once for every engine, with named parameters."""

from functools import cache
from typing import Final

from sqlalchemy import text
from sqlalchemy.dialects import sqlite


class Statement:
    """One SQL statement with `:name` parameters.

    Shape: `order` are the parameter names in the order in which the engine's statement takes them; a bulk call
    gives its rows in this order.
    """

    __slots__ = ("order", "sql")

    def __init__(self, sql: str) -> None:
        compiled = text(sql).compile(dialect=_sqlite())
        self.sql: Final = str(compiled)
        self.order: Final = tuple(compiled.positiontup or ())

    def values(self, named: dict[str, object]) -> tuple[object, ...]:
        return tuple([named[name] for name in self.order])


@cache
def _sqlite() -> sqlite.dialect:  # type: ignore[valid-type]
    return sqlite.dialect(paramstyle="qmark")
