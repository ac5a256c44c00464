"""The SMPP server for customers in this process, on the store of an installation: for tests of binds."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chappe.carriers.simulator import Simulator
from chappe.domain.accounts import Account, LockRule
from chappe.domain.bind_users import BindOptions, BindUser
from chappe.manage.bind_users import Binder, BindUsers
from chappe.pipeline.bound_changes import BoundChanges
from chappe.pipeline.bound_outbox import Outbox
from chappe.pipeline.bound_submit import BoundSubmitter
from chappe.store.ids import Ids
from chappe.store.sqlite import Row, Store
from chappe.store.statement import Statement
from chappe.surfaces.http.use_cases import UseCases as HttpUseCases
from chappe.surfaces.smpp_server.customer import UseCases
from chappe.surfaces.smpp_server.server import SmppServer
from chappe.telecom.smpp.bodies import Body, ShortMessage
from chappe.telecom.smpp.commands import BIND_TRANSCEIVER
from chappe.telecom.smpp.events import Responded
from tests.esme import Esme, esme, until
from tests.sending import Sending, installation, sending_to

# The first marketing message loads the calendar of legal hours, which takes a busy machine many seconds.
ANSWERS_S = 90.0
SYSTEM_ID, PASSWORD = "shop", "secret"
HELLO = ShortMessage(5, 0, "SHOP", 1, 1, "33612345678", 0, 0, b"Hello", 1)


@dataclass(frozen=True, slots=True)
class Centre:
    """A server that listens, and what it works with."""

    store: Store
    binds: BindUsers
    use_cases: UseCases
    server: SmppServer
    port: int


def use_cases(store: Store, ids: Ids, http: HttpUseCases) -> UseCases:
    """What customers can do, on the submitter that HTTP has."""
    changes = BoundChanges(store, http.submitter)
    return UseCases(BoundSubmitter(store, ids, http.submitter, changes), changes, Outbox(store))


async def add_user(
    store: Store, account: Account, system_id: str = SYSTEM_ID, password: str = PASSWORD, **options: object
) -> BindUser:
    """Let an account bind."""
    return await BindUsers(store).create(account, system_id, password, BindOptions(**options), "tests")  # type: ignore[arg-type]


@asynccontextmanager
async def centre(
    store: Store, ids: Ids, http: HttpUseCases, *, context: ssl.SSLContext | None = None, rule: LockRule | None = None
) -> AsyncIterator[Centre]:
    """A server on a free port."""
    binder, cases = Binder(store, rule or LockRule()), use_cases(store, ids, http)
    server = SmppServer(store, binder, cases, process="tests")
    running = asyncio.create_task(server.run("127.0.0.1", [(0, context)]))
    try:
        await until(lambda: bool(server.ports), "the server listens")
        yield Centre(store, BindUsers(store), cases, server, server.ports[0])
    finally:
        server.stop()
        await running
        binder.close()


@asynccontextmanager
async def served(folder: Path, **options: object) -> AsyncIterator[tuple[Sending, Centre]]:
    """An installation without carrier, with a user who may bind, and the server he binds to."""
    async with installation(folder) as site:
        await add_user(site.store, site.account, **options)  # type: ignore[arg-type]
        async with centre(site.store, site.ids, site.use_cases) as office:
            yield site, office


@asynccontextmanager
async def served_with_carrier(folder: Path, **options: object) -> AsyncIterator[tuple[Sending, Centre, Simulator]]:
    """The same with a simulated carrier that is bound."""
    async with sending_to(folder) as (site, carrier):
        await add_user(site.store, site.account, **options)  # type: ignore[arg-type]
        async with centre(site.store, site.ids, site.use_cases) as office:
            yield site, office, carrier


@asynccontextmanager
async def customer(
    office: Centre, system_id: str = SYSTEM_ID, password: str = PASSWORD, command: int = BIND_TRANSCEIVER
) -> AsyncIterator[Esme]:
    """A bind, which has to be accepted."""
    async with esme(office.port, system_id, password, command) as bound:
        assert bound.bound is not None, bound.refused
        yield bound


async def submitted(bound: Esme, *bodies: ShortMessage) -> list[tuple[int, str]]:
    """Submit and wait: (status, message id) of each."""
    first = len(bound.answers)
    bound.submit([(first + i, body) for i, body in enumerate(bodies)])
    await until(lambda: len(bound.answers) >= first + len(bodies), "answers", ANSWERS_S)
    return [bound.answers[first + i] for i in range(len(bodies))]


async def asked(bound: Esme, command: int, body: Body) -> Responded[int]:
    """Ask something else, and wait for the answer."""
    token = 1_000_000 + len(bound.responses)
    bound.session.request(token, command, body, asyncio.get_running_loop().time())
    bound.flush()
    await until(lambda: token in bound.responses, "an answer")
    return bound.responses[token]


def rows(store: Store, sql: str) -> list[Row]:
    """What a statement finds."""
    return store.glance(lambda tx: tx.rows(Statement(sql)))
