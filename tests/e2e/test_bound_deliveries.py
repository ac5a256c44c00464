"""Receipts and replies for customers who bind: none is lost, whatever the customer does with them."""

import asyncio
import contextlib
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chappe.carriers.simulator import SimulatorOptions
from chappe.domain.bound_deliveries import BoundReceipt
from chappe.domain.lifecycle import Dlr
from chappe.domain.rulebook import Defaults
from chappe.pipeline import bound_outbox
from chappe.pipeline.bound_outbox import DeliveryExpirer
from chappe.pipeline.contact_answers import ContactAnswers
from chappe.pipeline.receive import Receiver
from chappe.pipeline.rules import Rules
from chappe.store import bound_deliveries, replies
from chappe.store.bound_deliveries import NewDelivery
from chappe.store.clock import now_ms
from chappe.surfaces.smpp_server import customer as customers
from chappe.surfaces.smpp_server import link
from chappe.surfaces.smpp_server.link import Link
from chappe.telecom import gsm7
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import Bind, ShortMessage
from chappe.telecom.smpp.commands import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER
from chappe.telecom.smpp.pdu import Pdu, encode
from chappe.telecom.udh import find_concatenation, split_udh
from tests.bound import (
    HELLO,
    PASSWORD,
    SYSTEM_ID,
    Centre,
    add_user,
    centre,
    customer,
    rows,
    served,
    served_with_carrier,
    submitted,
)
from tests.builders import STRANGER_EMAIL, on_loop
from tests.esme import Esme, until
from tests.sending import Sending, sending_to

INTERMEDIATE = 0x10
FLOOD = 6000


async def queue(office: Centre, count: int, *, user: int = 1, first: int = 1, message: int | None = None) -> None:
    """Receipts as the gateway writes them."""
    news = [
        NewDelivery(user, message or first + i, BoundReceipt(
            first + i, Dlr.DELIVERED, True, "5 0 SHOP", "1 1 33612345678", now_ms(), now_ms()
        ))
        for i in range(count)
    ]  # fmt: skip
    await office.store.write(lambda tx: bound_deliveries.insert(tx, news, now_ms()))


def waiting(office: Centre) -> int:
    return int(rows(office.store, "SELECT COUNT(*) FROM bound_delivery")[0][0])


def ids(bound: Esme) -> list[str]:
    return [receipt.message_id for receipt in bound.receipts()]


@on_loop
async def test_receipts_of_real_messages_come_and_go(tmp_path: Path) -> None:
    async with served_with_carrier(tmp_path) as (_, office, carrier), customer(office) as bound:
        answers = await submitted(bound, *[HELLO._replace(destination=f"336123{i:05}") for i in range(100)])
        await until(lambda: len(bound.deliveries) >= 100, "100 receipts")
        assert Counter(ids(bound)) == Counter(message_id for _, message_id in answers)
        await until(lambda: waiting(office) == 0, "nothing waits")
        assert carrier.stats().accepted == 100


@on_loop
async def test_only_what_was_asked_for_is_told(tmp_path: Path) -> None:
    options = SimulatorOptions(
        port=0, control_port=0, receipt_delay_s=0.3, outcomes={"delivered": 50, "undeliverable": 50}, seed=3
    )
    async with sending_to(tmp_path, options) as (site, _):
        await add_user(site.store, site.account)
        async with centre(site.store, site.ids, site.use_cases) as office, customer(office) as bound:
            asked = [0, 1, 2, 3, INTERMEDIATE | 1] * 8
            bodies = [HELLO._replace(destination=f"336123{i:05}", registered_delivery=a) for i, a in enumerate(asked)]
            answers = await submitted(bound, *bodies)
            sql = "SELECT COUNT(*) FROM message WHERE state IN (0, 1)"
            await until(lambda: not rows(site.store, sql)[0][0], "all are final")
            await until(lambda: waiting(office) == 0, "nothing waits")
            states: dict[int, bool] = dict(rows(site.store, "SELECT id, state = 2 FROM message"))
            told: dict[str, list[tuple[int, str]]] = {}
            for body, receipt in zip(bound.deliveries, bound.receipts(), strict=True):
                told.setdefault(receipt.message_id, []).append((body.esm_class, receipt.state))
            for registered, (_, message_id) in zip(asked, answers, strict=True):
                is_delivered = bool(states[int(message_id)])
                final = [(4, "DELIVRD")] if is_delivered else [(4, told.get(message_id, [(4, "")])[-1][1])]
                wanted = {0: [], 1: final, 2: [] if is_delivered else final, 3: final if is_delivered else []}
                # That it is on its way is told only while its end is not known.
                found = [each for each in told.get(message_id, []) if each != (0x20, "ENROUTE") or registered < 16]
                assert found == wanted.get(registered, final)


