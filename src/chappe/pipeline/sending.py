"""A message in the hands of a carrier, and what became of it."""

from typing import Literal

from chappe.domain.outcomes import NO_REF, Outcome
from chappe.domain.retry import Refused
from chappe.store.queue import Claimed


class Sending:
    """A message in the hands of the carrier. Shape: a token of the carrier is (sending, part)."""

    __slots__ = (
        "attempts",
        "expires_at",
        "is_told",
        "left",
        "lost",
        "message_id",
        "note",
        "refs",
        "refused",
    )

    def __init__(self, claimed: Claimed, refs: list[str], left: int, note: str = "") -> None:
        self.message_id = claimed.message_id
        self.attempts = claimed.attempts
        self.expires_at = claimed.expires_at
        self.refs = refs
        self.left = left
        self.note = note
        self.refused: Refused | None = None
        self.lost = 0  # bit n: part n was written and not answered so far
        self.is_told = False

    def outcome(self) -> Outcome:
        """What became of it. A lost part outweighs a refused one: the refusal alone would send the lost part again."""
        result: Refused | Literal["accepted", "unknown", "unsent"]
        if NO_REF not in self.refs:
            result = "accepted"
        elif self.lost:
            result = "unknown"
        elif self.refused is not None:
            result = self.refused
        else:
            result = "unsent"
        return Outcome(self.message_id, list(self.refs), result, self.attempts, self.expires_at, self.note)


Token = tuple[Sending, int]
