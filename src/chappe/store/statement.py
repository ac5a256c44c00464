"""SQL written once for every engine, with named parameters."""

import re
from typing import Final

# `:name`, but not the second colon of a cast. No statement of ours has a colon in a literal.
_PARAMETER: Final = re.compile(r"(?<![:\w]):([a-z_][a-z_0-9]*)")


class Statement:
    """One SQL statement with `:name` parameters.

    Shape: `order` are the parameter names in the order in which the engine's statement takes them; a bulk call
           gives its rows in this order.
    """

    __slots__ = ("order", "sql")

    def __init__(self, sql: str) -> None:
        # Not SQLAlchemy's `text`: loading that library would be a third of every process's start.
        self.order: Final = tuple(_PARAMETER.findall(sql))
        self.sql: Final = _PARAMETER.sub("?", sql)

    def values(self, named: dict[str, object]) -> tuple[object, ...]:
        return tuple([named[name] for name in self.order])
