"""How a carrier writes message ids: in decimal or hex, and not always the same way twice."""

from typing import Final, Literal

IdFormat = Literal["decimal", "hex", "hex_then_decimal", "decimal_then_hex"]
ID_FORMATS: Final = ("decimal", "hex", "hex_then_decimal", "decimal_then_hex")
ANSWERS_HEX: Final = frozenset({"hex", "hex_then_decimal"})
REPORTS_HEX: Final = frozenset({"hex", "decimal_then_hex"})


def written_id(number: int, *, is_hex: bool) -> str:
    """A message id the way this carrier writes it."""
    return f"{number:08x}" if is_hex else f"{number:010}"
