"""Customers who break the rules of SMPP: each mistake has its answer, the bind survives what can be survived, what was
taken is a message exactly once, and nobody costs the others anything.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chappe.domain.accounts import LockRule
from chappe.domain.bind_users import BindUser
from chappe.domain.bound_deliveries import BoundReply
from chappe.runtime.bootstrap import opened
from chappe.store import bound_deliveries
from chappe.store.bound_deliveries import NewDelivery
from chappe.store.clock import now_ms
from chappe.store.statement import Statement
from chappe.surfaces.smpp_server.link import Link
from chappe.telecom.smpp import commands, oddities, status
from chappe.telecom.smpp.bodies import Bind
from chappe.telecom.smpp.commands import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    RESPONSE,
    SUBMIT_SM,
    UNBIND,
)
from tests.bound import Centre, add_user, centre
from tests.fast_clock import FastLoop, hurrying, run_fast
from tests.faults.bad_customers import ANSWER, CASES, HELLO, Case, part, whole
from tests.mail_server import self_signed
from tests.sending import installation, until
from tests.server import prepare
from tests.smpp_wire import Heard, Wire, answered, octets

BOUND = BIND_TRANSCEIVER | RESPONSE
LAST = 0x7000
_MESSAGES = Statement("SELECT count(*) FROM message")
HURRY = 20.0
WINDOW = 50
TOLD_AT_ONCE = 5


class Site:
    """A server for customers, on the loop of these tests."""

    def __init__(self, centre: Centre, user: BindUser) -> None:
        self.store = centre.store
        self.server = centre.server
        self.port = centre.port
        self.user = user

    def messages(self) -> int:
        """How many messages there are."""
        (count,) = self.store.glance(lambda tx: tx.one(_MESSAGES))
        return int(count)

    async def connected(self) -> Wire:
        return Wire(*await asyncio.open_connection("127.0.0.1", self.port))

    @asynccontextmanager
    async def bound(self, user: str = "shop", command: int = BIND_TRANSCEIVER) -> AsyncIterator[Wire]:
        """A customer on a bind; he hangs up at the end."""
        wire = await self.connected()
        try:
            wire.say(whole(command, 1, Bind(command, user, "secret")))
            assert (await wire.pdu())[:3] == (command | RESPONSE, 0, 1)
            wire.heard.clear()
            yield wire
        finally:
            await wire.hang_up()

    def link(self, wire: Wire) -> Link:
        """The server's end of a connection."""
        here = wire.writer.get_extra_info("sockname")
        (link,) = [each for each in self.server._links if each._transport.get_extra_info("peername") == here]
        return link

    async def tell(self, count: int = 1) -> None:
        """Leave replies for the customer."""
        told = [
            NewDelivery(self.user.id, None, BoundReply("33612345678", "SHOP", f"Oui {n}", True)) for n in range(count)
        ]
        await self.store.write(lambda tx: bound_deliveries.insert(tx, told, now_ms()))

    def waiting(self) -> int:
        """How much waits for the customer."""
        return sum(each.waiting for each in self.store.glance(bound_deliveries.waiting))

    async def serves(self) -> None:
        """Make sure that somebody who keeps to the rules is served."""
        async with self.bound() as wire:
            wire.say(whole(SUBMIT_SM, 2, HELLO))
            assert (await wire.pdu())[:3] == (ANSWER, 0, 2)


Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Run]]:
    folder = tmp_path_factory.mktemp("site")
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        stack = AsyncExitStack()
        site = runner.run(_opened(stack, folder))
        yield site, runner.run
        runner.run(stack.aclose())


async def _opened(stack: AsyncExitStack, folder: Path) -> Site:
    prepared = await prepare(folder / "data", 1, balance=1_000_000)
    chappe = await stack.enter_async_context(opened(prepared.settings))
    user = await add_user(
        chappe.store, chappe.use_cases.accounts.find(prepared.account_id), window=WINDOW, deliveries=5
    )
    served = await stack.enter_async_context(centre(chappe.store, chappe.ids, chappe.use_cases, rule=LockRule(0, 0)))
    return Site(served, user)


# -- while a bind stands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_bind_survives(case: Case, running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        before = site.messages()
        async with site.bound() as wire:
            wire.say(case.said, whole(SUBMIT_SM, LAST, HELLO))
            while not wire.heard or wire.heard[-1].sequence != LAST:
                await wire.pdu()
            assert wire.heard.pop()[:3] == (ANSWER, 0, LAST)
            assert Counter(one[:3] for one in wire.heard) == Counter(case.answers)
            assert site.link(wire).oddities == dict(case.odd)
        assert site.messages() - before == case.takes + 1

    run(behave())


