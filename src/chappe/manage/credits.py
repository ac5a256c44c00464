"""What an account may spend."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Balance:
    """The credits an account may spend now. Units: whole credits, rounded down."""

    credits: int
    postpaid_limit: int | None
    is_unlimited: bool
