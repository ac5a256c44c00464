"""The closed list of reasons why a request is not carried out.

Refusal                  the caller asked for something we will not do; each surface translates it once
├── NotAuthenticated     who is calling is not known, or may not call
├── BadFormat            the body is not what it claims to be (XML or JSON)
├── InsufficientCredits  the wallet does not cover the cost
├── BadDate              the asked time cannot be used
├── NotFound             no such thing in this account
└── BadData              a field is missing, too long, or cannot be used
Unavailable              the world failed (disk full, database away); the same request may work later
"""

from typing import Literal


class Refusal(Exception):
    """The request is well understood and will not be carried out; `reason` is for the caller to read."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


class NotAuthenticated(Refusal):
    """Nobody we know, or somebody who may not."""


class BadFormat(Refusal):
    """The body cannot be read in the format it is in."""

    def __init__(self, reason: str, *, syntax: Literal["xml", "json"]) -> None:
        super().__init__(reason)
        self.syntax = syntax


class InsufficientCredits(Refusal):
    """The wallet does not cover the cost; nothing was created."""


class BadDate(Refusal):
    """A date that cannot be read, or lies in the past."""


class NotFound(Refusal):
    """The account has no such thing; another account's things are not found either."""


class BadData(Refusal):
    """A field is missing, out of its limits, or contradicts another."""


class Unavailable(Exception):
    """The world failed, not the caller: nothing was written, and the same call may work later."""
