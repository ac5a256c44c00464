"""What goes wrong beside a lane, or in one carrier's settings, does not stop the others."""

from pathlib import Path

import apsw
import pytest

from chappe.carriers.simulator import Simulator
from chappe.domain.lane_health import USUAL, Health
from chappe.pipeline import gateway
from chappe.store import carriers, lane_health
from chappe.store.sqlite import Store, Tx
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.sending import Sending, installation, sending_to, simulated, until

SETTINGS = Statement("UPDATE carrier SET kind = :kind, options = :options WHERE name = :name")
# Of a newer release: an option, a built-in vendor, a kind.
UNREADABLE = [("smpp", '{"telepathy":true}'), ("http", '{"vendor":"pigeons"}'), ("semaphore", "{}")]


async def settings(sending: Sending, name: str, kind: str, options: str) -> None:
    """Another program has written settings."""

    def unit(tx: Tx) -> None:
        tx.run(SETTINGS, name=name, kind=kind, options=options)
        carriers.changed(tx)

    await sending.store.write(unit)


@on_loop
async def test_an_error_while_looking_for_new_messages_does_not_end_the_looking(tmp_path: Path) -> None:
    looks = 0
    look = Store.has_changed

    def faulty(self: Store) -> bool:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise apsw.IOError("disk I/O error")
        return look(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway, "HEARTBEAT_S", 0.05)
        patch.setattr(Store, "has_changed", faulty)
        async with sending_to(tmp_path, simulated()) as (sending, _):
            await until(lambda: looks > 10, "looks after the error")
            await sending.until_all(await sending.submit("33612345678"), "delivered")


@on_loop
async def test_a_message_that_nobody_saw_coming_leaves_with_the_next_heartbeat(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway, "HEARTBEAT_S", 0.05)
        patch.setattr(Store, "has_changed", lambda self: False)
        async with sending_to(tmp_path, simulated()) as (sending, _):
            await sending.until_all(await sending.submit("33612345678"), "delivered")


@pytest.mark.parametrize(("kind", "options"), UNREADABLE)
def test_a_carrier_whose_settings_cannot_be_read_is_left_out_and_the_others_go_on(
    tmp_path: Path, kind: str, options: str
) -> None:
    @on_loop
    async def scenario() -> None:
        async with Simulator(simulated()) as simulator, installation(tmp_path) as sending:
            await sending.add_carrier(simulator.port, "good")
            await sending.add_carrier(simulator.port, "odd")
            await settings(sending, "odd", kind, options)
            sending.start_gateway()
            await sending.bound("good")
            await sending.until_all(await sending.submit("33612345678"), "delivered")
            (bind,) = (await sending.carrier("odd")).binds
            assert bind.state == "not running"
            assert bind.detail.startswith("its settings cannot be read: ")
            await settings(sending, "odd", "smpp", "{}")
            await sending.bound("odd")

    scenario()


@on_loop
async def test_a_carrier_that_runs_ends_with_settings_that_cannot_be_read_and_the_others_route_around_it(
    tmp_path: Path,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway, "USUAL", USUAL._replace(down_s=0))
        async with Simulator(simulated()) as simulator, installation(tmp_path) as sending:
            await sending.add_carrier(simulator.port, "odd")
            await sending.add_carrier(simulator.port, "good")
            sending.start_gateway()
            await sending.bound("odd")
            await sending.bound("good")
            odd = (await sending.carrier("odd")).id
            await settings(sending, "odd", *UNREADABLE[0])
            await until(lambda: _health(sending.store, odd).state == "down", "the carrier is known to be down")
            assert not (await sending.carrier("odd")).is_bound
            assert (await sending.carrier("good")).is_bound


def _health(store: Store, carrier: int) -> Health:
    return store.glance(lane_health.read).get((carrier, ""), Health("ok"))
