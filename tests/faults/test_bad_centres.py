"""Carriers that break the rules of SMPP: the bind survives what can be survived, every message is told exactly once,
each oddity is counted under its name.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chappe.carriers import smpp
from chappe.carriers.connection import Acknowledge, Address, Question
from chappe.carriers.silence import NEVER_ANSWERED, TRIES
from chappe.carriers.smpp import SmppCarrier
from chappe.carriers.smpp_options import SmppOptions
from chappe.carriers.trial import try_binds
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.retry import Refused
from chappe.telecom.smpp import commands, oddities, status, tlv
from chappe.telecom.smpp.commands import DELIVER_SM, ENQUIRE_LINK, GENERIC_NACK, RESPONSE, SUBMIT_SM, UNBIND
from tests.builders import on_loop
from tests.fast_clock import hurrying, run_fast
from tests.faults.bad_centres import ANSWER, CASES, MESSAGE, OK, RECEIPT, Case, raw_tlv, whole
from tests.sending import until
from tests.smpp_ends import TEXT
from tests.smpp_wire import Heard, Life, Wire, answered, listening, octets

HURRY = 20.0
BRISK = 4.0  # a second until the next try is a quarter of one
BIND_ANSWER = commands.BIND_TRANSCEIVER | RESPONSE
GOOD_DAY = b"centre\0" + raw_tlv(tlv.SC_INTERFACE_VERSION, b"\x34")
VERSIONS = {0x33: b"centre\0" + raw_tlv(tlv.SC_INTERFACE_VERSION, b"\x33")}


class Told:
    """What a carrier told about messages: all of it, in words."""

    def __init__(self) -> None:
        self.fates: dict[str, list[str]] = defaultdict(list)
        self.late: dict[str, list[str]] = defaultdict(list)
        self.brought: list[str] = []
        self.details: list[str] = []
        self.carrier: SmppCarrier[str] | None = None

    def answered(self, items: list[tuple[str, Refused | None, str]], *, late: bool) -> None:
        fates = self.late if late else self.fates
        for token, refused, ref in items:
            fates[token].append(f"refused: {refused.name}" if refused else f"accepted as {ref or 'nothing'}")

    def unknown(self, tokens: list[str]) -> None:
        for token in tokens:
            self.fates[token].append("unknown")

    def unsent(self, tokens: list[str]) -> None:
        for token in tokens:
            self.fates[token].append("unsent")

    def delivered(self, acknowledge: Acknowledge, items: list[tuple[int, ReceiptIn | ReplyIn]]) -> None:
        for _, item in items:
            if isinstance(item, ReceiptIn):
                self.brought.append(f"receipt of {item.ref}: {item.dlr}" + ("" if item.is_final else " so far"))
            else:
                self.brought.append(f"reply {item.text!r} from {item.source}")
        acknowledge([number for number, _ in items])

    def told(self, answers: list[tuple[Question, ReceiptIn | str]]) -> None:
        self.brought += [f"answer about {question.ref}" for question, _ in answers]

    def congested(self, percent: int) -> None:
        pass

    def changed(self) -> None:
        if self.carrier is not None and self.carrier.states[0].detail:
            self.details.append(self.carrier.states[0].detail)


@asynccontextmanager
async def connected(life: Life, window: int = 10, *, tls: bool = False) -> AsyncIterator[tuple[SmppCarrier[str], Told]]:
    """Our end of a link to a centre whose connections live like this."""
    server, port = await listening(life)
    told = Told()
    address = Address("carrier", "127.0.0.1", port, "user", "secret", tls=tls, window=window)
    told.carrier = carrier = SmppCarrier(address, SmppOptions(), told)
    carrier.start()
    try:
        yield carrier, told
    finally:
        await carrier.stop()
        server.close()


async def behave(wire: Wire, submit: Callable[[Heard], bytes] | None = None) -> None:
    """Do what a centre does, from a bind to its end."""
    while True:
        heard = await wire.pdu()
        match heard.command:
            case commands.BIND_TRANSCEIVER:
                wire.say(answered(heard, GOOD_DAY))
            case commands.SUBMIT_SM:
                wire.say(submit(heard) if submit else answered(heard, OK))
            case commands.ENQUIRE_LINK:
                wire.say(answered(heard))
            case commands.UNBIND:
                wire.say(answered(heard))
                return


async def submitted(carrier: SmppCarrier[str], told: Told, *tokens: str) -> None:
    """Hand over messages on a bound link and wait until something is told about each."""
    await until(lambda: carrier.free >= len(tokens), "bound")
    assert carrier.submit([(token, TEXT) for token in tokens]) == []
    await until(lambda: all(told.fates[token] for token in tokens), f"{tokens} told")


def answers_of_ours(wire: Wire) -> list[tuple[int, int, int]]:
    return [one[:3] for one in wire.heard if one.command & RESPONSE and one.command != UNBIND | RESPONSE]


# -- while a bind stands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@on_loop
async def test_the_bind_survives(case: Case) -> None:
    wires: list[Wire] = []
    first = [case.answer or (lambda number: octets(ANSWER, number, OK))]

    def submit(heard: Heard) -> bytes:
        return first.pop()(heard.sequence) if first else answered(heard, OK)

    async def life(wire: Wire) -> None:
        wires.append(wire)
        wire.say(answered(await wire.until(commands.BIND_TRANSCEIVER), GOOD_DAY), case.push)
        await behave(wire, submit)

    async with connected(life) as (carrier, told):
        await submitted(carrier, told, "odd")
        await submitted(carrier, told, "next")
    assert dict(told.fates) == {"odd": [case.fate], "next": ["accepted as 7"]}
    assert (told.late, told.brought) == ({}, list(case.brings))
    assert carrier.states[0].oddities == dict(case.odd)
    assert answers_of_ours(wires[0]) == list(case.says)
    assert len(wires) == 1


@on_loop
async def test_octets_that_come_one_by_one_are_read_as_if_they_came_together() -> None:
    async def life(wire: Wire) -> None:
        await wire.drip(answered(await wire.until(commands.BIND_TRANSCEIVER), GOOD_DAY))
        await wire.drip(whole(DELIVER_SM, 1, MESSAGE) + octets(ENQUIRE_LINK, 2))
        await wire.drip(answered(await wire.until(SUBMIT_SM), OK))
        await behave(wire)

    async with connected(life) as (carrier, told):
        await submitted(carrier, told, "a")
    assert (dict(told.fates), told.brought) == ({"a": ["accepted as 7"]}, ["receipt of 7: 3"])
    assert carrier.states[0].oddities == {}


@on_loop
async def test_a_thousand_deliveries_in_one_piece_are_all_acknowledged() -> None:
    wires: list[Wire] = []

    async def life(wire: Wire) -> None:
        wires.append(wire)
        many = [whole(DELIVER_SM, number, MESSAGE) for number in range(1, 1001)]
        wire.say(answered(await wire.until(commands.BIND_TRANSCEIVER), GOOD_DAY), *many)
        await behave(wire)

    async with connected(life) as (carrier, told):
        await submitted(carrier, told, "a")
        await until(lambda: len(wires[0].heard) >= 1002, "all acknowledged")
    acknowledged = [sequence for command, _, sequence in answers_of_ours(wires[0]) if command == DELIVER_SM | RESPONSE]
    assert acknowledged == list(range(1, 1001))
    assert len(told.brought) == 1000


# -- binding ---------------------------------------------------------------------------------------------

BINDS: dict[str, tuple[Callable[[int], bytes], dict[str, int], tuple[tuple[int, int, int], ...]]] = {
    "of another centre": (lambda n: octets(BIND_ANSWER, n, b"somebody\0"), {}, ()),
    "without its NUL": (lambda n: octets(BIND_ANSWER, n, b"centre"), {oddities.NO_FINAL_NUL: 1}, ()),
    "without a body": (lambda n: octets(BIND_ANSWER, n), {}, ()),
    "of version 3.3": (lambda n: octets(BIND_ANSWER, n, VERSIONS[0x33]), {}, ()),
    "of a version of nine octets": (
        lambda n: octets(BIND_ANSWER, n, b"centre\0" + raw_tlv(tlv.SC_INTERFACE_VERSION, bytes(9))), {}, ()),
    "twice": (lambda n: 2 * octets(BIND_ANSWER, n, GOOD_DAY), {oddities.UNKNOWN_ANSWER: 1}, ()),
    "behind one of another kind": (
        lambda n: octets(ANSWER, n, OK) + octets(BIND_ANSWER, n), {oddities.OTHER_ANSWER: 1}, ()),
    "behind one to another number": (
        lambda n: octets(BIND_ANSWER, 99) + octets(BIND_ANSWER, n), {oddities.UNKNOWN_ANSWER: 1}, ()),
    "behind a receipt": (
        lambda n: whole(DELIVER_SM, 5, MESSAGE) + octets(BIND_ANSWER, n), {oddities.NOT_LEGAL: 1},
        ((DELIVER_SM | RESPONSE, status.ESME_RINVBNDSTS, 5),)),
    "behind outbind": (
        lambda n: octets(commands.OUTBIND, 5, b"centre\0pw\0") + octets(BIND_ANSWER, n), {oddities.NOT_LEGAL: 1}, ()),
    "behind unbind": (
        lambda n: octets(UNBIND, 5) + octets(BIND_ANSWER, n), {oddities.NOT_LEGAL: 1},
        ((UNBIND | RESPONSE, status.ESME_RINVBNDSTS, 5),)),
    "behind a probe": (
        lambda n: octets(ENQUIRE_LINK, 5) + octets(BIND_ANSWER, n), {}, ((ENQUIRE_LINK | RESPONSE, 0, 5),)),
}  # fmt: skip


@pytest.mark.parametrize("name", BINDS)
@on_loop
async def test_a_bind_is_a_bind_with_an_answer(name: str) -> None:
    answer, odd, says = BINDS[name]
    wires: list[Wire] = []

    async def life(wire: Wire) -> None:
        wires.append(wire)
        wire.say(answer((await wire.until(commands.BIND_TRANSCEIVER)).sequence))
        await behave(wire)

    async with connected(life) as (carrier, told):
        await submitted(carrier, told, "a")
    assert told.fates["a"] == ["accepted as 7"]
    assert carrier.states[0].oddities == odd
    # An answer to unbind comes with another status before the bind than at the end.
    assert tuple(one for one in [one[:3] for one in wires[0].heard] if one[0] & RESPONSE) == says


REFUSALS: dict[str, tuple[Callable[[int], bytes], str]] = {
    "a status": (lambda n: octets(BIND_ANSWER, n, status=status.ESME_RINVPASWD), "ESME_RINVPASWD"),
    "a status and a body": (lambda n: octets(BIND_ANSWER, n, GOOD_DAY, status.ESME_RALYBND), "ESME_RALYBND"),
    "a status of its own": (lambda n: octets(BIND_ANSWER, n, status=0x400), "0x00000400"),
    "a nack": (lambda n: octets(GENERIC_NACK, n, status=status.ESME_RINVCMDID), "ESME_RINVCMDID"),
    "a nack without a reason": (lambda n: octets(GENERIC_NACK, n), "ESME_RUNKNOWNERR"),
    "an answer to another bind": (lambda n: octets(commands.BIND_RECEIVER | RESPONSE, n), "never answered"),
    "an answer to number 0": (lambda n: octets(BIND_ANSWER, 0), "never answered"),
    "an alert of TLS": (lambda n: b"\x15\x03\x03\x00\x02\x02\x0a", "never answered"),
    "a page of the web": (lambda n: b"HTTP/1.1 400 Bad Request\r\n\r\n", "garbage from the carrier"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_bind_is_none_with(name: str) -> None:
    answer, words = REFUSALS[name]

    async def life(wire: Wire) -> None:
        wire.say(answer((await wire.until(commands.BIND_TRANSCEIVER)).sequence))
        await wire.reader.read()

    async def ask() -> None:
        async with connected(life) as (carrier, told):
            with hurrying(HURRY if words == "never answered" else 1.0):
                await until(lambda: bool(told.details), "the reason", 400.0)
            assert words in told.details[0]
            assert not carrier.is_bound

    run_fast(ask())


@on_loop
async def test_a_carrier_without_tls_where_it_is_asked_for_is_named() -> None:
    async def life(wire: Wire) -> None:
        await wire.reader.read(1)
        wire.say(octets(BIND_ANSWER, 1, GOOD_DAY))
        await wire.reader.read()

    async with connected(life, tls=True) as (carrier, told):
        await until(lambda: bool(told.details), "the reason")
        assert "cannot connect" in told.details[0]
        assert not carrier.is_bound


# -- the end of a link -----------------------------------------------------------------------------------


async def _resets(wire: Wire) -> None:
    wire.say(answered(await wire.until(SUBMIT_SM), OK)[:9])
    await wire.writer.drain()
    wire.reset()


async def _ends_in_the_middle(wire: Wire) -> None:
    wire.say(answered(await wire.until(SUBMIT_SM), OK)[:17])


async def _closes_its_half(wire: Wire) -> None:
    await wire.until(SUBMIT_SM)
    wire.writer.write_eof()
    await wire.reader.read()


async def _unbinds_and_goes(wire: Wire) -> None:
    await wire.until(SUBMIT_SM)
    wire.say(octets(UNBIND, 1))
    await wire.until(UNBIND | RESPONSE)


async def _unbinds_and_stays(wire: Wire) -> None:
    await wire.until(SUBMIT_SM)
    wire.say(octets(UNBIND, 1))
    await wire.reader.read()


async def _unbinds_and_answers(wire: Wire) -> None:
    heard = await wire.until(SUBMIT_SM)
    wire.say(octets(UNBIND, 1))
    await wire.until(UNBIND | RESPONSE)
    wire.say(answered(heard, OK))
    await wire.reader.read()


async def _never_ends_a_pdu(wire: Wire) -> None:
    heard = await wire.until(SUBMIT_SM)
    wire.say(octets(DELIVER_SM, 1, RECEIPT, length=5000))
    while True:
        await asyncio.sleep(5.0)
        wire.say(heard.body[:1])


async def _says_no_more(wire: Wire) -> None:
    await wire.until(SUBMIT_SM)
    await asyncio.sleep(3600.0)


def _says(data: bytes) -> Life:
    async def life(wire: Wire) -> None:
        await wire.until(SUBMIT_SM)
        wire.say(data)
        await wire.reader.read()

    return life


def _claims(length: int) -> Life:
    return _says(octets(DELIVER_SM, 1, length=length))


ENDS: dict[str, tuple[Life, str, str]] = {
    "a length of 0": (_claims(0), "unknown", "garbage from the carrier: command_length 0"),
    "a length of 15": (_claims(15), "unknown", "garbage from the carrier: command_length 15"),
    "a length above 128 KiB": (_claims(131_073), "unknown", "garbage from the carrier: command_length 131073"),
    "a length that looks negative": (_claims(0xFFFFFFF0), "unknown", "garbage from the carrier"),
    "64 KiB of zeros": (_says(bytes(65536)), "unknown", "garbage from the carrier: command_length 0"),
    "an alert of TLS": (_says(b"\x15\x03\x03\x00\x02\x02\x0a" * 3), "unknown", "garbage from the carrier"),
    "a reset in the middle of an answer": (_resets, "unknown", ""),
    "an end in the middle of an answer": (_ends_in_the_middle, "unknown", "the carrier closed the connection"),
    "a half of the connection closed": (_closes_its_half, "unknown", "the carrier closed the connection"),
    "an unbind and an end": (_unbinds_and_goes, "unknown", "the carrier closed the connection"),
    "an unbind and silence": (_unbinds_and_stays, "unknown", "the carrier unbound us"),
    "an unbind and answers": (_unbinds_and_answers, "accepted as 7", "the carrier unbound us"),
    "a PDU that goes on for ever": (_never_ends_a_pdu, "unknown", "a PDU began and never ended"),
    "a silence that no probe ends": (_says_no_more, "unknown", "enquire_link not answered"),
}
SLOW = ("an unbind and silence", "a PDU that goes on for ever", "a silence that no probe ends")


@pytest.mark.parametrize("name", ENDS)
def test_a_link_ends_and_another_begins_after(name: str) -> None:
    end, fate, words = ENDS[name]
    lives = [end]

    async def life(wire: Wire) -> None:
        wire.say(answered(await wire.until(commands.BIND_TRANSCEIVER), GOOD_DAY))
        await (lives.pop()(wire) if lives else behave(wire))

    async def ask() -> None:
        async with connected(life) as (carrier, told):
            with hurrying(HURRY if name in SLOW else 1.0):
                await submitted(carrier, told, "a")
                await until(lambda: any(words in detail for detail in told.details), words, 400.0)
            assert told.fates["a"] == [fate]
            await submitted(carrier, told, "b")
            assert told.fates["b"] == ["accepted as 7"]
        assert told.late == {}

    run_fast(ask(), BRISK)


def test_an_answer_at_one_octet_a_second_comes_late_and_costs_no_bind() -> None:
    async def life(wire: Wire) -> None:
        wire.say(answered(await wire.until(commands.BIND_TRANSCEIVER), GOOD_DAY))
        await wire.drip(answered(await wire.until(SUBMIT_SM), OK), 1.0)
        await behave(wire)

    async def ask() -> None:
        async with connected(life) as (carrier, told):
            with hurrying(HURRY):
                await submitted(carrier, told, "a")
                assert told.fates["a"] == ["unknown"]
                await until(lambda: bool(told.late), "the late answer", 400.0)
            await submitted(carrier, told, "b")
            assert (dict(told.late), told.fates["b"]) == ({"a": ["accepted as 7"]}, ["accepted as 7"])
            assert told.details == []

    run_fast(ask())


def test_messages_that_are_never_answered_are_unknown_and_the_bind_goes_on() -> None:
    async def life(wire: Wire) -> None:
        wire.say(answered(await wire.until(commands.BIND_TRANSCEIVER), GOOD_DAY))
        for _ in range(10):
            await wire.until(SUBMIT_SM)
        await behave(wire)

    async def ask() -> None:
        async with connected(life, window=10) as (carrier, told):
            with hurrying(HURRY):
                await submitted(carrier, told, *"abcdefghij")
            assert set(map(tuple, told.fates.values())) == {("unknown",)}
            await submitted(carrier, told, "k")
            assert told.fates["k"] == ["accepted as 7"]

    run_fast(ask())


def test_a_centre_that_answers_no_submits_is_tried_then_left_and_tried_again() -> None:
    """It stays bound and answers every probe; only submits it does not."""
    lives: list[Wire] = []
    is_silent = [True]

    async def life(wire: Wire) -> None:
        lives.append(wire)
        await behave(wire, lambda heard: b"" if is_silent else answered(heard, OK))

    async def ask() -> None:
        async with connected(life, window=20) as (carrier, told):
            state = carrier.states[0]
            with hurrying(HURRY):
                await submitted(carrier, told, *[f"w{i}" for i in range(15)])
                assert (state.state, carrier.free, carrier.is_bound) == ("trying", 1, True)
                for number in range(TRIES):
                    await submitted(carrier, told, f"try{number}")
                assert (carrier.free, carrier.is_bound) == (0, False)
                await until(lambda: state.state == "down", "down")
                assert "answers no submits; next try in" in state.detail
                assert 60 <= float(state.detail.split()[-2]) <= 78
                assert state.oddities == {NEVER_ANSWERED: 15 + TRIES}
                assert len(lives) == 1
                await until(lambda: state.state == "trying", "bound again", 400.0)
                assert carrier.free == 1
                await submitted(carrier, told, "again")  # one is enough now
                assert not carrier.is_bound
                is_silent.clear()
                await until(lambda: state.state == "down", "down")
                await until(lambda: state.state == "trying", "bound again", 400.0)
            await submitted(carrier, told, "heard")
            assert (state.state, carrier.free) == ("bound", 20)
        assert told.fates.pop("heard") == ["accepted as 7"]
        assert set(map(tuple, told.fates.values())) == {("unknown",)}
        assert (len(told.fates), told.late, len(lives)) == (15 + TRIES + 1, {}, 3)
        assert UNBIND in [heard.command for heard in lives[0].heard]

    run_fast(ask())


def test_a_centre_that_answers_one_in_ten_is_fed_on() -> None:
    count = [0]

    def now_and_then(heard: Heard) -> bytes:
        count[0] += 1
        return b"" if count[0] % 10 else answered(heard, OK)

    async def ask() -> None:
        async with connected(lambda wire: behave(wire, now_and_then), window=10) as (carrier, told):
            with hurrying(HURRY):
                for turn in range(3):
                    await submitted(carrier, told, *[f"{turn}.{i}" for i in range(10)])
            assert (carrier.states[0].state, carrier.free) == ("bound", 10)
        fates = [fate for (fate,) in told.fates.values()]
        assert (fates.count("unknown"), fates.count("accepted as 7")) == (27, 3)

    run_fast(ask())


# -- what nobody foresaw ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["smpp..acme.example", f"{'a' * 64}.example", ".acme.example"])
@on_loop
async def test_a_host_whose_name_is_none_is_said_to_be_and_tried_again(host: str) -> None:
    told = Told()
    address = Address("carrier", host, 2775, "user", "secret")
    told.carrier = carrier = SmppCarrier(address, SmppOptions(), told)
    carrier.start()
    try:
        await until(lambda: len(told.details) > 1, "the second reason")
    finally:
        await carrier.stop()
    assert f"cannot connect: {host} is no name of a host; next try in" in told.details[0]
    (tried,) = await try_binds(address, SmppOptions())
    assert (tried.is_good, tried.said) == (False, f"cannot connect: {host} is no name of a host")


@pytest.mark.parametrize("name", ["connect", "Refusals"])
def test_a_fault_of_ours_in_the_life_of_a_bind_costs_a_wait_and_not_the_bind(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, usual = [KeyError("a fault of ours")], getattr(smpp, name)

    def faulty(*args: Any) -> Any:
        if faults:
            raise faults.pop()
        return usual(*args)

    async def life(wire: Wire) -> None:
        if faults:
            wire.say(answered(await wire.until(commands.BIND_TRANSCEIVER), status=status.ESME_RINVPASWD))
        await behave(wire)

    async def ask() -> None:
        monkeypatch.setattr(smpp, name, faulty)
        async with connected(life) as (carrier, told):
            await until(lambda: carrier.states[0].state == "down", "down")
            assert "a fault of ours: the log has it; next try in" in carrier.states[0].detail
            await submitted(carrier, told, "a")
            assert told.fates["a"] == ["accepted as 7"]

    run_fast(ask(), BRISK)


@pytest.mark.parametrize("name", ["answered", "unknown", "delivered"])
def test_a_fault_of_ours_in_what_a_carrier_says_ends_the_link_and_another_begins(name: str) -> None:
    lives: list[Wire] = []

    async def life(wire: Wire) -> None:
        lives.append(wire)
        wire.say(answered(await wire.until(commands.BIND_TRANSCEIVER), GOOD_DAY))
        heard = await wire.until(SUBMIT_SM)
        if name == "delivered" and len(lives) == 1:
            wire.say(whole(DELIVER_SM, 1, MESSAGE))
        if name == "answered" or len(lives) > 1:
            wire.say(answered(heard, OK))
        await behave(wire)

    async def ask() -> None:
        async with connected(life) as (carrier, told):
            usual = getattr(told, name)

            def faulty(*args: Any, **more: Any) -> None:
                setattr(told, name, usual)
                raise KeyError("a fault of ours")

            setattr(told, name, faulty)
            with hurrying(HURRY if name == "unknown" else 1.0):
                await until(lambda: carrier.is_bound, "bound")
                carrier.submit([("a", TEXT)])
                await until(lambda: any("a fault of ours" in detail for detail in told.details), "the fault", 100.0)
            assert len(lives) == 1
            await submitted(carrier, told, "b")
            assert (told.fates["b"], len(lives)) == (["accepted as 7"], 2)

    run_fast(ask(), BRISK)


def test_a_carrier_that_asks_and_never_reads_costs_a_bounded_buffer_and_is_given_up() -> None:
    lives = [True]

    async def life(wire: Wire) -> None:
        wire.say(answered(await wire.until(commands.BIND_TRANSCEIVER), GOOD_DAY))
        if not lives:
            return await behave(wire)
        lives.pop()
        wire.stop_reading()
        for _ in range(400):  # 25 MB, of which the machine keeps a few
            wire.say(octets(ENQUIRE_LINK, 1) * 4096)
            await wire.writer.drain()
        await asyncio.sleep(3600.0)
        return None

    async def ask() -> None:
        async with connected(life) as (carrier, told):
            await until(lambda: carrier.is_bound, "bound")
            link = carrier._links[0]
            assert link is not None
            assert link._transport is not None
            most = 0
            with hurrying(HURRY):
                while not told.details and link._transport is not None:
                    most = max(most, link._transport.get_write_buffer_size())
                    await asyncio.sleep(0.05)
                await until(lambda: link._transport is None, "the socket closed", 400.0)
            assert 0 < most < 2_000_000
            assert "enquire_link not answered" in told.details[0]
            await submitted(carrier, told, "a")
            assert told.fates["a"] == ["accepted as 7"]

    run_fast(ask())
