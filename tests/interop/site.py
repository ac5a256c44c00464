"""Chappe as a company runs it, for programs that nobody here wrote to talk to: `serve`, a simulated carrier, customers.

Each test has a customer of its own and phones of its own, so one installation serves many tests.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from chappe.carriers.simulator import Simulator
from chappe.domain.bind_users import BindOptions
from chappe.manage.bind_users import BindView
from chappe.manage.carrier_checks import NewCarrier
from chappe.manage.routes import NewRoute
from chappe.runtime.bootstrap import Chappe, opened
from chappe.telecom import gsm7
from tests.peers.program import Program
from tests.sending import simulated
from tests.server import Prepared, Server, free_port, prepare
from tests.wire import call

P = ParamSpec("P")

BALANCE = 1000
PASSWORD = "secret"
DEADLINE_S = 30.0
TEST_S = 200.0
_customers, _phones = count(1), count(1)


@dataclass(slots=True)
class Site:
    """One running installation."""

    runner: asyncio.Runner
    carrier: Simulator
    prepared: Prepared
    chappe: Chappe
    server: Server
    smpp_port: int

    async def start(self) -> None:
        """Start what was stopped, and wait until it answers."""
        await self.server.start()
        await self.server.until_ready()
        await until_open(self.smpp_port)

    async def stop(self) -> None:
        assert await self.server.stop() == 0, self.server.log()

    async def customer(self, **options: Any) -> "Customer":
        """A new account with credits, a token, and a user that may bind."""
        name = f"peer{next(_customers)}"
        use_cases = self.chappe.use_cases
        account = await use_cases.accounts.create(f"{name}@example.org", "open-sesame", "FR", BALANCE)
        token = (await use_cases.tokens.create(account, "tests", None, None)).token
        await self.chappe.binds.create(account, name, PASSWORD, BindOptions(**options), "tests")
        return Customer(self, name, token)

    @asynccontextmanager
    async def routed(self, port: int, country: str, password: str = "secret") -> AsyncIterator[str]:
        """A carrier of somebody else takes a country's messages for a while; its name."""
        name = f"carrier-{country}"
        await self.chappe.carriers.add(NewCarrier(name, "127.0.0.1", port, "chappe", password, window=20))
        try:
            await self.chappe.routes.add(name, NewRoute(country))
            yield name
        finally:
            await self.chappe.carriers.remove(name)

    async def until_bound(self, name: str, state: str = "bound", words: str = "") -> None:
        """Wait until a carrier's bind is in a state and says some words of it."""

        async def is_so() -> bool:
            binds = next(each for each in await self.chappe.carriers.list() if each.name == name).binds
            return any(each.state == state and words in each.detail for each in binds)

        await until_so(is_so, f"{name} is {state} {words}")

    def shown(self, number: str) -> str:
        """The text on a phone; fails when a part of it came twice or is not there."""
        parts = sorted(self.carrier.messages(number), key=lambda each: each.part)
        assert [each.part for each in parts] == list(range(1, len(parts) + 1)), parts
        assert all(each.parts == len(parts) for each in parts), parts
        return "".join(each.text for each in parts)

    def is_shown(self, number: str) -> bool:
        """Whether all of a text is on a phone."""
        parts = self.carrier.messages(number)
        return bool(parts) and len(parts) >= parts[0].parts

    @contextmanager
    def carrier_with(self, **changes: Any):  # type: ignore[no-untyped-def]
        """The carrier behaves otherwise for a while."""
        before = {name: getattr(self.carrier.options, name) for name in changes}
        self.carrier.change(changes)
        try:
            yield
        finally:
            self.carrier.change(before)