@on_loop
async def test_who_asks_for_it_is_told_that_a_message_is_on_its_way(tmp_path: Path) -> None:
    options = SimulatorOptions(port=0, control_port=0, outcomes={"none": 1})
    async with sending_to(tmp_path, options) as (site, _):
        await add_user(site.store, site.account)
        async with centre(site.store, site.ids, site.use_cases) as office, customer(office) as bound:
            [(_, asked), _] = await submitted(bound, HELLO._replace(registered_delivery=INTERMEDIATE), HELLO)
            await until(lambda: bool(bound.deliveries), "it is told")
            [receipt] = bound.receipts()
            assert (receipt.message_id, receipt.state, receipt.is_final) == (asked, "ENROUTE", False)
            assert bound.deliveries[0].esm_class == 0x20


@on_loop
async def test_what_nobody_takes_waits_and_is_given_to_any_receiver(tmp_path: Path) -> None:
    async with served(tmp_path, deliveries=10) as (_, office):
        await queue(office, 50)
        async with customer(office, command=BIND_TRANSMITTER) as transmitter:
            await asyncio.sleep(0.1)
            assert transmitter.deliveries == []
        async with customer(office, command=BIND_RECEIVER) as one, customer(office) as other:
            await until(lambda: waiting(office) == 0, "all are taken")
            await queue(office, 50, first=51)
            await until(lambda: waiting(office) == 0, "all are taken")
            assert sorted(map(int, ids(one) + ids(other))) == list(range(1, 101))
            assert one.deliveries
            assert other.deliveries


@on_loop
async def test_a_customer_has_only_so_many_in_his_hands(tmp_path: Path) -> None:
    async with served(tmp_path, deliveries=7) as (_, office), customer(office) as bound:
        bound.acknowledge_with = None
        await queue(office, 50)
        await until(lambda: len(bound.deliveries) == 7, "his window is full")
        await asyncio.sleep(0.2)
        assert len(bound.deliveries) == 7
        assert waiting(office) == 50
        await office.binds.change(SYSTEM_ID, {"deliveries": 9}, None, "tests")
        await until(lambda: len(bound.deliveries) == 9, "his window has grown")


@on_loop
async def test_what_a_customer_did_not_acknowledge_is_given_again_when_he_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bound_outbox, "_WAITS_S", (0.2,))
    async with served(tmp_path, deliveries=5) as (_, office):
        async with customer(office) as bound:
            bound.acknowledge_with = None
            await queue(office, 20)
            await until(lambda: len(bound.deliveries) == 5, "his window is full")
            bound.transport.abort()
            await until(lambda: bound.lost is not None, "the link is lost")
        async with customer(office) as again:
            await until(lambda: waiting(office) == 0, "all are taken")
            assert sorted(map(int, ids(again))) == list(range(1, 21))


@pytest.mark.parametrize("status", [0x64, 0x14, 0x08, 0x58])
@on_loop
async def test_what_a_customer_cannot_take_now_is_given_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(bound_outbox, "_WAITS_S", (0.1, 0.2))
    monkeypatch.setattr(customers, "BUSY_S", 0.2)
    async with served(tmp_path) as (_, office), customer(office) as bound:
        bound.acknowledge_with = status
        await queue(office, 3)
        await until(lambda: len(bound.deliveries) >= 6, "each is tried twice")
        bound.acknowledge_with = 0
        await until(lambda: waiting(office) == 0, "all are taken")


@on_loop
async def test_what_a_customer_will_never_take_is_not_in_his_way(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, office), customer(office) as bound:
        bound.acknowledge_with = 0x65
        await queue(office, 3)
        await until(lambda: waiting(office) == 0, "all are given up")
        assert len(bound.deliveries) == 3


