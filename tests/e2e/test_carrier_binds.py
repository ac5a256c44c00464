"""How carriers are bound: pairs, versions, good-byes, pauses and changes, with a real gateway on real sockets."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from chappe.carriers import smpp
from chappe.carriers.connection import Address
from chappe.carriers.simulator import Simulator
from chappe.carriers.smpp_options import OwnField, SmppOptions
from chappe.carriers.trial import try_binds
from chappe.manage.carrier_status import CarrierStatus
from chappe.manage.carriers import Changes
from chappe.telecom.smpp import commands, tlv
from chappe.telecom.smpp.bodies import Bind
from chappe.telecom.smpp.pdu import decode_body
from tests.builders import on_loop
from tests.sending import Sending, installation, sending_to, simulated, until
from tests.smpp_wire import Heard, Wire, listening, octets

NUMBERS = [f"336{i:08d}" for i in range(10_000_000, 10_000_400)]
# The carrier of a test is bound again without waiting a second.
SOON = 0.02


def soon(**options: Any) -> SmppOptions:
    return SmppOptions(bind_gap_s=SOON, **options)


async def shown(sending: Sending, what: str, condition: Any) -> CarrierStatus:
    """Wait until the carrier's status is as wanted; the gateway reports once a second."""
    deadline = asyncio.get_running_loop().time() + 20
    while not condition(status := await sending.carrier()):
        assert asyncio.get_running_loop().time() < deadline, (what, status)
        await asyncio.sleep(0.05)
    return status


# -- pairs -----------------------------------------------------------------------------------------------


@on_loop
async def test_pairs_send_over_transmitters_and_hear_over_receivers(tmp_path: Path) -> None:
    async with sending_to(tmp_path, smpp=soon(bind_mode="pair"), binds=2) as (sending, carrier):
        status = await shown(sending, "bound", lambda now: [bind.state for bind in now.binds] == ["bound"] * 4)
        assert [bind.mode for bind in status.binds] == ["transmitter"] * 2 + ["receiver"] * 2
        ticket = await sending.submit(*NUMBERS[:50])
        await sending.until_all(ticket, "delivered")
        carrier.reply(NUMBERS[0], "36173", "Oui")
        await until(lambda: carrier.stats().acknowledged == 51, "the reply")
        status = await shown(sending, "counts", lambda now: sum(bind.submitted for bind in now.binds) == 50)
        assert [bind.submitted > 0 for bind in status.binds] == [True, True, False, False]


@on_loop
async def test_a_pair_may_have_fewer_receivers_and_sends_while_they_are_away(tmp_path: Path) -> None:
    async with sending_to(tmp_path, smpp=soon(bind_mode="pair", receivers=1), binds=2) as (sending, carrier):
        status = await shown(sending, "bound", lambda now: [bind.state for bind in now.binds] == ["bound"] * 3)
        assert [bind.mode for bind in status.binds] == ["transmitter", "transmitter", "receiver"]
        ticket = await sending.submit(*NUMBERS[:20])
        await sending.until_all(ticket, "delivered")
        assert carrier.stats().doubled == 0


# -- what the bind says ----------------------------------------------------------------------------------


class Centre:
    """A centre that says what version it speaks, and answers everything."""

    def __init__(self, version: int | None) -> None:
        self.version = version
        self.binds: list[Bind] = []
        self.submits: list[Any] = []

    async def live(self, wire: Wire) -> None:
        while True:
            heard = await wire.pdu()
            body, _ = decode_body(heard.command, heard.body, 0, len(heard.body))
            if isinstance(body, Bind):
                self.binds.append(body)
                told = b"" if self.version is None else tlv.encode([(tlv.SC_INTERFACE_VERSION, bytes((self.version,)))])
                wire.say(answer(heard, b"centre\0" + told))
            elif heard.command == commands.SUBMIT_SM:
                self.submits.append(body)
                wire.say(answer(heard, f"{len(self.submits)}\0".encode()))
            else:
                wire.say(answer(heard))
                if heard.command == commands.UNBIND:
                    return


