"""Every answer that a customer can get, in one table: refusals to command_status, ends of messages to receipts.

Source: SMPP 3.4, 5.1.3 (command_status), 5.2.28 (message_state), appendix B (words of receipts); SMPP 5.0, 4.7.6.
"""

from collections.abc import Mapping
from typing import Final

from chappe.domain.bound_deliveries import WORDS, ReceiptWord
from chappe.domain.bound_submits import Reason
from chappe.domain.errors import BadData, BadDate, InsufficientCredits, NotFound, Refusal
from chappe.domain.lifecycle import State

OK: Final = 0x00
# Protocol.
INVALID_LENGTH: Final = 0x01  # ESME_RINVMSGLEN
INVALID_COMMAND: Final = 0x03  # ESME_RINVCMDID
SYSTEM_ERROR: Final = 0x08  # ESME_RSYSERR: ours; the same submit may work later
INVALID_MESSAGE_ID: Final = 0x0C  # ESME_RINVMSGID
CANCEL_FAILED: Final = 0x11  # ESME_RCANCELFAIL
REPLACE_FAILED: Final = 0x13  # ESME_RREPLACEFAIL
QUEUE_FULL: Final = 0x14  # ESME_RMSGQFUL
INVALID_DESTINATION: Final = 0x0B  # ESME_RINVDSTADR
NO_DESTINATIONS: Final = 0x33  # ESME_RINVNUMDESTS
NO_LIST: Final = 0x34  # ESME_RINVDLNAME
INVALID_ESM_CLASS: Final = 0x43  # ESME_RINVESMCLASS
INVALID_DESTINATION_TON: Final = 0x50  # ESME_RINVDSTTON
THROTTLED: Final = 0x58  # ESME_RTHROTTLED
INVALID_SCHEDULE: Final = 0x61  # ESME_RINVSCHED
INVALID_VALIDITY: Final = 0x62  # ESME_RINVEXPIRY
NO_DEFAULT_MESSAGE: Final = 0x63  # ESME_RINVDFTMSGID
MISSING_TLV: Final = 0xC3  # ESME_RMISSINGTLV
INVALID_TLV: Final = 0xC4  # ESME_RINVTLVVAL
INVALID_DATA_CODING: Final = 0x104  # ESME_RINVDCS, of 5.0: older versions have no word for it
# Ours, of the range that the standard leaves to each centre: for good, and about what it has no words for.
OPTED_OUT: Final = 0x410
NOT_ALLOWED: Final = 0x411
LIMIT_REACHED: Final = 0x412
NOT_COVERED: Final = 0x413
REFUSED: Final = 0x414

# Binds.
ALREADY_BOUND: Final = 0x05  # ESME_RALYBND
BIND_FAILED: Final = 0x0D  # ESME_RBINDFAIL
INVALID_PASSWORD: Final = 0x0E  # ESME_RINVPASWD
INVALID_SYSTEM_ID: Final = 0x0F  # ESME_RINVSYSID

# What customers answer to a delivery that they will never take: ESME_RX_P_APPN and ESME_RX_R_APPN.
NEVER: Final = frozenset({0x65, 0x66})
# What they answer when they are busy: ESME_RMSGQFUL and ESME_RTHROTTLED.
BUSY: Final = frozenset({0x14, 0x58})

BIND_REFUSALS: Final[Mapping[str, int]] = {
    "unknown": INVALID_SYSTEM_ID,
    "password": INVALID_PASSWORD,
    "locked": BIND_FAILED,
    "address": BIND_FAILED,
    "tls": BIND_FAILED,
    "certificate": BIND_FAILED,
    "binds": ALREADY_BOUND,
    "busy": SYSTEM_ERROR,
}
REASONS: Final[Mapping[Reason, int]] = {
    "invalid": INVALID_DESTINATION,
    "npai": INVALID_DESTINATION,
    "duplicated": INVALID_DESTINATION,
    "blacklisted": OPTED_OUT,
    "not_allowed": NOT_ALLOWED,
    "country_limit": LIMIT_REACHED,
    "flood": LIMIT_REACHED,
    "unreadable": INVALID_DATA_CODING,
    "too_many_parts": QUEUE_FULL,
    "nothing_to_replace": REPLACE_FAILED,
}
STATES: Final[Mapping[ReceiptWord, int]] = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "UNKNOWN": 7,
    "REJECTD": 8,
}
SCHEDULED: Final = 0  # message_state of 5.0; in older versions what waits is on its way
_VERSION_5: Final = 0x50


def status_of(refused: Refusal | Reason) -> int:
    """The command_status of something that is not taken."""
    if isinstance(refused, str):
        return REASONS[refused]
    match refused:
        case InsufficientCredits():
            return NOT_COVERED
        case BadDate():
            return INVALID_SCHEDULE
        case NotFound():
            return INVALID_MESSAGE_ID
        case BadData(field="text"):
            return INVALID_LENGTH
        case _:
            return REFUSED


def state_of(state: int, dlr: int, *, is_scheduled: bool, version: int) -> tuple[int, int]:
    """The message_state and the error_code of a message for query_sm."""
    if state in (State.ACCEPTED, State.SENT):
        return (SCHEDULED if is_scheduled and version >= _VERSION_5 else STATES["ENROUTE"]), 0
    word = WORDS[dlr]
    return STATES[word], error_of(dlr, word)


def error_of(dlr: int, word: ReceiptWord) -> int:
    """The `err` of a receipt: the delivery status that webhooks have, 0 for a success."""
    return 0 if word in ("DELIVRD", "ENROUTE", "DELETED") else dlr
