"""What a customer gets to read: the words and numbers of receipts, and replies in his alphabet."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from chappe.domain.bind_users import DefaultAlphabet
from chappe.domain.bound_deliveries import BoundReceipt, BoundReply, decoded, encoded, replies_of, wants_final
from chappe.domain.bound_submits import Reason
from chappe.domain.errors import BadData, BadDate, BadFormat, InsufficientCredits, NotAuthenticated, NotFound, Refusal
from chappe.domain.lifecycle import Dlr, State
from chappe.surfaces.smpp_server import statuses
from chappe.surfaces.smpp_server.deliveries import Wire, deliver_sm
from chappe.telecom import receipts
from chappe.telecom.data_coding import Charset, Coding, decode
from chappe.telecom.smpp import commands, pdu, status, tlv

V33, V34, V50 = 0x33, 0x34, 0x50
AT = int(datetime(2026, 11, 24, 12, 30, tzinfo=UTC).timestamp() * 1000)


def receipt(dlr: int = Dlr.DELIVERED, **more: object) -> BoundReceipt:
    return BoundReceipt(17, dlr, True, "5 0 SHOP", "1 1 33612345678", AT, AT + 60_000, **more)  # type: ignore[arg-type]


def test_a_receipt_has_the_form_of_the_standard_and_its_tlvs() -> None:
    body = deliver_sm(receipt(client_ref="900"), Wire(V34, "gsm7"))
    assert body[:8] == (1, 1, "33612345678", 5, 0, "SHOP", 4, 0)
    assert body.short_message == (
        b"id:17 sub:001 dlvrd:001 submit date:2611241230 done date:2611241231 stat:DELIVRD err:000 text:"
    )
    assert tlv.find_text(body.tlvs, tlv.RECEIPTED_MESSAGE_ID) == "17"
    assert tlv.find_int(body.tlvs, tlv.MESSAGE_STATE) == 2
    assert tlv.find_int(body.tlvs, tlv.USER_MESSAGE_REFERENCE) == 900


def test_who_binds_with_the_oldest_version_gets_no_tlvs() -> None:
    assert deliver_sm(receipt(), Wire(V33, "gsm7")).tlvs == b""


@pytest.mark.parametrize("dlr", list(Dlr))
def test_every_end_is_read_as_what_it_is(dlr: Dlr) -> None:
    given = receipt(dlr)
    assert decoded(encoded(given)) == given
    body = deliver_sm(given, Wire(V34, "gsm7"))
    for tlvs in (b"", body.tlvs):
        found = receipts.parse(body.short_message, tlvs)
        assert found.message_id == "17"
        assert found.state == given.word
        assert found.is_final == (dlr != Dlr.SENT)
    assert (found.dlr_status == Dlr.DELIVERED) == (dlr == Dlr.DELIVERED)


def test_a_message_on_its_way_is_told_as_such() -> None:
    on_its_way = BoundReceipt(17, Dlr.SENT, False, "5 0 SHOP", "1 1 33612345678", AT, AT)
    body = deliver_sm(on_its_way, Wire(V50, "gsm7"))
    assert body.esm_class == 0x20
    assert tlv.find_int(body.tlvs, tlv.MESSAGE_STATE) == 1


@pytest.mark.parametrize(
    ("registered", "delivered", "failed"), [(0, False, False), (1, True, True), (2, False, True), (3, True, False)]
)
def test_receipts_are_for_who_asked_for_them(registered: int, delivered: bool, failed: bool) -> None:
    assert wants_final(registered, Dlr.DELIVERED) is delivered
    assert wants_final(registered | 0x10, Dlr.EXPIRED) is failed


@pytest.mark.parametrize(
    ("text", "alphabet", "coding", "octets"),
    [
        ("oui à 5 €", "gsm7", 0, b"oui \x7f 5 \x1b\x65"),
        ("oui à", "latin1", 0, "oui à".encode("latin-1")),
        ("oui à", "ascii", 8, "oui à".encode("utf-16-be")),
        ("5 €", "latin1", 8, "5 €".encode("utf-16-be")),
        ("漢字", "gsm7", 8, "漢字".encode("utf-16-be")),
    ],
)
def test_replies_come_in_the_customers_alphabet(text: str, alphabet: str, coding: int, octets: bytes) -> None:
    reply = BoundReply("+33612345678", "36180", text, is_gsm7=alphabet != "x" and "漢" not in text)
    body = deliver_sm(reply, Wire(V34, alphabet))  # type: ignore[arg-type]
    assert body[:8] == (1, 1, "33612345678", 3, 0, "36180", 0, coding)
    assert body.short_message == octets


def test_a_part_of_a_reply_has_its_place_and_fits_whatever_the_alphabet() -> None:
    reply = BoundReply("33612345678", "SHOP", "€" * 76, True, 7, 2, 3)
    for wire in (Wire(V33, "gsm7"), Wire(V34, "latin1"), Wire(V50, "ascii")):
        body = deliver_sm(reply, wire)
        assert body.esm_class == 0x40
        octets = body.short_message or tlv.find(body.tlvs, tlv.MESSAGE_PAYLOAD)
        assert octets is not None
        assert octets[:6] == b"\x05\x00\x03\x07\x03\x02"
        pdu.encode_short_message(commands.DELIVER_SM, 1, body)


@pytest.mark.parametrize("alphabet", ["gsm7", "latin1", "ascii"])
@pytest.mark.parametrize("text", ["é" + "a" * 150, "5 € " * 60, "a" * 160, "漢" * 71])
def test_a_reply_is_cut_so_that_the_oldest_version_carries_all_of_it(text: str, alphabet: DefaultAlphabet) -> None:
    read = []
    for part in replies_of("33612345678", "36180", text, 1, alphabet):
        body = deliver_sm(part, Wire(V33, alphabet))
        octets = body.short_message[6 if body.esm_class else 0 :]
        names: dict[str, Charset] = {"gsm7": "gsm7", "latin1": "latin1", "ascii": "ascii"}
        read.append(decode(Coding("ucs2" if body.data_coding == 8 else names[alphabet]), octets))
    assert "".join(read) == text


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("٣٣٦١٢٣٤٥٦٧٨", (1, 1, "33612345678")),
        ("+٣٣٦", (3, 0, "336")),
        ("336\x001", (5, 0, "336?1")),
        ("Café", (5, 0, "Caf?")),
        ("", (5, 0, "")),
        ("3" * 40, (1, 1, "3" * 20)),
    ],
)
def test_whoever_replied_the_reply_can_be_delivered(said: str, address: tuple[int, int, str]) -> None:
    [reply] = replies_of(said, said, "yes", 1)
    body = deliver_sm(reply, Wire(V34, "gsm7"))
    assert (body.source_ton, body.source_npi, body.source) == address
    pdu.encode_short_message(commands.DELIVER_SM, 1, body)


def test_addresses_that_no_deliver_sm_can_carry_are_cut() -> None:
    odd = BoundReceipt(17, Dlr.DELIVERED, True, "5 0 Café 漢字", f"1 1 {'3' * 60}", AT, AT)
    pdu.encode_short_message(commands.DELIVER_SM, 1, deliver_sm(odd, Wire(V34, "gsm7")))


def test_every_reason_and_every_refusal_has_a_status() -> None:
    assert set(statuses.REASONS) == set(get_args(Reason))
    refusals = [
        InsufficientCredits("x"), BadDate("x"), NotFound("x"), BadData("x"), BadData("x", field="text"),
        NotAuthenticated("x"), BadFormat("x", syntax="xml"), Refusal("x"),
    ]  # fmt: skip
    found = {statuses.status_of(each) for each in [*refusals, *get_args(Reason)]}
    assert statuses.OK not in found
    for value in found:
        assert status.lookup(value).kind in ("permanent", "throttle", "administrative")


def test_what_nobody_can_take_again_is_not_to_be_tried_again() -> None:
    """Kannel and Jasmin try some statuses again for ever: none of those is for a message that will never be taken."""
    for_good = {value for reason, value in statuses.REASONS.items() if reason != "too_many_parts"}
    assert {status.lookup(value).kind for value in for_good} <= {"permanent", "administrative"}
    assert status.lookup(statuses.SYSTEM_ERROR).kind == "temporary"


@pytest.mark.parametrize(
    ("state", "dlr", "is_scheduled", "version", "found"),
    [
        (State.ACCEPTED, Dlr.NOT_SENT, False, V34, (1, 0)),
        (State.ACCEPTED, Dlr.NOT_SENT, True, V34, (1, 0)),
        (State.ACCEPTED, Dlr.NOT_SENT, True, V50, (0, 0)),
        (State.SENT, Dlr.SENT, False, V50, (1, 0)),
        (State.DELIVERED, Dlr.DELIVERED, False, V34, (2, 0)),
        (State.FAILED, Dlr.EXPIRED, False, V34, (3, 12)),
        (State.CANCELLED, Dlr.NOT_SENT, False, V34, (4, 0)),
        (State.FAILED, Dlr.REJECTED, False, V34, (8, 9)),
        (State.FAILED, Dlr.INVALID_DESTINATION, False, V34, (5, 5)),
    ],
)
def test_a_query_tells_state_and_error(
    state: State, dlr: Dlr, is_scheduled: bool, version: int, found: tuple[int, int]
) -> None:
    assert statuses.state_of(state, dlr, is_scheduled=is_scheduled, version=version) == found