def answer(heard: Heard, body: bytes = b"") -> bytes:
    return octets(heard.command | commands.RESPONSE, heard.sequence, body)


@pytest.mark.parametrize(
    ("ours", "theirs", "settings", "has_fields"),
    [
        ("3.3", None, "auto", False),
        ("3.3", 0x34, "auto", True),
        ("3.4", None, "auto", True),
        ("3.4", 0x33, "auto", False),
        ("5.0", 0x50, "auto", True),
        ("5.0", 0x34, "auto", True),
        ("3.4", 0x33, "always", True),
        ("3.4", 0x34, "never", False),
    ],
)
def test_a_centre_gets_fields_only_where_it_knows_them(
    tmp_path: Path, ours: Any, theirs: int | None, settings: Any, has_fields: bool
) -> None:
    @on_loop
    async def scenario() -> None:
        centre = Centre(theirs)
        server, port = await listening(centre.live)
        options = soon(
            interface_version=ours, optional_fields=settings, long_messages="sar", system_type="SMS", addr_ton=1,
            addr_npi=1, address_range="^336", fields=(OwnField(0x1401, "int8", "1"),),
        )  # fmt: skip
        async with installation(tmp_path) as sending:
            await sending.add_carrier(port, options=options)
            sending.start_gateway()
            await sending.bound()
            ticket = await sending.submit(NUMBERS[0], text="x" * 161)
            await sending.until_all(ticket, "sent")
        (bind,) = centre.binds
        assert f"{bind.interface_version:#x}" == {"3.3": "0x33", "3.4": "0x34", "5.0": "0x50"}[ours]
        assert (bind.system_type, bind.addr_ton, bind.addr_npi, bind.address_range) == ("SMS", 1, 1, "^336")
        tags = [[tag for tag, _ in tlv.parse(body.tlvs)] for body in centre.submits]
        assert tags == ([[0x1401, 0x20C, 0x20E, 0x20F]] * 2 if has_fields else [[], []])
        assert {body.esm_class for body in centre.submits} == ({0} if has_fields else {0x40})
        server.close()

    scenario()


@on_loop
async def test_an_account_is_never_bound_faster_than_it_may_be(tmp_path: Path) -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()

    async def refuse(wire: Wire) -> None:
        heard = await wire.pdu()
        times.append(loop.time())
        wire.say(octets(heard.command | commands.RESPONSE, heard.sequence, status=0x08))

    server, port = await listening(refuse)
    options = SmppOptions(bind_gap_s=0.2, bind_mode="pair")
    async with installation(tmp_path) as sending:
        await sending.add_carrier(port, options=options, binds=2)
        sending.start_gateway()
        await until(lambda: len(times) >= 6, "six binds")
        assert min(b - a for a, b in pairwise(times)) > 0.15
    server.close()


# -- good-byes -------------------------------------------------------------------------------------------


