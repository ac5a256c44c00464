"""The bodies of SMPP PDUs as plain tuples: one class per layout, text fields as str, payloads as bytes.

`tlvs` is always the undecoded optional part; `tlv.find`, `tlv.parse` and `tlv.encode` read and write it.
Source: SMPP 3.4 issue 1.2, chapter 4; SMPP 5.0, chapter 4.
"""

from typing import NamedTuple, TypeAlias


class ShortMessage(NamedTuple):
    """A text on its way: the body of submit_sm (to the centre) and of deliver_sm (from it).

    Units: `short_message` at most 254 octets; longer texts go to the message_payload TLV.
           `validity_period` and `schedule_delivery_time` are "" or 16 characters (see `times`).
    Source: SMPP 3.4, 4.4.1 and 4.6.1.
    """

    source_ton: int
    source_npi: int
    source: str
    dest_ton: int
    dest_npi: int
    destination: str
    esm_class: int
    data_coding: int
    short_message: bytes
    registered_delivery: int = 0
    validity_period: str = ""
    priority: int = 0
    protocol_id: int = 0
    service_type: str = ""
    tlvs: bytes = b""
    schedule_delivery_time: str = ""
    replace_if_present: int = 0
    default_message: int = 0


SubmitSm = ShortMessage
DeliverSm = ShortMessage


class Bind(NamedTuple):
    """A request to open a session; `command` says which: receiver 1, transmitter 2, transceiver 9."""

    command: int
    system_id: str
    password: str
    system_type: str = ""
    interface_version: int = 0x34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""
    tlvs: bytes = b""


class BindAnswer(NamedTuple):
    """The answer to a bind; the version of the centre comes as TLV sc_interface_version."""

    system_id: str = ""
    tlvs: bytes = b""


class MessageAnswer(NamedTuple):
    """The answer to submit_sm, data_sm, deliver_sm or broadcast_sm."""

    message_id: str = ""
    tlvs: bytes = b""


class DataSm(NamedTuple):
    """A text as data_sm: no short_message, the text is the message_payload TLV."""

    source_ton: int
    source_npi: int
    source: str
    dest_ton: int
    dest_npi: int
    destination: str
    esm_class: int
    data_coding: int
    registered_delivery: int = 0
    service_type: str = ""
    tlvs: bytes = b""


class Destination(NamedTuple):
    """One address of a submit_multi; TON and NPI are None for the name of a distribution list."""

    address: str
    ton: int | None
    npi: int | None


class SubmitMulti(NamedTuple):
    """One text to up to 254 destinations."""

    source_ton: int
    source_npi: int
    source: str
    destinations: tuple[Destination, ...]
    esm_class: int
    data_coding: int
    short_message: bytes
    registered_delivery: int = 0
    validity_period: str = ""
    priority: int = 0
    protocol_id: int = 0
    service_type: str = ""
    tlvs: bytes = b""
    schedule_delivery_time: str = ""
    replace_if_present: int = 0
    default_message: int = 0


class FailedDestination(NamedTuple):
    """A destination of a submit_multi that the centre did not take, and why."""

    ton: int
    npi: int
    address: str
    status: int


class SubmitMultiAnswer(NamedTuple):
    """The answer to submit_multi: one message id for all, and the destinations that failed."""

    message_id: str = ""
    failures: tuple[FailedDestination, ...] = ()
    tlvs: bytes = b""


class Query(NamedTuple):
    """A question about one message (query_sm, query_broadcast_sm)."""

    message_id: str
    source_ton: int
    source_npi: int
    source: str
    tlvs: bytes = b""


class QueryAnswer(NamedTuple):
    """What the centre knows about a message; `message_state` is the number used in receipts."""

    message_id: str = ""
    final_date: str = ""
    message_state: int = 0
    error_code: int = 0
    tlvs: bytes = b""


class Cancel(NamedTuple):
    """Take back one message, or with an empty id all between two addresses."""

    message_id: str
    source_ton: int
    source_npi: int
    source: str
    dest_ton: int = 0
    dest_npi: int = 0
    destination: str = ""
    service_type: str = ""
    tlvs: bytes = b""


class Replace(NamedTuple):
    """Change the text and times of a message that waits in the centre."""

    message_id: str
    source_ton: int
    source_npi: int
    source: str
    short_message: bytes
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    default_message: int = 0
    tlvs: bytes = b""


class OutbindBody(NamedTuple):
    """The centre asks a client to bind, and says who it is."""

    system_id: str
    password: str
    tlvs: bytes = b""


class Alert(NamedTuple):
    """A handset came back into reach (alert_notification)."""

    source_ton: int
    source_npi: int
    source: str
    esme_ton: int
    esme_npi: int
    esme: str
    tlvs: bytes = b""


class Broadcast(NamedTuple):
    """A cell broadcast (5.0); area, content and repetition come as TLVs."""

    source_ton: int
    source_npi: int
    source: str
    message_id: str = ""
    priority: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    replace_if_present: int = 0
    data_coding: int = 0
    default_message: int = 0
    service_type: str = ""
    tlvs: bytes = b""


class CancelBroadcast(NamedTuple):
    """Take back a cell broadcast (5.0)."""

    message_id: str
    source_ton: int
    source_npi: int
    source: str
    service_type: str = ""
    tlvs: bytes = b""


class Empty(NamedTuple):
    """A PDU that carries nothing but, in 5.0 answers, TLVs (enquire_link, unbind, generic_nack...)."""

    tlvs: bytes = b""


class Raw(NamedTuple):
    """The body of a command nobody knows, kept as it came."""

    data: bytes = b""


Body: TypeAlias = (
    ShortMessage
    | Bind
    | BindAnswer
    | MessageAnswer
    | DataSm
    | SubmitMulti
    | SubmitMultiAnswer
    | Query
    | QueryAnswer
    | Cancel
    | Replace
    | OutbindBody
    | Alert
    | Broadcast
    | CancelBroadcast
    | Empty
    | Raw
)
