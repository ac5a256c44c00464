"""A submit as it came on the wire, read into what the pipeline takes; or the status that says what is wrong with it.

Source: SMPP 3.4, 4.4.1 (submit_sm), 5.2.12 (esm_class), 5.2.16 (times), 5.3.2.22 to 5.3.2.32 (sar and payload).
"""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from chappe.domain.bind_users import BindUser
from chappe.domain.bound_submits import BoundSubmit, Place
from chappe.surfaces.smpp_server import addresses, statuses
from chappe.telecom.data_coding import Coding, coding_of
from chappe.telecom.smpp import times, tlv
from chappe.telecom.smpp.bodies import ShortMessage, SubmitMulti
from chappe.telecom.udh import (
    CONCATENATION_8,
    CONCATENATION_16,
    PORTS_8,
    PORTS_16,
    Element,
    MalformedHeader,
    find_concatenation,
    split_udh,
)

_UDHI: Final = 0x40
_TYPE: Final = 0x3C
# A text, and what its sender says confirms one: it goes to somebody all the same, and a library of Rust writes 0x08
# into every submit.
_TEXTS: Final = frozenset({0x00, 0x08, 0x10})
REGISTERED: Final = 0x1F
_MAX_PARTS: Final = 255
# What one short message holds; a longer text comes whole.
_MAX_PART: Final = 255
_PAST: Final = timedelta(minutes=5)  # clocks differ
_AHEAD: Final = timedelta(days=366)


class Wrong(Exception):
    """A submit cannot be taken. Shape: `status` says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Body(NamedTuple):
    """What a PDU says as its text."""

    coding: Coding
    octets: bytes
    place: Place | None


def read_submit(user: BindUser, body: ShortMessage, now_ms: int) -> BoundSubmit:
    """Read submit_sm or data_sm. Raises: Wrong."""
    if body.dest_ton == addresses.ALPHANUMERIC:
        raise Wrong(statuses.INVALID_DESTINATION_TON)
    number = addresses.number_of(body.dest_ton, body.destination)
    if number is None:
        raise Wrong(statuses.INVALID_DESTINATION)
    destination = addresses.written(body.dest_ton, body.dest_npi, body.destination)
    return _read(user, body, [destination], [number], now_ms)


def read_multi(user: BindUser, body: SubmitMulti, now_ms: int) -> BoundSubmit:
    """Read submit_multi. Raises: Wrong."""
    if not body.destinations:
        raise Wrong(statuses.NO_DESTINATIONS)
    if any(each.ton is None for each in body.destinations):
        raise Wrong(statuses.NO_LIST)
    places = [addresses.written(each.ton or 0, each.npi or 0, each.address) for each in body.destinations]
    numbers = [addresses.number_of(each.ton or 0, each.address) or "" for each in body.destinations]
    submit = _read(user, body, places, numbers, now_ms)
    if submit.place is not None:  # a part has one recipient, or its receipts would be for nothing in particular
        raise Wrong(statuses.INVALID_ESM_CLASS)
    return submit


def _read(
    user: BindUser, body: ShortMessage | SubmitMulti, places: list[str], numbers: list[str], now_ms: int
) -> BoundSubmit:
    if body.default_message:
        raise Wrong(statuses.NO_DEFAULT_MESSAGE)
    said = read_body(user, body)
    send_at, expires_at = read_times(body.schedule_delivery_time, body.validity_period, now_ms)
    reference = tlv.find_int(body.tlvs, tlv.USER_MESSAGE_REFERENCE) if body.tlvs else None
    return BoundSubmit(
        source=addresses.written(body.source_ton, body.source_npi, body.source),
        destinations=places,
        sender=addresses.sender_of(body.source_ton, body.source, user.account.country),
        numbers=numbers,
        coding=said.coding,
        octets=said.octets,
        registered=body.registered_delivery & REGISTERED,
        send_at=send_at,
        expires_at=expires_at,
        place=said.place,
        is_replacing=bool(body.replace_if_present) and len(places) == 1,
        client_ref=None if reference is None else str(reference),
    )


def read_body(user: BindUser, body: ShortMessage | SubmitMulti) -> Body:
    """The octets of a text without their header, and their place in a longer one. Raises: Wrong."""
    if body.esm_class & _TYPE not in _TEXTS:
        raise Wrong(statuses.INVALID_ESM_CLASS)
    octets = body.short_message
    if body.tlvs and (payload := tlv.find(body.tlvs, tlv.MESSAGE_PAYLOAD)):
        if octets:
            raise Wrong(statuses.INVALID_LENGTH)
        octets = payload
    elements: tuple[Element, ...] = ()
    place = None
    if body.esm_class & _UDHI:
        elements, octets = _split(octets)
        place = _place_in_header(elements)
    if place is None and body.tlvs:
        place = _place_in_fields(body.tlvs)
    coding = coding_of(body.data_coding, user.options.alphabet, elements, ia5=user.options.ia5)
    if coding is None:
        raise Wrong(statuses.INVALID_DATA_CODING)
    if place is None or place.total == 1:
        return Body(coding, octets, None)
    if len(octets) > _MAX_PART:
        raise Wrong(statuses.INVALID_LENGTH)
    return Body(coding, octets, place)


def _split(octets: bytes) -> tuple[tuple[Element, ...], bytes]:
    try:
        elements, octets = split_udh(octets)
    except MalformedHeader:
        raise Wrong(statuses.INVALID_ESM_CLASS) from None
    if any(each.identifier in (PORTS_8, PORTS_16) for each in elements):  # for a program on the phone: no text
        raise Wrong(statuses.INVALID_ESM_CLASS)
    return elements, octets


def _place_in_header(elements: tuple[Element, ...]) -> Place | None:
    if not any(each.identifier in (CONCATENATION_8, CONCATENATION_16) for each in elements):
        return None
    found = find_concatenation(elements)
    if found is None:
        raise Wrong(statuses.INVALID_ESM_CLASS)
    return Place(f"udh{found.reference_bits}", found.reference, found.total, found.number)


def _place_in_fields(tlvs: bytes) -> Place | None:
    fields = (tlv.SAR_MSG_REF_NUM, tlv.SAR_TOTAL_SEGMENTS, tlv.SAR_SEGMENT_SEQNUM)
    reference, total, part = [tlv.find_int(tlvs, each) for each in fields]
    if reference is None and total is None and part is None:
        return None
    if reference is None or total is None or part is None:
        raise Wrong(statuses.MISSING_TLV)
    if not 1 <= part <= total <= _MAX_PARTS or reference > 0xFFFF:
        raise Wrong(statuses.INVALID_TLV)
    return Place("sar", reference, total, part)


def read_times(schedule: str, validity: str, now_ms: int) -> tuple[int | None, int | None]:
    """When a message is to leave and until when it may. Units: milliseconds UTC. Raises: Wrong.

    Shape: None where nothing was said. A relative validity counts from now, not from the time to leave.
    """
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    send_at = expires_at = None
    if schedule:
        at = _moment(schedule, now)
        if at is None or not now - _PAST <= at <= now + _AHEAD:
            raise Wrong(statuses.INVALID_SCHEDULE)
        send_at = max(now_ms, _ms(at))
    if validity:
        at = _moment(validity, now)
        if at is None or _ms(at) <= (send_at or now_ms):
            raise Wrong(statuses.INVALID_VALIDITY)
        expires_at = _ms(at)
    return send_at, expires_at


def _moment(text: str, now: datetime) -> datetime | None:
    return times.parse(text, now)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
