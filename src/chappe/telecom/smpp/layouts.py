"""Which fields each PDU has, in order: one table that reads and writes all of them.

The busy PDUs have hand-written fast paths in `pdu`; they fall back to this table for anything unusual.
Source: SMPP 3.4, chapter 4; SMPP 5.0, 4.4 (broadcast).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Literal, NamedTuple, assert_never, cast

from . import bodies, commands, fields, oddities
from .bodies import Body, Destination, Empty, FailedDestination, Raw
from .fields import EncodingError, Reader

Kind = Literal["octet", "text", "time", "short_message", "destinations", "failures"]


class Field(NamedTuple):
    """One mandatory field; `limit` counts the final NUL of a text."""

    name: str
    kind: Kind
    limit: int = 0


class Layout(NamedTuple):
    """The class of a body, how to make one from its fields, and the fields in wire order."""

    body: type[Body]
    make: Callable[..., Body]
    fields: tuple[Field, ...]


def _layout(body: type[Body], *columns: str | tuple[str, int]) -> Layout:
    return Layout(body, body, tuple(_field(column) for column in columns))


def _field(column: str | tuple[str, int]) -> Field:
    if not isinstance(column, str):
        return Field(column[0], "text", column[1])
    special: Mapping[str, Kind] = {
        "schedule_delivery_time": "time",
        "validity_period": "time",
        "final_date": "time",
        "short_message": "short_message",
        "destinations": "destinations",
        "failures": "failures",
    }
    return Field(column, special.get(column, "octet"))


_SOURCE = ("source_ton", "source_npi", ("source", 21))
_DEST = ("dest_ton", "dest_npi", ("destination", 21))
_TIMES = ("schedule_delivery_time", "validity_period")
_SUBMIT_TAIL = (
    *("esm_class", "protocol_id", "priority", *_TIMES, "registered_delivery"),
    *("replace_if_present", "data_coding", "default_message", "short_message"),
)
_MESSAGE_ID = ("message_id", 65)
_SERVICE = ("service_type", 6)

_SHORT = _layout(bodies.ShortMessage, _SERVICE, *_SOURCE, *_DEST, *_SUBMIT_TAIL)
_BIND = _layout(
    bodies.Bind,
    *(("system_id", 16), ("password", 9), ("system_type", 13)),
    *("interface_version", "addr_ton", "addr_npi", ("address_range", 41)),
)
_BIND_ANSWER = _layout(bodies.BindAnswer, ("system_id", 16))
_MESSAGE_ANSWER = _layout(bodies.MessageAnswer, _MESSAGE_ID)
_QUERY = _layout(bodies.Query, _MESSAGE_ID, *_SOURCE)
_QUERY_ANSWER = _layout(bodies.QueryAnswer, _MESSAGE_ID, "final_date", "message_state", "error_code")
_EMPTY = _layout(Empty)

_REQUESTS: Final[Mapping[int, Layout]] = {
    **{command: _BIND._replace(make=partial(bodies.Bind, command)) for command in commands.BINDS},
    commands.SUBMIT_SM: _SHORT,
    commands.DELIVER_SM: _SHORT,
    commands.DATA_SM: _layout(
        bodies.DataSm,
        *(_SERVICE, "source_ton", "source_npi", ("source", 65), "dest_ton", "dest_npi"),
        *(("destination", 65), "esm_class", "registered_delivery", "data_coding"),
    ),
    commands.SUBMIT_MULTI: _layout(bodies.SubmitMulti, _SERVICE, *_SOURCE, "destinations", *_SUBMIT_TAIL),
    commands.QUERY_SM: _QUERY,
    commands.CANCEL_SM: _layout(bodies.Cancel, _SERVICE, _MESSAGE_ID, *_SOURCE, *_DEST),
    commands.REPLACE_SM: _layout(
        bodies.Replace,
        *(_MESSAGE_ID, *_SOURCE, *_TIMES, "registered_delivery", "default_message", "short_message"),
    ),
    commands.OUTBIND: _layout(bodies.OutbindBody, ("system_id", 16), ("password", 9)),
    commands.ALERT_NOTIFICATION: _layout(
        bodies.Alert,
        *("source_ton", "source_npi", ("source", 65), "esme_ton", "esme_npi", ("esme", 65)),
    ),
    commands.BROADCAST_SM: _layout(
        bodies.Broadcast,
        *(_SERVICE, *_SOURCE, _MESSAGE_ID, "priority", *_TIMES),
        *("replace_if_present", "data_coding", "default_message"),
    ),
    commands.QUERY_BROADCAST_SM: _QUERY,
    commands.CANCEL_BROADCAST_SM: _layout(bodies.CancelBroadcast, _SERVICE, _MESSAGE_ID, *_SOURCE),
    commands.ENQUIRE_LINK: _EMPTY,
    commands.UNBIND: _EMPTY,
}
_ANSWERS: Final[Mapping[int, Layout]] = {
    **dict.fromkeys(commands.BINDS, _BIND_ANSWER),
    commands.SUBMIT_SM: _MESSAGE_ANSWER,
    commands.DELIVER_SM: _MESSAGE_ANSWER,
    commands.DATA_SM: _MESSAGE_ANSWER,
    commands.BROADCAST_SM: _MESSAGE_ANSWER,
    commands.SUBMIT_MULTI: _layout(bodies.SubmitMultiAnswer, _MESSAGE_ID, "failures"),
    commands.QUERY_SM: _QUERY_ANSWER,
    commands.CANCEL_SM: _EMPTY,
    commands.REPLACE_SM: _EMPTY,
    commands.QUERY_BROADCAST_SM: _layout(bodies.MessageAnswer, _MESSAGE_ID),
    commands.CANCEL_BROADCAST_SM: _EMPTY,
    commands.ENQUIRE_LINK: _EMPTY,
    commands.UNBIND: _EMPTY,
}
LAYOUTS: Final[Mapping[int, Layout]] = {
    **_REQUESTS,
    **{command | commands.RESPONSE: layout for command, layout in _ANSWERS.items()},
    commands.GENERIC_NACK: _EMPTY,
}


def decode_body(command: int, data: bytes, start: int, end: int) -> tuple[Body, tuple[str, ...]]:
    """Read one body, whatever it holds; the second value names what was odd about it.

    Shape: an answer without body has empty fields and is not odd: refusals look like that.
    """
    layout = LAYOUTS.get(command)
    if layout is None:
        return Raw(data[start:end]), ()
    if start == end and command & commands.RESPONSE:
        return layout.make(), ()
    reader = Reader(data, start, end)
    values = {field.name: _read(reader, field) for field in layout.fields}
    body = layout.make(**values, tlvs=reader.rest())
    return body, tuple(reader.oddities)


def encode_body(command: int, body: Body) -> bytes:
    """Write one body.

    Raises: EncodingError naming the field that does not fit.
            TypeError for a body that does not belong to the command.
    """
    if isinstance(body, Raw):
        return body.data
    if body == Empty() and command & commands.RESPONSE:
        return b""
    layout = LAYOUTS.get(command)
    if layout is None or not isinstance(body, layout.body):
        raise TypeError(f"{type(body).__name__} is no body of {commands.name(command)}")
    written = [_write(field, getattr(body, field.name)) for field in layout.fields]
    written.append(fields.write_rest("tlvs", body.tlvs))
    return b"".join(written)


def _read(reader: Reader, field: Field) -> object:
    match field.kind:
        case "octet":
            return reader.octet()
        case "text":
            return reader.text(field.limit)
        case "time":
            return reader.text(17)
        case "short_message":
            return reader.short_message()
        case "destinations":
            return _read_destinations(reader)
        case "failures":
            return _read_failures(reader)
        case _:
            assert_never(field.kind)


def _write(field: Field, value: object) -> bytes:
    match field.kind:
        case "octet":
            return fields.write_octet(field.name, cast(int, value))
        case "text":
            return fields.write_text(field.name, cast(str, value), field.limit)
        case "time":
            return fields.write_time(field.name, cast(str, value))
        case "short_message":
            return fields.write_short_message(field.name, cast(bytes, value))
        case "destinations":
            return _write_destinations(cast(tuple[Destination, ...], value))
        case "failures":
            return _write_failures(cast(tuple[FailedDestination, ...], value))
        case _:
            assert_never(field.kind)


_ADDRESS_FLAG, _LIST_FLAG = 1, 2


def _read_destinations(reader: Reader) -> tuple[Destination, ...]:
    found = []
    for _ in range(reader.octet()):
        flag = reader.octet()
        if oddities.BODY_ENDS_EARLY in reader.oddities:
            break
        if flag == _LIST_FLAG:
            found.append(Destination(reader.text(21), None, None))
        else:
            if flag != _ADDRESS_FLAG:
                reader.note(oddities.ODD_DESTINATION)
            ton, npi = reader.octet(), reader.octet()
            found.append(Destination(reader.text(21), ton, npi))
    return tuple(found)


def _write_destinations(destinations: tuple[Destination, ...]) -> bytes:
    if not 1 <= len(destinations) <= 254:
        raise EncodingError("destinations", f"{len(destinations)} of them, 1 to 254 fit")
    parts = [bytes((len(destinations),))]
    for address, ton, npi in destinations:
        if ton is None or npi is None:
            parts.append(bytes((_LIST_FLAG,)))
        else:
            parts.append(bytes((_ADDRESS_FLAG,)))
            parts.append(fields.write_octet("dest_ton", ton) + fields.write_octet("dest_npi", npi))
        parts.append(fields.write_text("destination", address, 21))
    return b"".join(parts)


def _read_failures(reader: Reader) -> tuple[FailedDestination, ...]:
    found = []
    for _ in range(reader.octet()):
        ton, npi = reader.octet(), reader.octet()
        found.append(FailedDestination(ton, npi, reader.text(21), reader.number(4)))
    return tuple(found)


def _write_failures(failures: tuple[FailedDestination, ...]) -> bytes:
    if len(failures) > 255:
        raise EncodingError("failures", f"{len(failures)} of them, 255 fit")
    parts = [bytes((len(failures),))]
    for ton, npi, address, status in failures:
        parts.append(fields.write_octet("dest_ton", ton) + fields.write_octet("dest_npi", npi))
        parts.append(fields.write_text("destination", address, 21) + status.to_bytes(4, "big"))
    return b"".join(parts)