# -- binding ---------------------------------------------------------------------------------------------

_BIND = whole(BIND_TRANSCEIVER, 1, Bind(BIND_TRANSCEIVER, "shop", "secret"))
_NOT_NOW = status.ESME_RINVBNDSTS


def bind(system_id: bytes, password: bytes = b"secret", version: int = 0x34) -> bytes:
    return octets(BIND_TRANSCEIVER, 1, system_id + b"\0" + password + b"\0\0" + bytes((version, 1, 1)) + b"\0")


BINDS: dict[str, tuple[bytes, tuple[tuple[int, int, int], ...]]] = {
    "a wrong password": (bind(b"shop", b"guess"), ((BOUND, status.ESME_RINVPASWD, 1),)),
    "no password": (bind(b"shop", b""), ((BOUND, status.ESME_RINVPASWD, 1),)),
    "a password of two hundred letters": (bind(b"shop", b"s" * 200), ((BOUND, status.ESME_RINVPASWD, 1),)),
    "a password of octets that are no ASCII": (bind(b"shop", b"\xff\xfe"), ((BOUND, status.ESME_RINVPASWD, 1),)),
    "a name that nobody has": (bind(b"stranger"), ((BOUND, status.ESME_RINVSYSID, 1),)),
    "no name": (bind(b""), ((BOUND, status.ESME_RINVSYSID, 1),)),
    "a name of a thousand letters": (bind(b"s" * 1000), ((BOUND, status.ESME_RINVSYSID, 1),)),
    "no body": (octets(BIND_TRANSCEIVER, 1), ((BOUND, status.ESME_RINVSYSID, 1),)),
    "half a body": (octets(BIND_TRANSCEIVER, 1, b"shop\0sec"), ((BOUND, status.ESME_RINVPASWD, 1),)),
    "a wrong password and then the right one": (
        bind(b"shop", b"guess"), ((BOUND, status.ESME_RINVPASWD, 1), (BOUND, 0, 1))),
    "version 0": (bind(b"shop", version=0), ((BOUND, 0, 1),)),
    "version 255": (bind(b"shop", version=255), ((BOUND, 0, 1),)),
    "a bind and a submit in one piece": (_BIND + whole(SUBMIT_SM, 2, HELLO), ((ANSWER, _NOT_NOW, 2), (BOUND, 0, 1))),
    "two binds in one piece": (_BIND + _BIND, ((BOUND, _NOT_NOW, 1), (BOUND, 0, 1))),
    "a submit before the bind": (whole(SUBMIT_SM, 2, HELLO) + _BIND, ((ANSWER, _NOT_NOW, 2), (BOUND, 0, 1))),
    "unbind before the bind": (octets(UNBIND, 2) + _BIND, ((UNBIND | RESPONSE, _NOT_NOW, 2), (BOUND, 0, 1))),
    "a probe before the bind": (octets(ENQUIRE_LINK, 2) + _BIND, ((ENQUIRE_LINK | RESPONSE, 0, 2), (BOUND, 0, 1))),
    "a nack before the bind": (octets(GENERIC_NACK, 0, status=3) + _BIND, ((BOUND, 0, 1),)),
    "a command nobody knows before the bind": (
        octets(0x777, 2) + _BIND, ((GENERIC_NACK, status.ESME_RINVCMDID, 2), (BOUND, 0, 1))),
}  # fmt: skip


@pytest.mark.parametrize("name", BINDS)
def test_somebody_binds_with(name: str, running: tuple[Site, Run]) -> None:
    site, run = running
    said, answers = BINDS[name]

    async def behave() -> None:
        before = site.messages()
        wire = await site.connected()
        wire.say(said)
        for place, expected in enumerate(answers):
            if place and expected == (BOUND, 0, 1) and answers[place - 1][:1] == (BOUND,) and len(said) < 64:
                wire.say(_BIND)
            assert (await wire.pdu())[:3] == expected
        is_bound = answers[-1] == (BOUND, 0, 1)
        wire.say(whole(SUBMIT_SM, LAST, HELLO))
        assert (await wire.pdu())[:3] == (ANSWER, 0 if is_bound else _NOT_NOW, LAST)
        await wire.hang_up()
        assert site.messages() - before == is_bound

    run(behave())


# -- the end of a link -----------------------------------------------------------------------------------

