"""What a gateway sees of its carriers becomes known to whoever decides where messages go."""

import asyncio
from pathlib import Path

from chappe.domain.lane_health import SLOT_MS, Figures, Thresholds
from chappe.domain.route_places import NO_TERMS
from chappe.domain.routing import Traffic
from chappe.pipeline.lane_health import HealthWatch, Seen
from chappe.pipeline.routing import Routing
from chappe.store import carrier_figures, lane_health
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store
from tests.builders import on_loop
from tests.store.build import CARRIER, add_carrier, database

OTHER = CARRIER + 1
EAGER = Thresholds(down_s=1, samples=10)


def seen(*, is_bound: bool = True, is_held_back: bool = False) -> dict[int, Seen]:
    return {CARRIER: Seen("first", is_bound, is_held_back, EAGER), OTHER: Seen("second", True, False, EAGER)}


class Office:
    """Two carriers, who watches them, and who routes by what he says."""

    def __init__(self, folder: Path) -> None:
        path = folder / "chappe.db"
        self.db = database(path)
        add_carrier(self.db, CARRIER, "first")
        add_carrier(self.db, OTHER, "second")
        self.store = Store(path)
        self.watch = HealthWatch(self.store)

    def state(self, country: str = "") -> str:
        """How the first carrier is, as another process sees it."""
        return Routing(self.store).table().health(CARRIER, country).state

    async def close(self) -> None:
        await self.store.close()
        self.db.close()


@on_loop
async def test_a_carrier_goes_down_and_comes_back_and_everybody_sees_it(tmp_path: Path) -> None:
    office = Office(tmp_path)
    await office.watch.look(seen())
    await office.watch.look(seen(is_bound=False))
    assert office.state() == "ok"
    await asyncio.sleep(1.05)
    await office.watch.look(seen(is_bound=False))
    assert office.state() == "down"
    # A gateway that was started anew has not seen for how long, and knows it all the same.
    office.watch = HealthWatch(office.store)
    await office.watch.look(seen(is_bound=False))
    assert office.state() == "down"
    await office.watch.look(seen())
    assert office.state() == "down"
    await asyncio.sleep(2.05)
    await office.watch.look(seen())
    assert office.state() == "ok"
    await office.close()


@on_loop
async def test_a_carrier_that_holds_back_most_of_the_time_is_throttled(tmp_path: Path) -> None:
    office = Office(tmp_path)
    for _ in range(29):
        await office.watch.look(seen(is_held_back=True))
    assert office.state() == "ok", "too little was seen"
    await office.watch.look(seen(is_held_back=True))
    assert office.state() == "throttled"
    await office.close()


@on_loop
async def test_a_carrier_is_bad_in_the_country_where_too_little_arrives(tmp_path: Path) -> None:
    office = Office(tmp_path)
    few = Figures(sent=10, delivered=2, failed=8, faults=8, within=(2, 0, 0, 0, 0))
    office.db.write(lambda tx: carrier_figures.add(tx, CARRIER, now_ms() - SLOT_MS, [("FR", few), ("BE", Figures())]))
    await office.watch.look(seen())
    assert (office.state("FR"), office.state("BE"), office.state()) == ("bad", "ok", "ok")
    router = Routing(office.store).table().router(Traffic(1, None, "alert"))
    assert router.lanes([32470123456], ["BE"], {"BE": NO_TERMS}, 0) == [CARRIER]
    before = office.db.read(lane_health.read)
    await office.watch.look(seen())
    assert office.db.read(lane_health.read) == before
    await office.close()
