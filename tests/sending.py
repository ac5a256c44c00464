"""Chappe with everything that sends, on real sockets: the submitter, a gateway, a simulated carrier."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chappe.carriers.simulator import Simulator, SimulatorOptions
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.accounts import Account
from chappe.domain.requests import SubmitRequest
from chappe.domain.rulebook import Defaults
from chappe.manage.carrier_checks import NewCarrier
from chappe.manage.carrier_status import CarrierStatus
from chappe.manage.carriers import Carriers
from chappe.manage.messages import MessageTrace
from chappe.manage.routes import Routes
from chappe.pipeline.gateway import Gateway
from chappe.pipeline.rules import Rules
from chappe.store.ids import Ids
from chappe.store.sqlite import Store
from chappe.surfaces.http.use_cases import UseCases
from tests.builders import EMAIL, use_cases_on, world

DEADLINE_S = 20.0


async def until(condition: Callable[[], object], what: str = "the condition", within_s: float = DEADLINE_S) -> None:
    """Wait until something is true, at most `within_s`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not condition():
        assert loop.time() < deadline, f"{what} did not come true within {within_s} s"
        await asyncio.sleep(0.01)


@dataclass(slots=True)
class Sending:
    """A running installation without its HTTP surface."""

    store: Store
    ids: Ids
    use_cases: UseCases
    carriers: Carriers
    routes: Routes
    account: Account
    gateways: list[tuple[Gateway, asyncio.Task[None]]] = field(default_factory=list)

    async def submit(self, *numbers: str, text: str = "Hello", **more: Any) -> int:
        """Submit to numbers; the ticket."""
        request = SubmitRequest(text, list(numbers), **more)
        answer = await self.use_cases.submitter.submit(self.account, request)
        assert answer.ticket is not None
        return answer.ticket

    def traces(self, ticket: int) -> list[MessageTrace]:
        """Every message of a campaign with its steps."""
        messages = self.use_cases.messages
        return [messages.show(message_id) for message_id in messages.of_ticket(ticket, 10_000)]

    def states(self, ticket: int) -> list[str]:
        return [trace.state for trace in self.traces(ticket)]

    async def until_all(self, ticket: int, state: str, within_s: float = DEADLINE_S) -> None:
        """Wait until every message of a campaign is in a state."""
        await until(lambda: set(self.states(ticket)) == {state}, f"all {state}", within_s)

    async def credits(self) -> int:
        return (await self.use_cases.credits.balance(self.account)).credits

    async def carrier(self, name: str = "carrier") -> CarrierStatus:
        return next(status for status in await self.carriers.list() if status.name == name)

    async def bound(self, name: str = "carrier") -> None:
        """Wait until a carrier is bound."""
        deadline = asyncio.get_running_loop().time() + DEADLINE_S
        while not (await self.carrier(name)).is_bound:
            assert asyncio.get_running_loop().time() < deadline, (await self.carrier(name)).binds
            await asyncio.sleep(0.02)

    async def add_carrier(self, port: int, name: str = "carrier", **more: Any) -> None:
        await self.carriers.add(NewCarrier(name, "127.0.0.1", port, "chappe", "secret", **more))

    def start_gateway(self) -> None:
        gateway = Gateway(self.store, self.ids, Rules(self.store, Defaults()), receipt_wait_s=3600)
        self.gateways.append((gateway, asyncio.create_task(gateway.run())))

    async def stop_gateway(self) -> None:
        gateway, task = self.gateways.pop()
        gateway.stop()
        await task


@asynccontextmanager
async def installation(folder: Path) -> AsyncIterator[Sending]:
    """A database with an account that has 1,000 credits, and the use cases on it."""
    made = world(folder)
    store, ids = Store(made.database), Ids()
    use_cases = use_cases_on(made.database, store, ids)
    sending = Sending(store, ids, use_cases, Carriers(store, ids), Routes(store, ids), use_cases.accounts.find(EMAIL))
    try:
        yield sending
    finally:
        while sending.gateways:
            await sending.stop_gateway()
        await use_cases.clicks.close()
        use_cases.accounts.close()
        await store.close()


@asynccontextmanager
async def sending_to(
    folder: Path, options: SimulatorOptions | None = None, smpp: SmppOptions | None = None, **carrier: Any
) -> AsyncIterator[tuple[Sending, Simulator]]:
    """An installation whose one carrier is simulated and bound."""
    wanted = options or SimulatorOptions(port=0, control_port=0, keep="messages", receipt_delay_s=0.02)
    async with Simulator(wanted) as simulator, installation(folder) as sending:
        await sending.add_carrier(simulator.port, options=smpp or SmppOptions(), **carrier)
        sending.start_gateway()
        if wanted.bind_status == "ESME_ROK":
            await sending.bound()
        yield sending, simulator


def simulated(**options: Any) -> SimulatorOptions:
    """Options of a carrier on a free port that keeps every message and reports soon."""
    given: dict[str, Any] = {"port": 0, "control_port": 0, "keep": "messages", "receipt_delay_s": 0.02, **options}
    return SimulatorOptions(**given)