GARBAGE: dict[str, tuple[bytes, int | None]] = {
    "a length of 0": (octets(SUBMIT_SM, 7, length=0), 7),
    "a length of 15": (octets(SUBMIT_SM, 7, length=15), 7),
    "a length above 128 KiB": (octets(SUBMIT_SM, 7, length=131_073), 7),
    "a length that looks negative": (octets(SUBMIT_SM, 7, length=0xFFFFFFF0), 7),
    "65 KiB of zeros": (bytes(65 * 1024), 0),
    "65 KiB of ones": (b"\xff" * 65 * 1024, 0xFFFFFFFF),
    "a page of the web": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", int.from_bytes(b".1\r\n", "big")),
    "the hello of TLS": (bytes.fromhex("16030100c8010000c40303") + bytes(range(200)), None),
}


@pytest.mark.parametrize("is_bound", [False, True], ids=["before the bind", "on a bind"])
@pytest.mark.parametrize("name", GARBAGE)
def test_a_stream_that_makes_no_sense_ends_its_own_link_only(
    name: str, is_bound: bool, running: tuple[Site, Run]
) -> None:
    site, run = running
    said, number = GARBAGE[name]

    async def behave() -> None:
        wire = await site.connected()
        if is_bound:
            wire.say(_BIND)
            assert (await wire.pdu())[:3] == (BOUND, 0, 1)
        wire.say(said)
        nack = await wire.pdu()
        assert nack[:2] == (GENERIC_NACK, status.ESME_RINVCMDLEN)
        assert number in (None, nack.sequence)
        await wire.ended()
        await wire.hang_up()
        await site.serves()

    run(behave())


