"""The settings of SMPP carriers: all that one may ask for beyond host, name and password.

Source: SMPP 3.4 and 5.0 for the fields; usual values of SMPP practice, see docs/carriers.md.
"""

from typing import Annotated, Final, Literal

import msgspec

from chappe.carriers.options import CarrierOptions, says

BindMode = Literal["transceiver", "pair", "transmitter", "receiver"]
Version = Literal["3.3", "3.4", "5.0"]
Form = Literal["digits", "plus", "00", "national"]
CarrierAlphabet = Literal["gsm7", "gsm7_packed", "latin1", "ascii"]
LongMessages = Literal["udh", "sar", "payload", "whole"]
Certificates = Literal["full", "chain", "none"]
FieldType = Literal["int8", "int16", "int32", "string", "cstring", "hex"]

VERSIONS: Final[dict[Version, int]] = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}


class OwnField(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A TLV that the carrier wants in submits.

    Shape: `value` may have {message_id}, {campaign} and {part}; `kind` limits it to alerts or marketing.
    """

    tag: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
    type: FieldType
    value: str
    kind: Literal["", "alert", "marketing"] = ""


# What the annotations below repeat.
_TON: Final = "type of number of "
_NPI: Final = "numbering plan of "


class SmppOptions(CarrierOptions, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What an SMPP carrier may ask for.

    Shape: the `*_ton` and `*_npi` are SMPP's type of number and numbering plan for each kind of address.
    Units: seconds.
    """

    # -- how it is bound
    bind_mode: Annotated[
        BindMode, says("connection", "transceivers, or a transmitter and a receiver for each bind", is_live=False)
    ] = "transceiver"
    receivers: Annotated[
        int, says("connection", "receivers of pairs; 0 for as many as transmitters", is_live=False, ge=0, le=32)
    ] = 0
    interface_version: Annotated[Version, says("connection", "version of SMPP in the bind", is_live=False)] = "3.4"
    system_type: Annotated[str, says("connection", "the bind's system_type", is_live=False, max_length=12)] = ""
    addr_ton: Annotated[int, says("connection", _TON + "the bind's address range", is_live=False, ge=0, le=255)] = 0
    addr_npi: Annotated[int, says("connection", _NPI + "the bind's address range", is_live=False, ge=0, le=255)] = 0
    address_range: Annotated[str, says("connection", "the bind's address_range", is_live=False, max_length=40)] = ""
    optional_fields: Annotated[
        Literal["auto", "always", "never"],
        says("connection", "whether submits may have TLVs; auto: unless the centre speaks 3.3", is_live=False),
    ] = "auto"
    response_s: Annotated[
        float, says("connection", "how long a submit waits for its answer", is_live=False, ge=1, le=600)
    ] = 10.0
    bind_s: Annotated[
        float, says("connection", "how long a connection, and a bind, may take", is_live=False, ge=1, le=120)
    ] = 10.0
    enquire_link_s: Annotated[
        float, says("connection", "silence after which enquire_link is sent; 0: never", is_live=False, ge=0, le=3600)
    ] = 30.0
    enquire_response_s: Annotated[
        float, says("connection", "how long enquire_link waits for its answer", is_live=False, ge=1, le=600)
    ] = 10.0
    inactivity_s: Annotated[
        float, says("connection", "silence of both sides that ends the link; 0: never", is_live=False, ge=0, le=86_400)
    ] = 0.0
    bind_gap_s: Annotated[
        float,
        says("connection", "shortest time between two binds of the same account", is_live=False, ge=0.01, le=600),
    ] = 1.0
    reconnect_s: Annotated[
        float, says("connection", "shortest wait before a lost link is made anew", is_live=False, ge=0, le=3600)
    ] = 0.0

    # -- how it is encrypted
    tls_verify: Annotated[
        Certificates,
        says("security", "what is verified: certificate and name, the certificate alone, or nothing", is_live=False),
    ] = "full"
    tls_ca_file: Annotated[
        str, says("security", "certificates to trust instead of the system's", is_live=False, is_file=True)
    ] = ""
    tls_certificate_file: Annotated[
        str, says("security", "our own certificate, with its chain", is_live=False, is_file=True)
    ] = ""
    tls_key_file: Annotated[
        str, says("security", "its key, unless it is in the same file", is_live=False, is_file=True)
    ] = ""
    tls_server_name: Annotated[
        str, says("security", "name in the carrier's certificate, if it is not the host", is_live=False, max_length=255)
    ] = ""
    tls_min_version: Annotated[Literal["1.2", "1.3"], says("security", "oldest TLS to accept", is_live=False)] = "1.2"

    # -- addresses
    alphanumeric_ton: Annotated[int, says("addresses", _TON + "a name as sender", ge=0, le=255)] = 5
    alphanumeric_npi: Annotated[int, says("addresses", _NPI + "a name as sender", ge=0, le=255)] = 0
    short_ton: Annotated[int, says("addresses", _TON + "a sender of 3 to 6 digits", ge=0, le=255)] = 3
    short_npi: Annotated[int, says("addresses", _NPI + "a sender of 3 to 6 digits", ge=0, le=255)] = 0
    international_ton: Annotated[int, says("addresses", _TON + "a longer number as sender", ge=0, le=255)] = 1
    international_npi: Annotated[int, says("addresses", _NPI + "a longer number as sender", ge=0, le=255)] = 1
    no_sender_ton: Annotated[int, says("addresses", _TON + "the empty sender", ge=0, le=255)] = 0
    no_sender_npi: Annotated[int, says("addresses", _NPI + "the empty sender", ge=0, le=255)] = 0
    dest_ton: Annotated[int, says("addresses", _TON + "the recipient", ge=0, le=255)] = 1
    dest_npi: Annotated[int, says("addresses", _NPI + "the recipient", ge=0, le=255)] = 1
    national_ton: Annotated[int, says("addresses", _TON + "numbers in national form", ge=0, le=255)] = 2
    national_npi: Annotated[int, says("addresses", _NPI + "numbers in national form", ge=0, le=255)] = 1
    sender_form: Annotated[Form, says("addresses", "how longer numbers are written as sender")] = "digits"
    dest_form: Annotated[Form, says("addresses", "how recipients are written")] = "digits"
    national_code: Annotated[
        str, says("addresses", "calling code of the numbers that are written in national form", pattern="^[0-9]{0,4}$")
    ] = ""
    national_prefix: Annotated[
        str, says("addresses", "digits in front of a number in national form", pattern="^[0-9]{0,4}$")
    ] = ""

    # -- text
    alphabet: Annotated[
        CarrierAlphabet, says("text", "the centre's default alphabet: GSM-7 an octet each or packed, Latin-1, ASCII")
    ] = "gsm7"
    text_coding: Annotated[int, says("text", "data_coding of texts in that alphabet", ge=0, le=255)] = 0
    ucs2_coding: Annotated[int, says("text", "data_coding of texts in UTF-16", ge=0, le=255)] = 8
    missing_letters: Annotated[
        Literal["ucs2", "replace"], says("text", "a text with letters that the alphabet lacks: in UTF-16, or replaced")
    ] = "ucs2"
    long_messages: Annotated[
        LongMessages,
        says(
            "text",
            "long texts: parts with a header, parts with sar_* TLVs, one submit with message_payload, or one submit"
            " (message_payload above 254 octets)",
        ),
    ] = "udh"
    reference_bits: Annotated[Literal[8, 16], says("text", "width of the reference that joins parts")] = 8

    # -- the other fields of a submit
    registered_delivery: Annotated[
        int,
        says(
            "submits",
            "1 asks for receipts of success and failure, 2 of failure, 0 for none; with 2 and 0 also what arrived ends"
            " as EXPIRED, which customers read as a failure, since nobody tells of it",
            ge=0,
            le=31,
        ),
    ] = 1
    service_type: Annotated[str, says("submits", "the submit's service_type", max_length=5)] = ""
    protocol_id: Annotated[int, says("submits", "the submit's protocol_id", ge=0, le=255)] = 0
    priority: Annotated[int, says("submits", "the submit's priority_flag", ge=0, le=255)] = 0
    alert_priority: Annotated[int, says("submits", "the same for alerts; -1: as for the others", ge=-1, le=255)] = -1
    esm_mode: Annotated[
        int, says("submits", "messaging mode in esm_class: 0 default, 1 datagram, 3 store and forward", ge=0, le=3)
    ] = 0
    replace_if_present: Annotated[int, says("submits", "the submit's replace_if_present_flag", ge=0, le=1)] = 0
    validity: Annotated[
        Literal["relative", "absolute", "none"], says("submits", "how the validity_period is written, if at all")
    ] = "relative"
    max_validity_s: Annotated[
        int, says("submits", "longest validity that the carrier takes", ge=60, le=63 * 86_400)
    ] = 72 * 3600
    fields: Annotated[tuple[OwnField, ...], says("submits", "TLVs of the carrier's own")] = ()

    # -- receipts
    receipt_id: Annotated[
        Literal["tlv", "text"], says("receipts", "which id counts when TLV and text name different ones")
    ] = "tlv"
    trusts_text: Annotated[
        bool, says("receipts", "take texts that look like a receipt for one even without esm_class 4")
    ] = False
    receipt_zone: Annotated[
        str, says("receipts", "time zone of the dates in receipts, like Europe/Paris or UTC; empty: unknown")
    ] = ""
    receipt_states: Annotated[
        dict[str, str], says("receipts", "the carrier's own words of state, as words of the standard: DELIVRD, ...")
    ] = msgspec.field(default_factory=dict)

    # -- refusals
    statuses: Annotated[
        dict[str, str],
        says(
            "answers",
            "what statuses mean: permanent, temporary, throttle, queue_full or protocol, then perhaps what the customer"
            " reads, like permanent INVALID_SENDER",
        ),
    ] = msgspec.field(default_factory=dict)
    status_names: Annotated[dict[str, str], says("answers", "what statuses of the carrier's own are called")] = (
        msgspec.field(default_factory=dict)
    )

    @property
    def is_told(self) -> bool:
        return self.registered_delivery & 3 == 1

    @property
    def can_query(self) -> bool:
        return True
