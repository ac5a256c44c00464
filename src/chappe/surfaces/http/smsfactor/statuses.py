"""The one table that says a refusal in the wire's numbers."""

from typing import Final, Literal

from chappe.domain.errors import (
    BadData,
    BadDate,
    BadFormat,
    InsufficientCredits,
    NotAuthenticated,
    NotFound,
    Refusal,
)

Status = Literal[1, -1, -2, -3, -4, -5, -6, -7, -8, -99]

# Source: the contract's request statuses; the wording of the vendor's English page.
MESSAGES: Final[dict[Status, str]] = {
    1: "OK",
    -1: "Authentication error",
    -2: "XML error",
    -3: "Not enough credits",
    -4: "Wrong delay date",
    -5: "Resource not found",
    -6: "JSON error",
    -7: "Data error",
    -8: "Campaign awaiting moderation",
    -99: "Unknown error",
}

_OF: Final[dict[type[Refusal], Status]] = {
    NotAuthenticated: -1,
    InsufficientCredits: -3,
    BadDate: -4,
    NotFound: -5,
    BadData: -7,
}


def status_of(refusal: Refusal) -> Status:
    """The wire status of a refusal."""
    if isinstance(refusal, BadFormat):
        return -2 if refusal.syntax == "xml" else -6
    return _OF[type(refusal)]