def test_a_bind_with_garbage_behind_it_costs_nobody_else_anything(running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        wire = await site.connected()
        wire.say(_BIND, bytes(16))
        await wire.ended()
        await wire.hang_up()
        await site.serves()

    run(behave())


def test_submits_that_are_followed_by_garbage_are_messages_all_the_same(running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        before = site.messages()
        async with site.bound() as wire:
            wire.say(*[whole(SUBMIT_SM, number, HELLO) for number in range(2, 12)], bytes(16))
            await wire.ended()
        await until(lambda: site.messages() - before == 10, "ten messages")

    run(behave())


def test_octets_that_come_one_by_one_are_read_as_if_they_came_together(running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        async with site.bound() as wire:
            await wire.drip(whole(SUBMIT_SM, 7, HELLO) + octets(ENQUIRE_LINK, 8))
            assert {(await wire.pdu())[:3], (await wire.pdu())[:3]} == {
                (ANSWER, 0, 7), (ENQUIRE_LINK | RESPONSE, 0, 8)}  # fmt: skip

    run(behave())


def test_a_text_of_255_parts_is_answered_part_by_part(running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        before = site.messages()
        async with site.bound() as wire:
            wire.say(*[whole(SUBMIT_SM, number, part(99, 255, number, b"1234567")) for number in range(1, 256)])
            heard = [await wire.pdu() for _ in range(255)]
        assert sorted(one.sequence for one in heard) == list(range(1, 256))
        refused = [one for one in heard if one.status]
        # What is longer than a message may be is refused once it is known, with the part that completes it.
        assert len(refused) == (site.messages() == before)

    run(behave())


def test_a_burst_over_the_window_is_answered_in_full(running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        before = site.messages()
        async with site.bound() as wire:
            wire.say(*[whole(SUBMIT_SM, number, HELLO) for number in range(1, 40 * WINDOW)])
            heard = [await wire.pdu() for _ in range(1, 40 * WINDOW)]
        assert sorted(one.sequence for one in heard) == list(range(1, 40 * WINDOW))
        assert {one.status for one in heard} == {0}
        assert site.messages() - before == len(heard)

    run(behave())


def test_one_who_submits_and_never_reads_costs_a_bounded_buffer_and_is_given_up(running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        async with site.bound() as wire:
            link = site.link(wire)
            wire.stop_reading()
            most = 0
            with hurrying(5 * HURRY):
                flood = asyncio.ensure_future(_flood(wire))
                while link in site.server._links:
                    most = max(most, link._transport.get_write_buffer_size())
                    await asyncio.sleep(0.1)
                flood.cancel()
            assert most < 2_000_000
        await site.serves()

    run(behave())


async def _flood(wire: Wire) -> None:
    while True:
        wire.say(octets(ENQUIRE_LINK, 1) * 4096)
        await wire.writer.drain()


LATE = {
    "says nothing": b"",
    "says half a bind": _BIND[:20],
    "only probes": octets(ENQUIRE_LINK, 1),
    "guesses": bind(b"stranger"),
}
BIND_S = 10.0


@pytest.mark.parametrize("name", LATE)
def test_somebody_does_not_bind_in_time_who(name: str, running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        wire = await site.connected()
        began = asyncio.get_running_loop().time()
        wire.say(LATE[name])
        if len(LATE[name]) >= 16 and LATE[name] != _BIND[:20]:
            await wire.pdu()
        with hurrying(HURRY):
            await wire.ended()
        assert BIND_S - 1 < asyncio.get_running_loop().time() - began < 3 * BIND_S
        await wire.hang_up()
        await site.serves()

    run(behave())


ENDS: dict[str, tuple[bytes, bool]] = {
    "a reset": (b"", True),
    "a reset in the middle of a PDU": (whole(SUBMIT_SM, 9, HELLO)[:21], True),
    "an end in the middle of a PDU": (whole(SUBMIT_SM, 9, HELLO)[:21], False),
}


@pytest.mark.parametrize("name", ENDS)
def test_what_was_taken_is_sent_when_the_link_ends_by(name: str, running: tuple[Site, Run]) -> None:
    site, run = running
    said, is_reset = ENDS[name]

    async def behave() -> None:
        before = site.messages()
        async with site.bound() as wire:
            wire.say(whole(SUBMIT_SM, 7, HELLO), said)
            assert (await wire.pdu())[:3] == (ANSWER, 0, 7)
            if is_reset:
                wire.reset()
        await until(lambda: not any(link.customer for link in site.server._links), "the link gone")
        assert site.messages() - before == 1
        await site.serves()

    run(behave())


def test_who_says_good_bye_in_the_middle_gets_his_answers_first(running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        before = site.messages()
        async with site.bound() as wire:
            wire.say(*[whole(SUBMIT_SM, number, HELLO) for number in range(2, 12)], octets(UNBIND, 12))
            heard = await wire.ended()
        accepted = [one.sequence for one in heard if one[:2] == (ANSWER, 0)]
        assert (UNBIND | RESPONSE, 0, 12) in [one[:3] for one in heard]
        assert site.messages() - before == 10
        assert accepted == list(range(2, 12))

    run(behave())


def test_many_who_connect_and_say_nothing_keep_no_customer_out(running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        silent = [await site.connected() for _ in range(60)]
        bound = await site.connected()
        bound.say(_BIND)
        for wire in silent:
            await wire.hang_up()
        await bound.hang_up()
        await site.serves()

    run(behave())


# -- what he is told -------------------------------------------------------------------------------------

Says = Callable[[int], bytes]


def says(body: bytes = b"\0", state: int = 0, command: int = DELIVER_SM | RESPONSE) -> Says:
    return lambda number: octets(command, number, body, state)


TAKEN: dict[str, tuple[Says, dict[str, int]]] = {
    "an answer without a body": (says(b""), {}),
    "an answer with an id": (says(b"7\0"), {}),
    "an answer without its NUL": (says(b"7"), {oddities.NO_FINAL_NUL: 1}),
    "an answer with an id of 200 octets": (says(b"7" * 200 + b"\0"), {oddities.FIELD_TOO_LONG: 1}),
    "an answer and octets behind it": (says(b"\0odd"), {oddities.TRAILING_BYTES: 1}),
    "an answer twice": (lambda n: 2 * says()(n), {oddities.UNKNOWN_ANSWER: 1}),
    "a yes and then a no": (lambda n: says()(n) + says(b"", 8)(n), {oddities.UNKNOWN_ANSWER: 1}),
    "an answer of another kind before it": (
        lambda n: says(command=ANSWER)(n) + says()(n), {oddities.OTHER_ANSWER: 1}),
    "an answer to another number before it": (lambda n: says()(4711) + says()(n), {oddities.UNKNOWN_ANSWER: 1}),
    "an answer without the bit that makes it one before it": (
        lambda n: says(command=DELIVER_SM)(n) + says()(n),
        {oddities.NOT_LEGAL: 1, oddities.BODY_ENDS_EARLY: 0}),
    "a refusal for good": (says(b"", 0x65), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_a_delivery_is_taken_with(name: str, running: tuple[Site, Run]) -> None:
    site, run = running
    say, odd = TAKEN[name]

    async def behave() -> None:
        async with site.bound() as wire:
            await site.tell()
            delivery = await wire.until(DELIVER_SM)
            wire.say(say(delivery.sequence), octets(ENQUIRE_LINK, 1))
            await wire.until(ENQUIRE_LINK | RESPONSE)
            await until(lambda: site.waiting() == 0, "taken")
            assert site.link(wire).oddities == {name: count for name, count in odd.items() if count}
        await site.serves()

    run(behave())


AGAIN: dict[str, tuple[Says, dict[str, int]]] = {
    "a refusal for now": (says(b"", 0x64), {}),
    "a status nobody knows": (says(b"", 0x12345678), {}),
    "a nack without a reason": (says(b"", 0, GENERIC_NACK), {oddities.NACK_WITHOUT_REASON: 1}),
}


@pytest.mark.parametrize("name", AGAIN)
def test_a_delivery_comes_again_after(name: str, running: tuple[Site, Run]) -> None:
    site, run = running
    say, odd = AGAIN[name]

    async def behave() -> None:
        async with site.bound() as wire:
            await site.tell()
            first = await wire.until(DELIVER_SM)
            wire.say(say(first.sequence))
            second = await wire.until(DELIVER_SM)
            assert (second.body, second.sequence != first.sequence) == (first.body, True)
            wire.say(answered(second, b"\0"))
            await until(lambda: site.waiting() == 0, "taken")
            assert site.link(wire).oddities == odd

    run(behave())


async def told(wire: Wire) -> Heard:
    """The next delivery of somebody who is alive."""
    while (heard := await wire.pdu()).command != DELIVER_SM:
        if heard.command == ENQUIRE_LINK:
            wire.say(answered(heard))
    return heard


def test_one_who_acknowledges_nothing_is_told_no_more_than_his_window_and_then_again(running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        await site.tell(TOLD_AT_ONCE + 1)
        async with site.bound() as wire:
            first = [(await told(wire)).body for _ in range(TOLD_AT_ONCE)]
            wire.say(whole(SUBMIT_SM, 7, HELLO))
            assert (await wire.pdu()).command == ANSWER
            with hurrying(HURRY):
                while (await told(wire)).body not in first:
                    assert site.link(wire).in_flight <= TOLD_AT_ONCE
            assert site.waiting() == TOLD_AT_ONCE + 1
        await site.store.write(lambda tx: bound_deliveries.delete_of(tx, site.user.id))

    run(behave())


def test_what_was_told_on_a_link_that_is_lost_is_told_on_the_next(running: tuple[Site, Run]) -> None:
    site, run = running

    async def behave() -> None:
        await site.tell()
        async with site.bound() as wire:
            first = await wire.until(DELIVER_SM)
            wire.reset()
        async with site.bound() as wire:
            second = await wire.until(DELIVER_SM)
            wire.say(answered(second, b"\0"))
            await until(lambda: site.waiting() == 0, "taken")
        assert first.body == second.body

    run(behave())


MODES: dict[str, tuple[int, int, int]] = {
    "a receiver": (commands.BIND_RECEIVER, SUBMIT_SM, _NOT_NOW),
    "a transmitter": (commands.BIND_TRANSMITTER, DELIVER_SM, _NOT_NOW),
}


@pytest.mark.parametrize("name", MODES)
def test_what_does_not_fit_its_bind_is_refused_to(name: str, running: tuple[Site, Run]) -> None:
    site, run = running
    mode, command, state = MODES[name]

    async def behave() -> None:
        async with site.bound(command=mode) as wire:
            wire.say(whole(command, 7, HELLO))
            assert (await wire.pdu())[:3] == (command | RESPONSE, state, 7)
            assert site.link(wire).oddities == {oddities.NOT_LEGAL: 1}

    run(behave())


# -- the port with TLS -----------------------------------------------------------------------------------


def test_the_port_with_tls_serves_who_speaks_it_and_nobody_else(tmp_path: Path) -> None:
    async def behave() -> None:
        context, trusted = self_signed(tmp_path)
        async with installation(tmp_path) as made, AsyncExitStack() as stack:
            user = await add_user(made.store, made.account)
            served = await stack.enter_async_context(centre(made.store, made.ids, made.use_cases, context=context))
            site = Site(served, user)
            plain = await site.connected()
            plain.say(_BIND)
            assert [one for one in await plain.ended() if one.command == BOUND] == []
            await plain.hang_up()
            client = ssl.create_default_context(cafile=trusted)
            wire = Wire(*await asyncio.open_connection("127.0.0.1", site.port, ssl=client))
            wire.say(_BIND)
            assert (await wire.pdu())[:3] == (BOUND, 0, 1)
            await wire.hang_up()

    run_fast(behave())


def test_a_fault_of_ours_in_the_timers_of_a_link_cuts_that_link_and_no_other(
    running: tuple[Site, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, run = running

    def faulty(now: float) -> None:
        raise KeyError("a fault of ours")

    async def behave() -> None:
        async with site.bound() as wire, site.bound() as other:
            link = site.link(wire)
            monkeypatch.setattr(link.session, "tick", faulty)
            link._tick()
            assert await wire.ended() == []
            other.say(whole(SUBMIT_SM, 2, HELLO))
            assert (await other.pdu())[:3] == (ANSWER, 0, 2)

    run(behave())
