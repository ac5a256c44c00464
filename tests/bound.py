"""The SMPP server for customers in this process, on the store of an installation: for tests of binds."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chappe.domain.accounts import Account, LockRule
from chappe.domain.bind_users import BindOptions, BindUser
from chappe.manage.bind_users import Binder, BindUsers
from chappe.pipeline.bound_changes import BoundChanges
from chappe.pipeline.bound_outbox import Outbox
from chappe.pipeline.bound_submit import BoundSubmitter
from chappe.store.ids import Ids
from chappe.store.sqlite import Store
from chappe.surfaces.http.use_cases import UseCases as HttpUseCases
from chappe.surfaces.smpp_server.customer import UseCases
from chappe.surfaces.smpp_server.server import SmppServer
from chappe.telecom.smpp.bodies import ShortMessage
from tests.esme import until

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