@on_loop
async def test_what_is_not_answered_in_time_is_given_again_and_a_late_answer_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bound_outbox, "_WAITS_S", (30.0,))
    monkeypatch.setattr(link, "ACKNOWLEDGE_S", 0.3)
    async with served(tmp_path) as (_, office), customer(office) as bound:
        bound.acknowledge_with = None
        await queue(office, 2)
        await until(lambda: rows(office.store, "SELECT attempts FROM bound_delivery") == [(1,), (1,)], "timed out")
        bound.session.acknowledge([1, 2])
        bound.flush()
        await until(lambda: waiting(office) == 0, "the late answers count")
        assert len(bound.deliveries) == 2


@on_loop
async def test_two_receipts_of_one_id_come_one_after_the_other(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, office), customer(office) as bound, customer(office) as other:
        bound.acknowledge_with = other.acknowledge_with = None
        await queue(office, 1, first=5, message=9)
        await queue(office, 1, first=5, message=9)
        await queue(office, 1, first=6, message=9)
        await until(lambda: len(bound.deliveries + other.deliveries) == 2, "one of each id")
        await asyncio.sleep(0.2)
        assert sorted(ids(bound) + ids(other)) == ["5", "6"]
        for each in (bound, other):
            each.acknowledge_with = 0
            each.session.acknowledge(range(1, len(each.deliveries) + 1))
            each.flush()
        await until(lambda: waiting(office) == 0, "all are taken")


@on_loop
async def test_a_receipt_that_says_more_takes_the_place_of_one_that_waits(tmp_path: Path) -> None:
    async with served_with_carrier(tmp_path) as (site, office, _):
        async with customer(office, command=BIND_TRANSMITTER) as bound:
            await submitted(bound, HELLO._replace(registered_delivery=INTERMEDIATE | 1))
            await until(lambda: bool(rows(site.store, "SELECT 1 FROM message WHERE state = 2")), "delivered")
        async with customer(office) as bound:
            await until(lambda: bool(bound.deliveries) and waiting(office) == 0, "all is told")
            assert [receipt.state for receipt in bound.receipts()] == ["DELIVRD"]


@on_loop
async def test_what_nobody_took_for_days_is_given_up_and_counted(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, office):
        await queue(office, 3)
        await DeliveryExpirer(office.store, keep_days=7).once()
        assert waiting(office) == 3
        await DeliveryExpirer(office.store, keep_days=-1).once()
        assert waiting(office) == 0
        [view] = await office.binds.list()
        assert view.user.expired == 3


@on_loop
async def test_one_customers_deliveries_are_not_anothers(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office):
        stranger = await add_user(site.store, site.use_cases.accounts.find(STRANGER_EMAIL), "stranger")
        await queue(office, 5)
        await queue(office, 5, user=stranger.id, first=100)
        async with customer(office) as bound, customer(office, "stranger") as other:
            await until(lambda: waiting(office) == 0, "all are taken")
            assert sorted(map(int, ids(bound))) == [1, 2, 3, 4, 5]
            assert sorted(map(int, ids(other))) == [100, 101, 102, 103, 104]


# -- replies


async def reply(site: Sending, *texts: str, number: str = "33612345678") -> None:
    """People answer, and the worker gives their answers to their owners."""
    from chappe.domain.outcomes import ReplyIn

    for text in texts:
        await site.store.write(lambda tx, text=text: replies.insert(tx, 1, [ReplyIn(number, "36180", text)], now_ms()))  # type: ignore[misc]
    rules = Rules(site.store, Defaults())
    answers = ContactAnswers(site.store, rules, site.use_cases.submitter)
    await Receiver(site.store, site.ids, rules, answers, window_days=30, parts_wait_s=60).once()


def words(body: ShortMessage) -> str:
    octets = body.short_message or tlv.find(body.tlvs, tlv.MESSAGE_PAYLOAD) or b""
    if body.esm_class & 0x40:
        octets = split_udh(octets)[1]
    return octets.decode("utf-16-be") if body.data_coding == 8 else gsm7.decode(octets)


@on_loop
async def test_a_reply_goes_to_the_user_whose_message_was_answered(tmp_path: Path) -> None:
    async with served_with_carrier(tmp_path) as (site, office, _):
        await add_user(site.store, site.account, "branch")
        async with customer(office) as bound, customer(office, "branch") as branch:
            await submitted(branch, HELLO._replace(registered_delivery=0))
            await until(lambda: bool(rows(site.store, "SELECT 1 FROM message WHERE state > 0")), "sent")
            await reply(site, "Merci à vous")
            await until(lambda: bool(branch.deliveries), "the reply")
            [body] = branch.deliveries
            assert body[:8] == (1, 1, "33612345678", 3, 0, "36180", 0, 0)
            assert words(body) == "Merci à vous"
            assert bound.deliveries == []


