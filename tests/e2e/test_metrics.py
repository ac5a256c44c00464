"""What `/metrics` says of carriers: what waits for each, for how long, and which rules it bends."""

import asyncio
import time
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from chappe.carriers.connection import LinkState
from chappe.domain.outcomes import ReceiptIn
from chappe.manage.carriers import Changes
from chappe.manage.http_carriers import HttpCarriers, NewHttpCarrier
from chappe.manage.routes import NewRoute
from chappe.pipeline.gateway import Gateway
from chappe.runtime import health as runtime_health
from chappe.runtime.health import Health
from chappe.store import arrived_receipts, figures
from chappe.store.clock import now_ms
from chappe.store.sqlite import Tx
from tests.builders import on_loop
from tests.http_vendor import PLAIN
from tests.sending import Sending, installation, sending_to, simulated, until

NUMBERS = [str(33_612_000_000 + i) for i in range(5)]


async def metrics(sending: Sending) -> dict[str, float]:
    """Everything that is measured now, by name and labels."""
    health = Health(sending.store, sending.carriers)
    running = asyncio.create_task(health.run())
    await until(lambda: health._snapshot.units, "a refresh")
    running.cancel()
    lines = [line for line in generate_latest(health.registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def states(gateway: Gateway) -> list[LinkState]:
    """The binds of a gateway's only SMPP carrier; none while it is between two lanes."""
    served = [each for each in gateway._served.values() if each.row.kind == "smpp"]
    return served[0].runner.carrier.states if served else []


@on_loop
async def test_what_waits_is_told_by_the_carrier_it_waits_for_and_for_how_long(tmp_path: Path) -> None:
    async with installation(tmp_path) as sending:
        await sending.add_carrier(1)
        await sending.add_carrier(2, "spare")
        await sending.routes.add("carrier", NewRoute())
        before = time.monotonic()
        await sending.submit(*NUMBERS)
        await asyncio.sleep(0.3)
        found = await metrics(sending)
        assert found['chappe_queue_messages{carrier="carrier",state="ready"}'] == 5
        assert 0.3 <= found['chappe_oldest_ready_seconds{carrier="carrier"}'] <= time.monotonic() - before + 0.1
        assert found['chappe_oldest_ready_seconds{carrier="spare"}'] == 0


@on_loop
async def test_what_waits_for_a_removed_carrier_is_not_told_as_another_ones_that_has_its_name(tmp_path: Path) -> None:
    async with installation(tmp_path) as sending:
        await sending.add_carrier(1)
        await sending.submit(*NUMBERS)
        await sending.carriers.remove("carrier")
        await sending.add_carrier(1)
        found = await metrics(sending)
        assert found['chappe_queue_messages{carrier="carrier (removed)",state="ready"}'] == 5
        assert 'chappe_queue_messages{carrier="carrier",state="ready"}' not in found


@on_loop
async def test_a_receipt_that_no_gateway_records_grows_old(tmp_path: Path) -> None:
    async with installation(tmp_path) as sending:
        new = NewHttpCarrier("web", "generic", {"token": "t"}, PLAIN, "http://127.0.0.1:1")
        await HttpCarriers(sending.store, sending.ids).add(new)
        web, receipt = (await sending.carrier("web")).id, ReceiptIn("r", None, 3, True, "", now_ms())
        for age_ms in (90_000, 1000):
            at = now_ms() - age_ms
            await sending.store.write(lambda tx, at=at: arrived_receipts.insert(tx, web, [receipt], at))  # type: ignore[misc]
        found = await metrics(sending)
        assert 90 <= found['chappe_oldest_arrived_receipt_seconds{carrier="web"}'] <= 100


@on_loop
async def test_an_oddity_is_counted_on_when_the_binds_are_made_anew_with_other_settings(tmp_path: Path) -> None:
    name = "accepted without a message id"
    async with sending_to(tmp_path, simulated(), window=5) as (sending, _):
        gateway, _ = sending.gateways[0]
        states(gateway)[0].oddities[name] = 7
        await sending.carriers.change("carrier", Changes({"binds": 2}))
        await until(lambda: len(states(gateway)) == 2, "two binds")
        assert [state.oddities for state in states(gateway)] == [{name: 7}, {}]
        await sending.carriers.change("carrier", Changes({"binds": 1}))
        await until(lambda: len(states(gateway)) == 1, "one bind")
        await asyncio.sleep(1.5)  # a report
        found = await metrics(sending)
        assert found[f'chappe_carrier_oddities_total{{carrier="carrier",name="{name}"}}'] == 7


@on_loop
async def test_a_fault_of_ours_in_a_refresh_does_not_end_the_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, faults = figures.read, [KeyError("a fault of ours")]

    def faulty(tx: Tx) -> figures.Figures:
        if faults:
            raise faults.pop()
        return usual(tx)

    monkeypatch.setattr(figures, "read", faulty)
    monkeypatch.setattr(runtime_health, "REFRESH_S", 0.05)
    async with installation(tmp_path) as sending:
        await sending.add_carrier(1)
        assert (await metrics(sending))['chappe_oldest_ready_seconds{carrier="carrier"}'] == 0