@dataclass(slots=True)
class Customer:
    """An account of an installation, as its owner sees it over HTTP."""

    site: Site
    system_id: str
    token: str
    spent: int = 0

    async def api(self, path: str, **query: str) -> dict[str, Any]:
        """GET something as JSON."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        target = f"{path}?{urlencode(query)}" if query else path
        answer = (await call(self.site.prepared.settings.port, "GET", target, headers)).json
        assert answer["status"] == 1, answer
        return answer

    async def credits(self) -> int:
        return int((await self.api("/credits"))["credits"])

    async def price(self, number: str, text: str) -> int:
        """What a text would cost over HTTP, its letters kept."""
        unicode = str(int(not gsm7.DEFAULT.has(text)))
        return int((await self.api("/send/simulate", to=number, text=text, unicode=unicode))["cost"])

    async def send(self, number: str, text: str) -> None:
        """Send a text over HTTP, its letters kept."""
        unicode = str(int(not gsm7.DEFAULT.has(text)))
        answer = await self.api("/send", to=number, text=text, unicode=unicode, sender="SHOP")
        assert answer["sent"] == 1, answer
        self.spent += int(answer["cost"])

    async def status(self, number: str) -> str:
        """The status of the only message to a number, as GET /messages tells it; "" when there is none."""
        period = {"date_start": "2020-01-01 00:00:00", "date_end": "2100-01-01 00:00:00"}
        found = (await self.api("/messages", destination=number, type="messages-out", **period))["messages"]
        assert len(found) <= 1, found
        return str(found[0]["status"]) if found else ""

    async def replies(self) -> list[tuple[str, str]]:
        """(number, text) of the replies, as GET /messages/mo tells them."""
        period = {"date_start": "2020-01-01 00:00:00", "date_end": "2100-01-01 00:00:00"}
        found = (await self.api("/messages/mo", **period))["replies"]
        return [(str(each["destination"]), each["message"]) for each in found]

    async def until_replies(self, expected: list[tuple[str, str]]) -> None:
        """Wait until so many replies are there: each once."""

        async def are_there() -> bool:
            return len(await self.replies()) >= len(expected)

        await until_so(are_there, f"{len(expected)} replies")
        assert sorted(await self.replies()) == sorted(expected)

    async def waiting(self) -> int:
        """How many receipts and replies wait for his program."""
        view = await self._view()
        return view.waiting.waiting if view.waiting else 0

    async def refused(self) -> int:
        """How many submits of his binds were refused, as the operator sees it a second later."""

        async def is_reported() -> bool:
            return any(each.refused for each in (await self._view()).sessions)

        await until_so(is_reported, "refusals are shown")
        return sum(each.refused for each in (await self._view()).sessions)

    async def _view(self) -> BindView:
        return next(each for each in await self.site.chappe.binds.list() if each.user.system_id == self.system_id)

    async def pays_for(self, texts: Mapping[str, str]) -> None:
        """His balance has fallen by what these texts cost over HTTP, and by nothing else."""
        for number, text in texts.items():
            self.spent += await self.price(number, text)
        assert BALANCE - await self.credits() == self.spent

    async def until_status(self, number: str, status: str) -> None:
        """Wait until GET /messages tells a status."""

        async def is_so() -> bool:
            return await self.status(number) == status

        await until_so(is_so, f"{number} is {status}")

    async def arrived(self, texts: Mapping[str, str], program: Program, *, sender: str, each_part: bool = True) -> None:
        """Everything is as it should be with texts that a program submitted: phones, money, states, receipts.

        Shape: `each_part` says whether the program asks for a receipt of each part, or for one in all.
        """
        for number, text in texts.items():
            await until(lambda number=number: self.site.is_shown(number), f"{text!r} on {number}")  # type: ignore[misc]
            assert self.site.shown(number) == text
            assert {each.source for each in self.site.carrier.messages(number)} == {sender}
            await self.until_status(number, "DELIVERED")
        await until(lambda: self._has_all(program, each_part), f"a receipt for each of {program.heard.answers}")
        await self.until_told()
        heard = program.heard
        reported = Counter(each.message_id for each in heard.receipts)
        taken = {each.message_id: each.number for each in heard.answers if not each.status}
        assert set(reported.values()) == {1}, heard.receipts
        assert {taken[each] for each in reported} >= set(texts)
        assert reported.keys() == taken.keys() or not each_part
        assert {each.word for each in heard.receipts} == {"DELIVRD"}
        await self.pays_for(texts)

    @staticmethod
    def _has_all(program: Program, each_part: bool) -> bool:
        heard = program.heard
        taken = [each.message_id if each_part else each.number for each in heard.answers if not each.status]
        return len(heard.receipts) >= len(set(taken))

    async def until_told(self) -> None:
        """Wait until nothing waits for his program."""

        async def is_told() -> bool:
            return await self.waiting() == 0

        await until_so(is_told, f"{self.system_id} has taken everything")


def phone(prefix: str = "3361", digits: int = 11) -> str:
    """A number that no other test has."""
    return f"{prefix}{next(_phones):0{digits - len(prefix)}d}"


async def until(happened: Callable[[], object], what: str, within_s: float = DEADLINE_S) -> None:
    """Wait until something has happened in this process."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while not happened():
        assert loop.time() < end, f"in {within_s:.0f} s it never happened: {what}"
        await asyncio.sleep(0.01)


async def until_so(happened: Callable[[], Coroutine[None, None, bool]], what: str) -> None:
    """Wait until something is so for which somebody has to be asked."""
    loop = asyncio.get_running_loop()
    end = loop.time() + DEADLINE_S
    while not await happened():
        assert loop.time() < end, f"in {DEADLINE_S:.0f} s it never happened: {what}"
        await asyncio.sleep(0.05)


async def until_open(port: int) -> None:
    """Wait until somebody listens."""

    async def is_open() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await until_so(is_open, f"port {port} is open")


@asynccontextmanager
async def installed(folder: Path, runner: asyncio.Runner) -> AsyncIterator[Site]:
    """An installation that runs, and is gone afterwards."""
    async with Simulator(simulated(receipt_delay_s=0.05)) as carrier:
        prepared = await prepare(folder / "data", carrier.port)
        port = free_port()
        public_url = f"http://127.0.0.1:{prepared.settings.port}"
        server = Server(prepared, folder / "log", CHAPPE_SMPP_PORT=str(port), CHAPPE_PUBLIC_URL=public_url)
        async with opened(prepared.settings) as chappe:
            site = Site(runner, carrier, prepared, chappe, server, port)
            try:
                await site.start()
                yield site
            finally:
                await server.stop()


def on_site(test: Callable[Concatenate[Site, P], Coroutine[None, None, None]]) -> Callable[..., None]:
    """Run an async test on the loop that its installation lives on."""

    @wraps(test)
    def run(site: Site, *args: P.args, **kwargs: P.kwargs) -> None:
        site.runner.run(asyncio.wait_for(test(site, *args, **kwargs), TEST_S))

    return run