@on_loop
async def test_a_reply_to_a_message_over_http_goes_to_the_first_who_takes_replies(tmp_path: Path) -> None:
    async with served_with_carrier(tmp_path, replies=False) as (site, office, _):
        await add_user(site.store, site.account, "branch")
        async with customer(office) as bound, customer(office, "branch") as branch:
            await site.submit("33612345678")
            await until(lambda: bool(rows(site.store, "SELECT 1 FROM message WHERE state > 0")), "sent")
            await reply(site, "STOP")
            await until(lambda: bool(branch.deliveries), "the reply")
            assert words(branch.deliveries[0]) == "STOP"
            assert bound.deliveries == []


@pytest.mark.parametrize("text", ["Merci " * 60, "漢字 " * 60])
@on_loop
async def test_a_long_reply_comes_in_parts_that_belong_together(tmp_path: Path, text: str) -> None:
    async with served_with_carrier(tmp_path) as (site, office, _), customer(office) as bound:
        await submitted(bound, HELLO._replace(registered_delivery=0))
        await until(lambda: bool(rows(site.store, "SELECT 1 FROM message WHERE state > 0")), "sent")
        await reply(site, text)
        await until(lambda: waiting(office) == 0 and len(bound.deliveries) > 2, "all parts")
        places = [find_concatenation(split_udh(body.short_message)[0]) for body in bound.deliveries]
        found = {place.number: words(body) for place, body in zip(places, bound.deliveries, strict=True) if place}
        assert "".join(found[number] for number in sorted(found)) == text
        assert len({place.reference for place in places if place}) == 1


# -- customers who do not read


@on_loop
async def test_a_customer_who_does_not_read_takes_no_memory(tmp_path: Path) -> None:
    async with served(tmp_path, deliveries=1000, window=100) as (site, office):
        await site.use_cases.credits.add(site.account, 100_000)
        async with _silent_bind(office) as (slow, stuck):
            await queue(office, 10_000)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    while True:  # he never reads an answer
                        await asyncio.get_running_loop().sock_sendall(slow, encode(Pdu(4, 0, 7, HELLO)) * 100)
            assert stuck._transport.get_write_buffer_size() < 500_000
            before = stuck.received
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await asyncio.get_running_loop().sock_sendall(slow, encode(Pdu(4, 0, 7, HELLO)) * 100)
            assert stuck.received == before
            async with customer(office) as fine:
                assert [status for status, _ in await submitted(fine, HELLO)] == [0]


@asynccontextmanager
async def _silent_bind(office: Centre) -> AsyncIterator[tuple[socket.socket, Link]]:
    """A bind on a socket with small buffers, which is never read again; and our end of it."""
    loop = asyncio.get_running_loop()
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        found.setblocking(False)
        await loop.sock_connect(found, ("127.0.0.1", office.port))
        await loop.sock_sendall(found, encode(Pdu(9, 0, 1, Bind(BIND_TRANSCEIVER, SYSTEM_ID, PASSWORD))))
        await loop.sock_recv(found, 16)
        [ours] = [each for each in office.server._links if each.customer]
        ours._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        yield found, ours


@on_loop
async def test_a_flood_is_slowed_down_by_not_reading(tmp_path: Path) -> None:
    async with served(tmp_path, window=50) as (site, office), customer(office) as bound:
        await site.use_cases.credits.add(site.account, 100_000)
        bound.transport.write(encode(Pdu(4, 0, 7, HELLO._replace(registered_delivery=0))) * FLOOD)
        [flooded] = [each for each in office.server._links if each.customer]
        most, end = 0, time.monotonic() + 60
        while flooded.received < FLOOD or flooded._unanswered:
            most = max(most, flooded._unanswered)
            assert time.monotonic() < end
            await asyncio.sleep(0)
        # What one read brings is taken; the next one waits until it is answered.
        assert most < FLOOD
        assert rows(site.store, "SELECT COUNT(*) FROM message") == [(FLOOD,)]
