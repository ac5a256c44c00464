"""Look-ups whose carrier is away, slow, wrong or half there, and whose process dies: nobody pays for nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from chappe.carriers.simulator.lookups import look_up
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, InsufficientCredits, Unavailable
from chappe.manage.carrier_checks import NewCarrier
from chappe.manage.carriers import Carriers
from chappe.manage.lookups import ABANDONED_MS, AT_ONCE, MAX_NUMBERS, MAX_WAITING, LookupFilter, Lookups
from chappe.manage.routes import NewRoute, Routes
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Database, Row, Store
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.server import Server, free_port, prepare
from tests.store.build import BRANCH, SHOP, STRANGER, database
from tests.wire import call

NUMBERS = [str(number) for number in range(33651234560, 33651234567)]


class Provider:
    """A carrier's look-up service that behaves as it is told."""

    def __init__(self) -> None:
        self.how = "well"
        self.asked: list[list[str]] = []
        self.at_once = self.most_at_once = 0
        self.tokens: set[str | None] = set()
        self.url = ""
        self.was_asked = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        numbers: list[str] = (await request.json())["to"]
        self.asked.append(numbers)
        self.tokens.add(request.headers.get("Authorization"))
        self.was_asked.set()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._answer(numbers)
        finally:
            self.at_once -= 1

    async def _answer(self, numbers: list[str]) -> web.Response:
        match self.how:
            case "error":
                return web.Response(status=503)
            case "moved":
                raise web.HTTPFound(self.url)
            case "garbage":
                return web.Response(text="<html>Welcome</html>")
            case "endless":
                return web.Response(body=b" " * 3_000_000)
            case "never":
                await asyncio.sleep(60)
            case "slowly":
                await asyncio.sleep(0.05)
            case "half":
                return web.json_response(look_up(numbers[::2]))
            case "refused":
                refused = {"groupName": "REJECTED", "name": "REJECTED_NETWORK"}
                return web.json_response({"results": [{"to": number, "status": refused} for number in numbers]})
        return web.json_response(look_up(numbers))


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    app = web.Application()
    app.add_routes([web.post("/lookup", made.answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/lookup"
    try:
        yield made
    finally:
        await runner.cleanup()


class World:
    """A database with a carrier that offers look-ups, and the use case on it."""

    def __init__(self, folder: Path, timeout_s: float) -> None:
        path = folder / "chappe.db"
        if not path.exists():
            database(path).close()
        self.store, self.ids = Store(path), Ids()
        self.lookups = Lookups(self.store, self.ids, timeout_s=timeout_s)
        self.carriers = Carriers(self.store, self.ids)
        self.routes = Routes(self.store, self.ids)

    async def add_carrier(self, name: str, url: str, token: str = "") -> None:
        options = SmppOptions(lookup_url=url, lookup_token=token)
        await self.carriers.add(NewCarrier(name, "127.0.0.1", 2775, "me", "pw", options=options))

    def rows(self, sql: str) -> list[Row]:
        return self.store.glance(lambda tx: tx.rows(Statement(sql)))

    def wallet(self, account: Account = SHOP) -> tuple[int, int]:
        """Whole credits to spend, and reserved."""
        ((available, reserved),) = self.rows(f"SELECT available_mc, reserved_mc FROM wallet WHERE id = {account.id}")
        return available // 1000, reserved // 1000

    async def words(self, *numbers: str, account: Account = SHOP) -> list[str]:
        return [result.status for result in (await self.lookups.look_up(account, numbers)).results]


@asynccontextmanager
async def world(folder: Path, url: str, *, timeout_s: float = 5.0) -> AsyncIterator[World]:
    made = World(folder, timeout_s)
    if url:
        await made.add_carrier("carrier", url, "s3cret")
    try:
        yield made
    finally:
        await made.lookups.close()
        await made.store.close()


@on_loop
async def test_each_number_that_is_answered_costs_a_credit_and_is_asked_once(tmp_path: Path) -> None:
    async with provider() as carrier, world(tmp_path, carrier.url) as chappe:
        done = await chappe.lookups.look_up(BRANCH, [*NUMBERS, "+33 6 51 23 45 60", "12", "0145678901", "12"])
        assert (done.cost, done.credits, len(done.results)) == (7, 993, 9)
        assert carrier.asked == [NUMBERS]
        assert carrier.tokens == {"Bearer s3cret"}
        assert chappe.wallet() == (993, 0)
        assert [result.status for result in done.results[7:]] == ["REJECTED_INVALID_DESTINATION"] * 2
        page = await chappe.lookups.find(BRANCH, LookupFilter(number="4563", length=5))
        assert ([row.result.to for row in page.rows], page.total, page.matching) == (["33651234563"], 7, 1)
        for other in (SHOP, STRANGER):
            assert (await chappe.lookups.find(other, LookupFilter())).total == 0


@pytest.mark.parametrize("how", ["error", "moved", "garbage", "endless", "never"])
@on_loop
async def test_a_carrier_that_fails_costs_nothing(tmp_path: Path, how: str) -> None:
    async with provider() as carrier, world(tmp_path, carrier.url, timeout_s=0.5) as chappe:
        carrier.how = how
        with pytest.raises(Unavailable):
            await chappe.words(*NUMBERS)
        assert chappe.wallet() == (1000, 0)
        assert {row[0] for row in chappe.rows("SELECT state FROM lookup")} == {2}
        carrier.how = "well"
        assert await chappe.words(NUMBERS[0]) == ["DELIVERED_TO_HANDSET"]


@on_loop
async def test_a_carrier_that_is_away_costs_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, f"http://127.0.0.1:{free_port()}/lookup") as chappe:
        with pytest.raises(Unavailable):
            await chappe.words(*NUMBERS)
        assert chappe.wallet() == (1000, 0)


@on_loop
async def test_of_half_an_answer_half_is_paid(tmp_path: Path) -> None:
    async with provider() as carrier, world(tmp_path, carrier.url) as chappe:
        carrier.how = "half"
        done = await chappe.lookups.look_up(SHOP, NUMBERS)
        assert (done.cost, done.credits) == (4, 996)
        assert [result.status for result in done.results[:2]] == ["DELIVERED_TO_HANDSET", "REJECTED_NO_ANSWER"]
        assert chappe.wallet() == (996, 0)


@on_loop
async def test_what_the_carrier_refuses_is_told_and_costs_nothing(tmp_path: Path) -> None:
    async with provider() as carrier, world(tmp_path, carrier.url) as chappe:
        carrier.how = "refused"
        assert await chappe.words(*NUMBERS[:2]) == ["REJECTED_NETWORK"] * 2
        assert chappe.wallet() == (1000, 0)


@on_loop
async def test_a_large_request_goes_out_in_pieces_and_few_at_once(tmp_path: Path) -> None:
    async with provider() as carrier, world(tmp_path, carrier.url) as chappe:
        carrier.how = "slowly"
        numbers = [str(33651000000 + i * 10) for i in range(MAX_NUMBERS)]
        done = await chappe.lookups.look_up(SHOP, numbers)
        assert (done.cost, done.credits) == (1000, 0)
        assert [result.to for result in done.results] == numbers
        assert {len(asked) for asked in carrier.asked} == {100}
        assert 1 < carrier.most_at_once <= AT_ONCE


@on_loop
async def test_what_cannot_be_asked_is_refused_before_anything_is_reserved(tmp_path: Path) -> None:
    async with provider() as carrier, world(tmp_path, carrier.url) as chappe:
        for numbers in ([], ["33651234560"] * (MAX_NUMBERS + 1)):
            with pytest.raises(BadData):
                await chappe.lookups.look_up(SHOP, numbers)
        await chappe.store.write(lambda tx: tx.run(Statement("UPDATE wallet SET available_mc = 6999 WHERE id = 1")))
        with pytest.raises(InsufficientCredits):
            await chappe.words(*NUMBERS)
        assert await chappe.words("12", "x") == ["REJECTED_INVALID_DESTINATION"] * 2
        assert carrier.asked == []
        assert chappe.rows("SELECT * FROM lookup") == []


@on_loop
async def test_too_many_at_once_are_turned_away(tmp_path: Path) -> None:
    async with provider() as carrier, world(tmp_path, carrier.url) as chappe:
        carrier.how = "slowly"
        asked = [chappe.lookups.look_up(SHOP, NUMBERS[:1]) for _ in range(MAX_WAITING + 3)]
        done = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(each, Unavailable) for each in done) == 3
        assert chappe.wallet() == (1000 - MAX_WAITING, 0)


@on_loop
async def test_the_carrier_of_the_country_is_asked_when_it_can_be_and_else_any_that_can(tmp_path: Path) -> None:
    async with provider() as first, provider() as second, world(tmp_path, "") as chappe:
        with pytest.raises(BadData, match="offers look-ups"):
            await chappe.words(NUMBERS[0])
        await chappe.add_carrier("plain", "")
        await chappe.add_carrier("first", first.url)
        await chappe.add_carrier("second", second.url)
        await chappe.routes.add("second", NewRoute("FR"))
        await chappe.words("33651234560", "32470123456")
        assert (first.asked, second.asked) == ([["32470123456"]], [["33651234560"]])
        await chappe.carriers.offer_lookups("second", "")
        await chappe.words("33651234561")
        assert first.asked[1:] == [["33651234561"]]


@on_loop
async def test_a_look_up_that_was_given_back_is_not_paid_when_its_answer_comes_late(tmp_path: Path) -> None:
    async with provider() as carrier, world(tmp_path, carrier.url) as chappe, world(tmp_path, "") as worker:
        carrier.how = "slowly"
        asking = asyncio.create_task(chappe.lookups.look_up(SHOP, NUMBERS))
        await carrier.was_asked.wait()
        assert chappe.wallet() == (993, 7)
        await worker.lookups.settle_abandoned()
        assert chappe.wallet() == (993, 7)  # not yet: the answer may be on its way
        await _age(worker.store)
        await worker.lookups.settle_abandoned()
        await worker.lookups.settle_abandoned()
        assert chappe.wallet() == (1000, 0)
        done = await asking
        assert (done.cost, done.credits) == (0, 1000)
        assert chappe.wallet() == (1000, 0)


async def _age(store: Store) -> None:
    old = now_ms() - ABANDONED_MS - 1000
    await store.write(lambda tx: tx.run(Statement("UPDATE lookup SET asked_at = :old"), old=old))


@on_loop
async def test_what_a_killed_process_had_reserved_comes_back(tmp_path: Path) -> None:
    async with provider() as carrier:
        carrier.how = "never"
        prepared = await prepare(tmp_path / "data", 0, balance=10)
        settings = prepared.settings
        store = Store(settings.database)
        await Carriers(store, Ids()).add(
            NewCarrier("c", "127.0.0.1", free_port(), "me", "pw", options=SmppOptions(lookup_url=carrier.url))
        )
        server = Server(prepared, tmp_path / "log")
        await server.start()
        try:
            await _answering(server)
            asking = asyncio.create_task(_post(settings.port, prepared.token, NUMBERS[:3]))
            await asyncio.wait_for(carrier.was_asked.wait(), 20)
            assert server.kill("api")
            await asyncio.gather(asking, return_exceptions=True)
            assert asking.exception() is not None
        finally:
            await server.stop()
        assert _wallet(settings.database) == (7, 3)
        await _age(store)
        await store.close()
        server = Server(prepared, tmp_path / "log")
        await server.start()
        try:
            for _ in range(200):
                if _wallet(settings.database) == (10, 0):
                    break
                await asyncio.sleep(0.1)
            assert _wallet(settings.database) == (10, 0)
        finally:
            await server.stop()
        assert "33651234" not in server.log()  # no number in any line


async def _answering(server: Server) -> None:
    for _ in range(200):
        if await server._get("/health/live") == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(server.log())


async def _post(port: int, token: str, numbers: Sequence[str]) -> object:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return await call(port, "POST", "/lookup", headers, msgspec.json.encode({"lookup": {"to": list(numbers)}}))


def _wallet(path: Path) -> tuple[int, int]:
    opened = Database(path)
    try:
        found = opened.read(lambda tx: tx.one(Statement("SELECT available_mc, reserved_mc FROM wallet")))
    finally:
        opened.close()
    return found[0] // 1000, found[1] // 1000