@pytest.fixture
def _soon_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bind has stood after a moment."""
    monkeypatch.setattr(smpp, "STOOD_S", 0.3)


@pytest.mark.usefixtures("_soon_stood")
@on_loop
async def test_a_centre_that_unbinds_every_now_and_then_loses_and_doubles_nothing(tmp_path: Path) -> None:
    options = simulated(latency_s=0.02, latency_jitter_s=0.02, script="unbind every 900ms")
    async with sending_to(tmp_path, options, soon(), window=10, rate=120) as (sending, carrier):
        ticket = await sending.submit(*NUMBERS[:300])
        await sending.until_all(ticket, "delivered", within_s=40)
        stats = carrier.stats()
        assert stats.binds_accepted >= 3
        assert (stats.doubled, stats.received) == (0, 300 + sum(stats.refused.values()))
        assert sorted(each.destination for each in carrier.messages() if each.status == 0) == NUMBERS[:300]
        steps = {step.step for trace in sending.traces(ticket) for step in trace.steps}
        assert steps <= {"accepted", "submitted", "delivered"}, "nothing was unknown, nothing waited for another try"


@pytest.mark.usefixtures("_soon_stood")
@on_loop
async def test_a_carrier_that_unbinds_is_bound_again_at_once(tmp_path: Path) -> None:
    async with sending_to(tmp_path, smpp=soon()) as (sending, carrier):
        await asyncio.sleep(0.5)
        began = asyncio.get_running_loop().time()
        carrier.change({"script": "unbind at 1ms"})
        await until(lambda: carrier.stats().binds_accepted == 2, "the next bind")
        assert asyncio.get_running_loop().time() - began < 0.7
        ticket = await sending.submit(NUMBERS[0])
        await sending.until_all(ticket, "delivered")


@on_loop
async def test_a_centre_that_forgets_a_bind_is_bound_anew_and_the_message_goes_again(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(script="refuse ESME_RINVBNDSTS at 1st"), soon()) as (sending, carrier):
        ticket = await sending.submit(NUMBERS[0])
        await sending.until_all(ticket, "delivered")
        assert carrier.stats().binds_accepted == 2
        assert [step.step for step in sending.traces(ticket)[0].steps] == ["accepted", "submitted", "delivered"]
        status = await shown(sending, "the oddity", lambda now: now.binds[0].oddities)
        assert status.binds[0].oddities == {"says that we are not bound": 1}


# -- how busy it is --------------------------------------------------------------------------------------


@on_loop
async def test_a_centre_that_is_too_busy_is_fed_less_and_its_operator_sees_why(tmp_path: Path) -> None:
    options = simulated(script="congestion 97")
    async with sending_to(tmp_path, options, soon(interface_version="5.0"), rate=100) as (sending, carrier):
        await sending.submit(*NUMBERS)
        status = await shown(sending, "congestion", lambda now: now.pace and now.pace.limited_by == "congestion")
        assert status.pace is not None
        assert status.pace.congestion == 97
        assert (status.pace.allowed_per_s or 100) < 85
        assert status.pace.answer_ms is not None
        assert status.pace.drained_in_s
        assert status.binds[0].version == "5.0"
        assert carrier.stats().refused == {}


@pytest.mark.parametrize(
    ("simulator", "carrier", "limit"),
    [
        ({}, {"rate": 30}, "the configured rate"),
        ({"latency_s": 0.3}, {"window": 3}, "the window and the carrier's answer time"),
        ({"script": "throttle"}, {}, "throttling"),
    ],
)
def test_what_holds_a_carrier_back_is_told(
    tmp_path: Path, simulator: dict[str, Any], carrier: dict[str, Any], limit: str
) -> None:
    @on_loop
    async def scenario() -> None:
        async with sending_to(tmp_path, simulated(**simulator), soon(), **carrier) as (sending, _):
            status = await shown(sending, "a first report", lambda now: now.pace)
            assert status.pace is not None
            assert status.pace.limited_by == "nothing: no message waits"
            await sending.submit(*NUMBERS)
            await shown(sending, limit, lambda now: now.pace.limited_by == limit)

    scenario()


# -- while it runs ---------------------------------------------------------------------------------------


@on_loop
async def test_a_paused_carrier_gets_nothing_and_still_brings_receipts(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(receipt_delay_s=1.5), soon(), rate=100) as (sending, carrier):
        first = await sending.submit(NUMBERS[0])
        await sending.until_all(first, "sent")
        await sending.carriers.pause("carrier")
        await shown(sending, "paused", lambda now: now.pace.limited_by == "its operator, who paused it")
        second = await sending.submit(*NUMBERS[1:20])
        await sending.until_all(first, "delivered")
        await asyncio.sleep(0.3)
        assert set(sending.states(second)) == {"ready"}
        assert carrier.stats().received == 1
        assert (await sending.carrier()).paused_at is not None
        await sending.carriers.resume("carrier")
        await sending.until_all(second, "delivered")
        assert carrier.stats().binds_accepted == 1


@on_loop
async def test_settings_that_the_bind_does_not_say_change_without_another_and_the_others_with_one(
    tmp_path: Path,
) -> None:
    async with sending_to(tmp_path, smpp=soon(sender="36180"), rate=1000) as (sending, carrier):
        changed = await sending.carriers.change(
            "carrier", Changes({"sender": "36181", "window": 5, "rate": 900, "statuses": {"0x45": "temporary"}})
        )
        assert changed == ["window", "rate", "sender", "statuses"]
        await shown(sending, "the window", lambda now: now.pace.allowed_per_s == 900)
        ticket = await sending.submit(*NUMBERS[:30])
        await sending.until_all(ticket, "delivered")
        assert {message.source for message in carrier.messages()} == {"36181"}
        assert carrier.stats().binds_accepted == 1
        await sending.carriers.change("carrier", Changes({"system_type": "SMS"}))
        await until(lambda: carrier.stats().binds_accepted == 2, "another bind")
        await sending.carriers.rebind("carrier")
        await until(lambda: carrier.stats().binds_accepted == 3, "one more bind")
        await sending.bound()
        ticket = await sending.submit(NUMBERS[0])
        await sending.until_all(ticket, "delivered")


@on_loop
async def test_a_rebind_in_traffic_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(latency_s=0.05), soon(), window=10, rate=150) as (sending, carrier):
        ticket = await sending.submit(*NUMBERS[:300])
        for binds in (2, 3):
            await until(lambda: carrier.stats().received > 30, "traffic")
            await sending.carriers.rebind("carrier")
            await until(lambda n=binds: carrier.stats().binds_accepted == n, "another bind")  # type: ignore[misc]
        await sending.until_all(ticket, "delivered", within_s=40)
        assert (carrier.stats().doubled, carrier.stats().received) == (0, 300)


# -- trying it out ---------------------------------------------------------------------------------------


@on_loop
async def test_a_carrier_is_tried_out_without_sending_anything(tmp_path: Path) -> None:
    async with Simulator(simulated(accounts={"chappe": "secret"})) as carrier:
        address = Address("carrier", "127.0.0.1", carrier.port, "chappe", "secret")
        (tried,) = await try_binds(address, soon())
        assert (tried.mode, tried.is_good, tried.said, tried.version) == (
            "transceiver", True, "bound and unbound", "3.4",
        )  # fmt: skip
        both = await try_binds(address, soon(bind_mode="pair"))
        assert [(each.mode, each.is_good) for each in both] == [("transmitter", True), ("receiver", True)]
        wrong = Address("carrier", "127.0.0.1", carrier.port, "chappe", "wrong")
        (tried,) = await try_binds(wrong, soon())
        assert (tried.is_good, tried.said) == (False, "the carrier refused the bind: ESME_RINVPASWD")
        await until(lambda: not carrier.stats().binds, "the good-bye")
    (tried,) = await try_binds(address, soon())
    assert (tried.is_good, tried.said[:14]) == (False, "cannot connect")


@on_loop
async def test_what_a_carrier_delivers_while_it_is_tried_out_is_left_for_the_server(tmp_path: Path) -> None:
    async with Simulator(simulated()) as carrier:
        carrier.reply("33612345678", "36173", "Oui", system_id="chappe")
        address = Address("carrier", "127.0.0.1", carrier.port, "chappe", "secret")
        async with sending_to(tmp_path, smpp=soon()) as (sending, _):
            await try_binds(address, soon())
            assert carrier.stats().acknowledged == 0
            await sending.add_carrier(carrier.port, name="other", options=soon())
            await until(lambda: carrier.stats().acknowledged == 1, "the reply")
