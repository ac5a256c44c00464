"""Command numbers of SMPP, their names, and what may be received in which state of a link.

Source: SMPP 3.4, 5.1.2.1 (command ids) and 2.3 (which PDU in which state); SMPP 5.0, chapter 2 and 4.7.
"""

import enum
from collections.abc import Mapping
from typing import Final

GENERIC_NACK: Final = 0x80000000
BIND_RECEIVER: Final = 0x01
BIND_TRANSMITTER: Final = 0x02
QUERY_SM: Final = 0x03
SUBMIT_SM: Final = 0x04
DELIVER_SM: Final = 0x05
UNBIND: Final = 0x06
REPLACE_SM: Final = 0x07
CANCEL_SM: Final = 0x08
BIND_TRANSCEIVER: Final = 0x09
OUTBIND: Final = 0x0B
ENQUIRE_LINK: Final = 0x15
SUBMIT_MULTI: Final = 0x21
ALERT_NOTIFICATION: Final = 0x102
DATA_SM: Final = 0x103
BROADCAST_SM: Final = 0x111
QUERY_BROADCAST_SM: Final = 0x112
CANCEL_BROADCAST_SM: Final = 0x113

RESPONSE: Final = 0x80000000
"""The bit that makes an answer of a request; generic_nack is this bit alone."""

NAMES: Final[Mapping[int, str]] = {
    GENERIC_NACK: "generic_nack",
    BIND_RECEIVER: "bind_receiver",
    BIND_TRANSMITTER: "bind_transmitter",
    QUERY_SM: "query_sm",
    SUBMIT_SM: "submit_sm",
    DELIVER_SM: "deliver_sm",
    UNBIND: "unbind",
    REPLACE_SM: "replace_sm",
    CANCEL_SM: "cancel_sm",
    BIND_TRANSCEIVER: "bind_transceiver",
    OUTBIND: "outbind",
    ENQUIRE_LINK: "enquire_link",
    SUBMIT_MULTI: "submit_multi",
    ALERT_NOTIFICATION: "alert_notification",
    DATA_SM: "data_sm",
    BROADCAST_SM: "broadcast_sm",
    QUERY_BROADCAST_SM: "query_broadcast_sm",
    CANCEL_BROADCAST_SM: "cancel_broadcast_sm",
}
UNANSWERED: Final = frozenset({OUTBIND, ALERT_NOTIFICATION})
"""Requests that have no response PDU."""

BINDS: Final = frozenset({BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER})


def name(command: int) -> str:
    """Name of a command as the standard writes it; numbers nobody knows come back in hex."""
    request = NAMES.get(command)
    if request is not None:
        return request
    request = NAMES.get(command ^ RESPONSE) if command & RESPONSE else None
    return f"{request}_resp" if request else f"0x{command:08x}"


class State(enum.Enum):
    """Where a link stands between the first byte and the last."""

    OPEN = "open"
    BINDING = "binding"
    BOUND_TX = "bound as transmitter"
    BOUND_RX = "bound as receiver"
    BOUND_TRX = "bound as transceiver"
    LEAVING = "asked to unbind"
    UNBINDING = "unbinding"
    UNBOUND = "unbound"
    CLOSED = "closed"


BOUND_STATES: Final[Mapping[int, State]] = {
    BIND_RECEIVER: State.BOUND_RX,
    BIND_TRANSMITTER: State.BOUND_TX,
    BIND_TRANSCEIVER: State.BOUND_TRX,
}

BOUND: Final = frozenset(BOUND_STATES.values())
KEPT_ALIVE: Final = BOUND | {State.LEAVING, State.UNBINDING}

_ALWAYS = frozenset({ENQUIRE_LINK})
_WHEN_BOUND = _ALWAYS | {UNBIND}
_DOWN = frozenset({DELIVER_SM, DATA_SM, ALERT_NOTIFICATION})
_UP = frozenset(
    {SUBMIT_SM, SUBMIT_MULTI, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM}
    | {BROADCAST_SM, QUERY_BROADCAST_SM, CANCEL_BROADCAST_SM}
)

CLIENT_MAY_RECEIVE: Final[Mapping[State, frozenset[int]]] = {
    State.OPEN: _ALWAYS | {OUTBIND},
    State.BINDING: _ALWAYS,
    State.BOUND_TX: _WHEN_BOUND,
    State.BOUND_RX: _WHEN_BOUND | _DOWN,
    State.BOUND_TRX: _WHEN_BOUND | _DOWN,
    State.LEAVING: _WHEN_BOUND | _DOWN,
    State.UNBINDING: _WHEN_BOUND | _DOWN,
    State.UNBOUND: _ALWAYS,
    State.CLOSED: frozenset(),
}
"""Requests a client accepts from the centre; anything else is answered ESME_RINVBNDSTS."""

SERVER_MAY_RECEIVE: Final[Mapping[State, frozenset[int]]] = {
    State.OPEN: _ALWAYS | BINDS,
    State.BINDING: _ALWAYS,
    State.BOUND_TX: _WHEN_BOUND | _UP,
    State.BOUND_RX: _WHEN_BOUND,
    State.BOUND_TRX: _WHEN_BOUND | _UP,
    State.LEAVING: _WHEN_BOUND,
    State.UNBINDING: _WHEN_BOUND,
    State.UNBOUND: _ALWAYS,
    State.CLOSED: frozenset(),
}
"""Requests a centre accepts from a customer; anything else is answered ESME_RINVBNDSTS."""
