"""What is fuzzed: each target takes any octets and fails when a law does not hold.

A target is called millions of times in a process: it leaves nothing behind. `corpus` holds inputs that found something
new each; `tests/fuzz/test_corpus.py` plays them, `tests/fuzz/run.py` looks for more.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, get_args
from zoneinfo import ZoneInfo

from chappe.carriers.incoming import USUAL, Manner, read_delivery
from chappe.domain.accounts import Account
from chappe.domain.bind_users import BindOptions, BindUser, DefaultAlphabet
from chappe.domain.bound_deliveries import BoundReceipt
from chappe.domain.bound_submits import decoded, encoded, request_of
from chappe.domain.outcomes import ReceiptIn
from chappe.surfaces.smpp_server.deliveries import Wire, deliver_sm
from chappe.surfaces.smpp_server.reading import Wrong, read_multi, read_submit
from chappe.telecom import alphabets, gsm7, receipts, udh
from chappe.telecom.data_coding import Unreadable
from chappe.telecom.receipts import Dialect, ReceiptState
from chappe.telecom.smpp import commands, layouts, pdu, times, tlv
from chappe.telecom.smpp.bodies import ShortMessage, SubmitMulti
from chappe.telecom.smpp.events import Answers, Congestion, Deliveries, Event, Oddity, Submits
from tests.fuzz.story import Story, cut

CORPUS: Final = Path(__file__).parent / "corpus"
FOLDERS: Final = {"session": "link", "cuts": "link"}
"""Where the corpus of a target is, when not in a folder of its name: these two read the same inputs."""

NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOW_MS: Final = int(NOW.timestamp() * 1000)
CUSTOMERS: Final = tuple(
    BindUser(
        1, "shop", Account(1, 1, None, "shop@example.org", "FR", None), BindOptions(alphabet=alphabet), "", 0, None, 0
    )
    for alphabet in get_args(DefaultAlphabet)
)
COMMANDS: Final = tuple(sorted(layouts.LAYOUTS))
PARIS: Final = ZoneInfo("Europe/Paris")
OWN_WORDS: Final = Dialect({"1": 5, "69": 4}, {"BLOCKED": ReceiptState("BLOCKED", None, True, 4)}, True, True, PARIS)
MANNERS: Final = (
    USUAL,
    Manner(OWN_WORDS, "gsm7_packed", 0, 0x18),
    Manner(OWN_WORDS, "latin1", 0xF1),
    Manner(receipts.STANDARD, "ascii", 1),
)


def session(data: bytes) -> None:
    """A link of either role lives through anything its peer sends, cut anywhere, at any time."""
    start, steps, stream = cut(data)
    Story(start).tell(steps, stream)


def cuts(data: bytes) -> None:
    """Where the network cuts the stream makes no difference."""
    start, sizes, stream = cut(data)
    whole, pieces = Story(start).link, Story(start).link
    at_once = _flat(whole.receive(stream, 1.0))
    told: list[Event[int]] = []
    at = 0
    for size in sizes:
        told += pieces.receive(stream[at : at + size], 1.0)
        at += size
    told += pieces.receive(stream[at:], 1.0)
    assert _flat(told) == at_once
    assert pieces.data_to_send() == whole.data_to_send()
    assert pieces.state is whole.state


def _flat(events: list[Event[int]]) -> list[object]:
    """Events without their grouping into reads: traffic by kind, then oddities, then the rest in its order."""
    answers: list[object] = []
    messages: list[object] = []
    odd: dict[str, int] = {}
    percent: int | None = None
    others: list[object] = []
    for event in events:
        match event:
            case Answers(items):
                answers += items
            case Deliveries(items) | Submits(items):
                messages += items
            case Oddity(name, _, count):
                odd[name] = odd.get(name, 0) + count
            case Congestion(percent):
                pass
            case _:
                others.append(event)
    return [answers, messages, sorted(odd.items()), percent, *others]


def bodies(data: bytes) -> None:
    """Every body of every command is read, and what can be written again is read the same."""
    command, octets = COMMANDS[data[0] % len(COMMANDS)] if data else 0, data[1:]
    body, odd = layouts.decode_body(command, octets, 0, len(octets))
    if isinstance(body, ShortMessage):
        fast = pdu.decode_short_message(octets, 0, len(octets))
        assert fast is None or (fast, ()) == (body, odd)
    try:
        written = layouts.encode_body(command, body)
    except pdu.EncodingError:
        return
    again, odd_again = layouts.decode_body(command, written, 0, len(written))
    assert again == body
    assert odd_again == ()
    if isinstance(body, ShortMessage):
        fast_written = pdu.encode_short_message(command, 1, body)
        assert fast_written[pdu.MIN_LENGTH :] == written
        template = pdu.SubmitTemplate(body._replace(destination="1", short_message=b""))
        assert template.encode(1, body.destination, body.short_message)[pdu.MIN_LENGTH :] == written


def receipt(data: bytes) -> None:
    """Any text and any TLVs are some receipt, and its id is found under every spelling."""
    count = data[0] if data else 0
    tlvs, text = data[1 : 1 + count], data[1 + count :]
    for dialect in (receipts.STANDARD, OWN_WORDS):
        found = receipts.parse(text, tlvs, dialect)
        assert found.dlr_status in {0, 1, 2, 3, 4, 5, 9, 11, 12}
        assert found.is_final or found.dlr_status in {0, 1}
        assert len(found.message_id) <= len(data)
        assert receipts.is_receipt(0x04, text, tlvs)
        receipts.is_receipt(0, text, tlvs, trusts_text=True)
        done = receipts.moment(found.done_at, PARIS)
        assert done is None or 0 < done.timestamp() < 1 << 33
        keys = receipts.match_keys(found.message_id)
        assert len(keys) <= 3
        assert [key for _, key in keys][:1] == [key for key in (receipts.key(found.message_id),) if key]
        assert all(receipts.key(key) == key for _, key in keys)
        assert all(len(key) <= max(80, len(found.message_id)) for _, key in keys)


def delivery(data: bytes) -> None:
    """Any body of a deliver_sm is a receipt or a reply that can be stored."""
    body, _ = layouts.decode_body(commands.DELIVER_SM, data, 0, len(data))
    assert isinstance(body, ShortMessage)
    for manner in MANNERS:
        found = read_delivery(body, manner)
        if isinstance(found, ReceiptIn):
            stored = found.ref + found.detail
            assert found.number is None or 0 < found.number < 1 << 63
        else:
            stored = found.source + found.destination + found.text + (found.part_of or "")
            assert (found.part is None) == (found.part_of is None)
            assert found.part is None or 1 <= found.part <= 255
        assert len(stored.encode("utf-8")) <= 3 * len(data) + 250


def submit(data: bytes) -> None:
    """Any submit of a customer is refused, or can be kept, read as a text, and told about to him."""
    command = commands.SUBMIT_MULTI if data[:1] == b"\1" else commands.SUBMIT_SM
    user = CUSTOMERS[data[0] % len(CUSTOMERS) if data else 0]
    body, _ = layouts.decode_body(command, data[1:], 0, len(data) - 1)
    assert isinstance(body, ShortMessage | SubmitMulti)
    try:
        read = read_submit(user, body, NOW_MS) if isinstance(body, ShortMessage) else read_multi(user, body, NOW_MS)
    except Wrong:
        return
    assert decoded(encoded(read)) == read
    assert read.send_at is None or read.send_at >= NOW_MS
    assert read.expires_at is None or (read.send_at or NOW_MS) < read.expires_at
    receipt = BoundReceipt(1, 3, True, read.source, read.destinations[0], NOW_MS, NOW_MS, read.client_ref)
    pdu.encode(pdu.Pdu(commands.DELIVER_SM, 0, 1, deliver_sm(receipt, Wire(0x34, "gsm7"))))
    with suppress(Unreadable):
        request_of([read], "alert", NOW_MS).text.encode()


def header(data: bytes) -> None:
    """Any user data has a header or is refused; a header that is built anew is the same; septets come back."""
    try:
        elements, text = udh.split_udh(data)
    except udh.MalformedHeader:
        elements, text = (), data
    else:
        with suppress(ValueError):  # longer than a message
            assert udh.build(elements) + text == data
    place = udh.find_concatenation(elements)
    if place is not None:
        assert 1 <= place.number <= place.total <= 255
        assert udh.find_concatenation((udh.concatenation(place),)) == place
    alphabet = alphabets.announced(elements)
    assert len(alphabet.decode(text)) <= len(text)
    septets = bytes([octet & 0x7F for octet in text[:160]])
    fill = udh.fill_bits(len(data) - len(text))
    assert gsm7.unpack(gsm7.pack(septets, fill_bits=fill), count=len(septets), fill_bits=fill) == septets


def tlvs(data: bytes) -> None:
    """Any octets are TLVs as far as they go."""
    found = tlv.parse(data)
    written = tlv.encode(found)
    assert data.startswith(written)
    assert tlv.is_chain(data) == (written == data)
    first = dict(reversed(found))
    for tag, value in first.items():
        assert tlv.find(data, tag) == value
        number = tlv.find_int(data, tag)
        assert number is None or number < 1 << 64
        tlv.find_text(data, tag)
        tlv.name(tag)


def moment(data: bytes) -> None:
    """Any text is a moment or none; one that we would write ourselves is that moment."""
    found = times.parse(data.decode("latin-1"), NOW)
    if found is None:
        return
    assert found.tzinfo is not None
    if found.astimezone(UTC).year in range(2000, 2100):
        assert times.parse(times.absolute(found), NOW) == found
    ahead = found - NOW
    if timedelta(seconds=1) <= ahead <= timedelta(days=99) and data[15:] == b"R":
        assert times.parse(times.relative(int(ahead.total_seconds())), NOW) == found


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    target.__name__: target for target in (session, cuts, bodies, receipt, delivery, submit, header, tlvs, moment)
}
