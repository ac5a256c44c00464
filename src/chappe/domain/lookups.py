"""What a look-up tells about a number: its network, whether it was ported, whether its phone can be reached."""

from typing import Final

import msgspec

# Groups of statuses that say that nobody looked. Source: the meaning that providers of HLR look-ups give them.
_NOT_LOOKED: Final = frozenset({"PENDING", "REJECTED"})


class Network(msgspec.Struct, frozen=True, omit_defaults=True):
    """The network a number was first given to. Shape: `prefix` are digits after the country's."""

    name: str = ""
    prefix: str = ""
    country: str = ""
    country_prefix: str = ""


class LookupResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one number.

    Shape: `group` is the short word (DELIVERED, UNDELIVERABLE, REJECTED), `status` the long one; `imsi` is None when
           the phone was not reached; `error_id` is 0 without an error.
    """

    to: str
    group: str
    status: str
    description: str
    mcc_mnc: str = ""
    imsi: str | None = None
    network: Network = Network()
    is_ported: bool = False
    is_roaming: bool = False
    error_id: int = 0
    error: str = "No Error"
    is_permanent: bool = False

    @property
    def is_looked_up(self) -> bool:
        """Whether somebody looked; a phone that is switched off was looked up all the same."""
        return self.group not in _NOT_LOOKED


def malformed(written: str, problem: str) -> LookupResult:
    """The result for what is no mobile number; nobody is asked about it. Shape: `problem` is a word of the reader's."""
    return LookupResult(
        to=written,
        group="REJECTED",
        status="REJECTED_INVALID_DESTINATION",
        description="Not a mobile number",
        error_id=51,
        error=f"Invalid number ({problem.replace('_', ' ')})",
        is_permanent=True,
    )


def unanswered(number: int) -> LookupResult:
    """The result for a number that the carrier told nothing about."""
    return LookupResult(
        to=str(number),
        group="REJECTED",
        status="REJECTED_NO_ANSWER",
        description="The carrier did not answer for this number",
        error_id=500,
        error="No answer",
    )
