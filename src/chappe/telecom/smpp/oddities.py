"""Names of the ways in which peers bend the rules; counted per carrier, shown to operators.

None of these ever costs the link: only lost framing does.
"""

from typing import Final

BODY_ENDS_EARLY: Final = "body ends early"
NO_FINAL_NUL: Final = "string without its final NUL"
FIELD_TOO_LONG: Final = "field longer than the standard allows"
TEXT_CUT: Final = "sm_length points past the end of the PDU"
TRAILING_BYTES: Final = "bytes after the last field that are no TLV"
NO_MESSAGE_ID: Final = "accepted without a message id"
UNKNOWN_COMMAND: Final = "unknown command"
NOT_LEGAL: Final = "request that does not fit the state of the link"
UNKNOWN_ANSWER: Final = "answer to nothing that was asked"
OTHER_ANSWER: Final = "answer of another kind than the request"
NACK_WITHOUT_REASON: Final = "generic_nack without a reason"
TEXT_TWICE: Final = "text in both short_message and message_payload"
TLV_TWICE: Final = "TLV that may come once came again"
ODD_NUMBER: Final = "sequence_number 0 or above 0x7FFFFFFF"
STATUS_IN_REQUEST: Final = "request with a command_status"
ODD_DESTINATION: Final = "destination that is neither an address nor a list"
ODD_CONGESTION: Final = "congestion_state that is no percentage"
BINARY_TEXT: Final = "binary text"

ALL: Final = (
    BODY_ENDS_EARLY,
    NO_FINAL_NUL,
    FIELD_TOO_LONG,
    TEXT_CUT,
    TRAILING_BYTES,
    NO_MESSAGE_ID,
    UNKNOWN_COMMAND,
    NOT_LEGAL,
    UNKNOWN_ANSWER,
    OTHER_ANSWER,
    NACK_WITHOUT_REASON,
    TEXT_TWICE,
    TLV_TWICE,
    ODD_NUMBER,
    STATUS_IN_REQUEST,
    ODD_DESTINATION,
    ODD_CONGESTION,
    BINARY_TEXT,
)
