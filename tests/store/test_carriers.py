"""Carriers and routes as an operator sets them up."""

from dataclasses import replace
from pathlib import Path

import pytest

from chappe.carriers.kinds import decode_options
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.errors import BadData, NotFound
from chappe.domain.route_places import NO_TERMS
from chappe.domain.routing import Traffic
from chappe.domain.unknown import UnknownPolicies, UnknownPolicy
from chappe.manage.carrier_checks import NewCarrier
from chappe.manage.carrier_status import STALE_MS
from chappe.manage.carriers import Carriers
from chappe.manage.routes import NewRoute, Routes
from chappe.store import carriers, leases, queue
from chappe.store import routes as stored_routes
from chappe.store.carriers import BindRow
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Database, Store
from tests.builders import on_loop
from tests.store.build import NOW, Core, accepted, database, delivered, lost, numbers

GOOD = NewCarrier("orange", "smpp.example.net", 2775, "chappe", "secret")


class Operator:
    """An installation as its operator sees it."""

    def __init__(self, folder: Path) -> None:
        self.db: Database = database(folder / "chappe.db")
        self.store = Store(folder / "chappe.db")
        self.carriers = Carriers(self.store, Ids())
        self.routes = Routes(self.store, Ids())

    def order(self, country: str) -> tuple[int, ...]:
        """The carriers of an alert to a country, the first one first."""
        router = self.db.read(stored_routes.table).router(Traffic(1, None, "alert"))
        return router.order(33612345678, country, NO_TERMS, NOW)

    async def close(self) -> None:
        await self.store.close()
        self.db.close()


@on_loop
async def test_the_first_carrier_serves_every_country_until_a_route_says_otherwise(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    assert operator.order("FR") == ()
    first = await operator.carriers.add(GOOD)
    second = await operator.carriers.add(replace(GOOD, name="second"))
    assert operator.order("FR") == (first,)
    await operator.routes.add("second", NewRoute("fr"))
    assert (operator.order("FR"), operator.order("CH")) == ((second, first), (first,))
    await operator.routes.add("second", NewRoute())
    assert operator.order("CH") == (second,)
    await operator.routes.add("orange", NewRoute("FR", rank=50))
    assert operator.order("FR") == (first, second)
    await operator.carriers.remove("second")
    assert (operator.order("FR"), operator.order("CH")) == ((first,), (first,))
    await operator.carriers.remove("orange")
    assert operator.order("FR") == ()
    await operator.close()


@on_loop
async def test_the_name_of_a_removed_carrier_is_free_again(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    first = await operator.carriers.add(GOOD)
    with pytest.raises(BadData, match="already in use"):
        await operator.carriers.add(GOOD)
    await operator.carriers.remove("orange")
    assert await operator.carriers.add(GOOD) != first
    assert [status.name for status in await operator.carriers.list()] == ["orange"]
    await operator.close()


@on_loop
async def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    with pytest.raises(NotFound):
        await operator.carriers.remove("nobody")
    with pytest.raises(NotFound):
        await operator.routes.add("nobody", NewRoute("FR"))
    await operator.close()


@pytest.mark.parametrize("country", ["", " ", "FRA", "F", "33", "É1", "F R"])
def test_a_country_is_two_letters(tmp_path: Path, country: str) -> None:
    @on_loop
    async def scenario() -> None:
        operator = Operator(tmp_path)
        await operator.carriers.add(GOOD)
        with pytest.raises(BadData):
            await operator.routes.add("orange", NewRoute(country))
        await operator.close()

    scenario()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", ["", "-x", "a b", "a/b", "x" * 65, "é"]),
        ("host", ["", "a b", "x" * 256, "a\n"]),
        ("port", [0, -1, 65536]),
        ("system_id", ["x" * 16, "é", "a\x00"]),
        ("password", ["x" * 9, "é"]),
        ("binds", [0, 33]),
        ("window", [0, 10_001]),
        ("rate", [-1, 100_001]),
        ("options", [
            SmppOptions(sender="x" * 12), SmppOptions(sender="Café"), SmppOptions(sender="1" * 16),
            SmppOptions(system_type="x" * 13), SmppOptions(unknown=UnknownPolicies(UnknownPolicy("resend", 0, 2))),
            SmppOptions(unknown=UnknownPolicies(marketing=UnknownPolicy("query", 60, 21))),
            SmppOptions(dest_ton=256), SmppOptions(short_npi=-1),
        ]),
    ],
)  # fmt: skip
def test_what_smpp_cannot_carry_is_refused_at_once(tmp_path: Path, field: str, wrong: list[object]) -> None:
    @on_loop
    async def scenario() -> None:
        operator = Operator(tmp_path)
        for value in wrong:
            with pytest.raises(BadData):
                await operator.carriers.add(replace(GOOD, **{field: value}))  # type: ignore[arg-type]
        assert await operator.carriers.list() == []
        await operator.close()

    scenario()


