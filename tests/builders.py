"""What tests are built from: a migrated database with accounts in it, and the whole API on a loopback port."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec

import time_machine
import uvicorn
from prometheus_client import CollectorRegistry

from chappe.domain.accounts import Account
from chappe.domain.invoices import Sale, Terms
from chappe.manage.accounts import Accounts
from chappe.manage.credits import Credits
from chappe.manage.invoices import Invoices
from chappe.manage.tokens import Tokens
from chappe.runtime import settings as settings_table
from chappe.runtime.bootstrap import wire
from chappe.store.ids import Ids
from chappe.store.migrations import migrate
from chappe.store.sqlite import Store
from chappe.surfaces.http.app import build
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.use_cases import UseCases

P = ParamSpec("P")

EMAIL = "shop@example.org"
PASSWORD = "open-sesame"
CREDITS = 1000
CHILD_EMAIL = "branch@example.org"
STRANGER_EMAIL = "stranger@example.org"
TERMS = Terms(credit_price=Decimal("0.045"), issuer="Chappe Services\n12 rue des Télégraphes\n75011 Paris")


@dataclass(frozen=True, slots=True)
class World:
    """A database with three accounts: one with credits and an invoice, its sub-account that shares them, a stranger."""

    database: Path
    token: str
    stranger_token: str


@dataclass(frozen=True, slots=True)
class Api:
    """The running API and what it runs on."""

    base_url: str
    port: int
    store: Store
    ids: Ids
    use_cases: UseCases
    account: Account
    token: str
    stranger_token: str


def on_loop(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Run an async test on an event loop of its own."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def use_cases_on(database: Path, store: Store, ids: Ids, **given: object) -> UseCases:
    """The use cases with the settings of a fresh installation, but for those that are given."""
    return wire(settings_table.load({}, None, data=database.parent, **given), store, ids)


def world(folder: Path) -> World:
    """A database of its own for one test. Cost: a copy of a file that is made once per process."""
    content, token, stranger_token = _template()
    database = folder / "chappe.db"
    database.write_bytes(content)
    return World(database, token, stranger_token)


@cache
def _template() -> tuple[bytes, str, str]:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "chappe.db"
        migrate(database)
        # In a thread, because the test that asks first may have a loop running in this one.
        tokens = _in_thread(lambda: _fill(database))
        return database.read_bytes(), *tokens


def _in_thread(work: Callable[[], Coroutine[None, None, tuple[str, str]]]) -> tuple[str, str]:
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(work())).result()


@time_machine.travel("2026-01-02T07:00:00Z", tick=False)
async def _fill(database: Path) -> tuple[str, str]:
    store = Store(database)
    accounts, tokens = Accounts(store, Ids()), Tokens(store, Ids())
    parent = await accounts.create(EMAIL, PASSWORD, "FR")
    invoice = Invoices(store, TERMS).draft(parent, CREDITS, Sale())
    await Credits(store).add(parent, CREDITS, invoice=invoice)
    await accounts.create(CHILD_EMAIL, PASSWORD, "FR", parent=parent, shares_parent_credits=True)
    stranger = await accounts.create(STRANGER_EMAIL, PASSWORD, "FR", credits=CREDITS)
    token = (await tokens.create(parent, "tests")).token
    stranger_token = (await tokens.create(stranger, "tests")).token
    accounts.close()
    await store.close()
    return token, stranger_token


async def no_problems() -> Sequence[str]:
    return ()


@asynccontextmanager
async def running_api(
    folder: Path,
    *,
    limits: RequestLimits | None = None,
    problems: Callable[[], Coroutine[None, None, Sequence[str]]] = no_problems,
    metrics: CollectorRegistry | None = None,
    **settings: object,
) -> AsyncIterator[Api]:
    """The API with the real use cases, a real database and a real server."""
    made = world(folder)
    store, ids = Store(made.database), Ids()
    use_cases = use_cases_on(made.database, store, ids, **settings)
    app = build(
        use_cases,
        problems=problems,
        metrics=metrics or CollectorRegistry(),
        limits=limits or RequestLimits(),
        public_url=str(settings.get("public_url", "")),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, lifespan="off", http="httptools", ws="none", access_log=False)
    )
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[listener])
    port = listener.getsockname()[1]
    try:
        yield Api(
            base_url=f"http://127.0.0.1:{port}",
            port=port,
            store=store,
            ids=ids,
            use_cases=use_cases,
            account=use_cases.accounts.find(EMAIL),
            token=made.token,
            stranger_token=made.stranger_token,
        )
    finally:
        await server.shutdown(sockets=[listener])
        await use_cases.clicks.close()
        use_cases.accounts.close()
        await use_cases.lookups.close()
        await store.close()
