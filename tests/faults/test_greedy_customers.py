"""Customers who bind as they should and then want more than their share: of memory, and of their rate."""

import asyncio
from pathlib import Path

import apsw
import pytest
import uvloop

from chappe.store.bound_deliveries import DueDelivery
from chappe.surfaces.smpp_server import link, server
from chappe.telecom.smpp import status, tlv
from chappe.telecom.smpp.bodies import Bind, ShortMessage
from chappe.telecom.smpp.commands import BIND_TRANSCEIVER, DELIVER_SM, GENERIC_NACK, RESPONSE, SUBMIT_SM
from chappe.telecom.smpp.events import Answers
from tests.bound import PASSWORD, SYSTEM_ID, Centre, customer, served, submitted
from tests.builders import on_loop
from tests.esme import until
from tests.fast_clock import run_fast
from tests.faults.bad_customers import ANSWER, HELLO, whole
from tests.smpp_wire import Wire, octets

BIND = whole(BIND_TRANSCEIVER, 1, Bind(BIND_TRANSCEIVER, SYSTEM_ID, PASSWORD))
LARGE = HELLO._replace(short_message=b"", tlvs=tlv.encode([(tlv.MESSAGE_PAYLOAD, b"long " * 12_000)]))
MANY = 200


async def bound(office: Centre) -> tuple[Wire, link.Link]:
    wire = Wire(*await asyncio.open_connection("127.0.0.1", office.port))
    wire.say(BIND)
    assert (await wire.pdu())[:3] == (BIND_TRANSCEIVER | RESPONSE, 0, 1)
    [his] = office.server._links
    return wire, his


def test_large_submits_that_wait_for_answers_are_read_up_to_two_megabytes(tmp_path: Path) -> None:
    async def behave() -> None:
        async with served(tmp_path) as (_, office):
            wire, his = await bound(office)
            wire.say(whole(SUBMIT_SM, 2, HELLO))  # the calendar of the legal hours is loaded
            await wire.pdu()
            [database] = tmp_path.rglob("*.db")
            busy = apsw.Connection(str(database))
            busy.execute("BEGIN IMMEDIATE")
            wire.say(whole(SUBMIT_SM, 2, HELLO), *[whole(SUBMIT_SM, 3 + n, LARGE) for n in range(MANY)])
            await until(lambda: not his._is_reading, "no more is read", 10)
            assert (his.received - 1) * 60_000 < link.MAX_UNANSWERED_BYTES + 1_000_000
            busy.execute("ROLLBACK")
            busy.close()
            heard = [await wire.pdu() for _ in range(MANY + 1)]
            assert sorted(one.sequence for one in heard) == list(range(2, MANY + 3))
            assert {one.command for one in heard} == {ANSWER}
            await wire.hang_up()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(behave())


@on_loop
async def test_no_pdu_is_longer_than_the_longest_that_makes_sense(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, office):
        wire, _ = await bound(office)
        wire.say(octets(SUBMIT_SM, 7, length=72 * 1024 + 1))
        assert (await wire.pdu())[:3] == (GENERIC_NACK, status.ESME_RINVCMDLEN, 7)
        await wire.ended()
        await wire.hang_up()


@on_loop
async def test_of_deliveries_that_nobody_acknowledged_the_last_2000_are_remembered() -> None:
    his = link.Link(None, is_tls=False, admits=lambda _: True)  # type: ignore[arg-type]
    session, now = his.session, asyncio.get_running_loop().time()
    session.receive(BIND, now)
    session.accept_bind()
    session.window = 1000
    told = ShortMessage(1, 1, "33612345678", 5, 0, "SHOP", 0, 0, b"Oui")
    for round_ in range(5):
        tokens = [DueDelivery(1000 * round_ + n, None, None, 0) for n in range(1000)]  # type: ignore[arg-type]
        assert not session.deliver([(each, told) for each in tokens], now)
        session.data_to_send()
        session.receive(octets(0x15, 1), now + 59)  # he is there
        now += 61
        session.tick(now)
    late: list[int] = []
    for event in session.receive(b"".join(octets(DELIVER_SM | RESPONSE, n, b"\0") for n in range(1, 5020)), now):
        if isinstance(event, Answers) and event.late:
            late += [each.id for each, _, _ in event.items]
    assert sorted(late) == list(range(3000, 5000))


def test_who_binds_again_does_not_begin_with_a_new_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REFRESH_S", 0.02)

    async def behave() -> None:
        async with served(tmp_path, rate=100) as (_, office):
            async with customer(office) as me:
                assert {each for each, _ in await submitted(me, *[HELLO] * 5)} == {0}
                await asyncio.sleep(1.1)
                assert {each for each, _ in await submitted(me, *[HELLO] * 100)} == {0}
            await until(lambda: not office.server._links, "gone")
            await asyncio.sleep(0.1)
            async with customer(office) as me:
                answers = [each for each, _ in await submitted(me, *[HELLO] * 100)]
            assert status.ESME_RTHROTTLED in answers
            monkeypatch.setattr(server, "FORGET_S", 0.1)
            await until(lambda: not office.server._customers, "forgotten at last")

    run_fast(behave(), speed=0.2)