@on_loop
async def test_the_limits_themselves_are_allowed(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    options = SmppOptions(
        sender="x" * 11, system_type="x" * 12, unknown=UnknownPolicies(UnknownPolicy("resend", 1, 1)), dest_ton=255
    )
    await operator.carriers.add(
        NewCarrier("x" * 64, "::1", 65535, "x" * 15, "x" * 8, True, 32, 10_000, 100_000, options)
    )
    row = operator.db.read(carriers.all_carriers)[0]
    assert decode_options(row.kind, row.options) == options
    await operator.close()


@on_loop
async def test_a_carrier_is_shown_with_its_routes_queue_binds_and_how_its_receipts_name_messages(
    tmp_path: Path,
) -> None:
    operator = Operator(tmp_path)
    carrier = await operator.carriers.add(GOOD)
    await operator.routes.add("orange", NewRoute("FR"))
    core = Core(db=operator.db, carrier=carrier)
    core.submit(*numbers(4))
    first, second = core.claim(2)
    core.record([accepted(first, "FF"), lost(second)])
    core.record(receipts=[delivered("255", first.number)])
    now = now_ms()
    fresh = BindRow(carrier, 0, "bound", "", 3, 17, now - 60_000, now)
    stale = BindRow(carrier, 1, "bound", "", 3, 4, now - 60_000, now - STALE_MS - 1000)
    operator.db.write(lambda tx: carriers.report_binds(tx, carrier, [fresh, stale]))
    (status,) = await operator.carriers.list()
    assert (status.routes, status.waiting, status.unknown) == (["FR", "everything"], 2, 1)
    assert status.receipt_rule == "hex of decimal"
    assert [(bind.state, bind.in_flight, bind.submitted) for bind in status.binds] == [
        ("bound", 3, 17),
        ("not running", 0, 4),
    ]
    assert status.is_bound
    operator.db.write(lambda tx: carriers.report_binds(tx, carrier, [stale._replace(bind=0)]))
    (status,) = await operator.carriers.list()
    assert (len(status.binds), status.is_bound) == (1, False)
    receiver = fresh._replace(mode="receiver")
    operator.db.write(lambda tx: carriers.report_binds(tx, carrier, [receiver]))
    assert not (await operator.carriers.list())[0].is_bound, "nothing can leave over a receiver"
    pair = [receiver, fresh._replace(bind=1, mode="transmitter")]
    operator.db.write(lambda tx: carriers.report_binds(tx, carrier, pair))
    assert (await operator.carriers.list())[0].is_bound
    await operator.close()


def test_a_lease_is_renewed_by_its_owner_only() -> None:
    db = database()
    first = db.write(lambda tx: leases.take(tx, "lane:1", "a", NOW, 10_000))
    assert db.write(lambda tx: leases.renew(tx, "lane:1", "a", first, NOW + 20_000))
    second = db.write(lambda tx: leases.take(tx, "lane:1", "b", NOW, 10_000))
    assert second == first + 1
    assert not db.write(lambda tx: leases.renew(tx, "lane:1", "a", first, NOW + 30_000))
    assert not db.write(lambda tx: leases.renew(tx, "lane:1", "b", first, NOW + 30_000))
    assert not db.write(lambda tx: leases.renew(tx, "lane:2", "b", second, NOW + 30_000))
    assert db.write(lambda tx: leases.take(tx, "lane:2", "a", NOW, 10_000)) == 1
    assert db.read(queue.lanes_in_use) == []
