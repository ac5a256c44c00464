"""The server: ports, who may connect, and what is done for all customers at intervals."""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Final

import msgspec
import structlog

from chappe.domain.bind_users import BindUser
from chappe.domain.errors import Unavailable
from chappe.manage.bind_users import Binder, BindRefusal, place_of
from chappe.store import bind_sessions, bind_users
from chappe.store.bind_sessions import BindSession
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store
from chappe.surfaces.smpp_server import statuses
from chappe.surfaces.smpp_server.customer import Customer, UseCases
from chappe.surfaces.smpp_server.handshake import Handshake
from chappe.surfaces.smpp_server.link import BIND_S, Link
from chappe.telecom.smpp.bodies import Bind

_log = structlog.get_logger("chappe.binds")

MAX_CONNECTIONS: Final = 2000
# Connections that have not bound yet: of all, and from one address (of IPv6: from one network).
MAX_UNBOUND: Final = 200
MAX_UNBOUND_OF_PLACE: Final = 20
LOOK_S: Final = 0.01  # for deliveries
REFRESH_S: Final = 0.5  # of bind users
REPORT_S: Final = 1.0  # of binds
HEARTBEAT_MS: Final = 5000
# How soon a port that is taken is tried again.
LISTEN_S: Final = 5.0
GRACE_S: Final = 10.0
# How long a customer without binds is kept, so that his rate goes on: a submit_multi to everybody it takes (255), at a
# rate of one a second, is paid off by then.
FORGET_S: Final = 300.0
# How often it is said that there is no room.
CROWD_S: Final = 10.0


class SmppServer:
    """Takes binds, and keeps them in step with their users."""

    def __init__(self, store: Store, binder: Binder, use_cases: UseCases, *, process: str) -> None:
        self._store = store
        self._binder = binder
        self._use_cases = use_cases
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._links: set[Link] = set()
        self._unbound: dict[Link, str] = {}  # and where they come from; the oldest first
        self._crowded_at = -CROWD_S
        self._customers: dict[int, Customer] = {}
        self._gone_at: dict[int, float] = {}  # who has no binds any more
        self._servers: list[asyncio.Server] = []
        self._ids: dict[Link, str] = {}
        self._reported: dict[str, BindSession] | None = None  # None: nothing yet, and others' binds are to be forgotten
        self._numbers = count(1)
        self._stopping = asyncio.Event()

    @property
    def ports(self) -> list[int]:
        """The ports it listens on."""
        return [each.sockets[0].getsockname()[1] for each in self._servers if each.sockets]

    async def run(self, host: str, ports: list[tuple[int, ssl.SSLContext | None]]) -> None:
        """Serve until `stop`; what was asked by then is answered."""
        async with asyncio.TaskGroup() as group:
            for port, context in ports:
                group.create_task(self._listen(host, port, context))
            group.create_task(self._deliver())
            group.create_task(self._every(REFRESH_S, self._refresh))
            group.create_task(self._report_always())
        await self._end()

    def stop(self) -> None:
        """Take nothing new, and end."""
        self._stopping.set()

    # -- for links

    def admits(self, link: Link) -> bool:
        """Whether there is room for one more connection.

        Shape: when too many have not bound, the oldest of them goes: who means to bind does so at once.
        """
        place = place_of(link.address)
        here = [each for each, where in self._unbound.items() if where == place]
        if len(here) >= MAX_UNBOUND_OF_PLACE:
            self._drop(here[0])
        elif self._unbound and (len(self._unbound) >= MAX_UNBOUND or len(self._links) >= MAX_CONNECTIONS):
            most, _ = Counter(self._unbound.values()).most_common(1)[0]
            self._drop(next(each for each, where in self._unbound.items() if where == most))
        if len(self._links) >= MAX_CONNECTIONS:
            self._say_crowded(link)
            return False
        self._links.add(link)
        self._unbound[link] = place
        return True

    def _drop(self, link: Link) -> None:
        self._say_crowded(link)
        self._links.discard(link)
        del self._unbound[link]
        link.abort()

    def _say_crowded(self, link: Link) -> None:
        if self._loop.time() - self._crowded_at >= CROWD_S:
            self._crowded_at = self._loop.time()
            _log.warning("connections cut off: too many", address=link.address, connections=len(self._links))

    async def bind(self, link: Link, request: Bind) -> Customer | int:
        """The customer who binds, or the status that refuses him."""
        try:
            user = await self._binder.authenticate(
                request.system_id, request.password, link.address, is_tls=link.is_tls,
                certificate_names=link.certificate_names,
            )  # fmt: skip
            customer = self._customers.get(user.id)
            if customer is None:
                customer = self._customers[user.id] = Customer(user, self._use_cases, self._loop.time)
            else:
                customer.user = user
            if len(customer.links) >= user.options.binds:
                raise BindRefusal("binds")
        except BindRefusal as refusal:
            _log.info("bind refused", reason=refusal.reason, system_id=request.system_id[:16], address=link.address)
            return statuses.BIND_REFUSALS[refusal.reason]
        except Unavailable as error:
            _log.error("bind refused", reason=str(error), address=link.address)
            return statuses.BIND_REFUSALS["busy"]
        except Exception:
            _log.exception("bug", address=link.address)
            return statuses.BIND_REFUSALS["busy"]
        if link not in self._links:  # gone meanwhile
            return statuses.BIND_REFUSALS["busy"]
        self._unbound.pop(link, None)
        link.bound_at = now_ms()
        self._ids[link] = f"{self._process}.{next(self._numbers)}"
        return customer

    def closed(self, link: Link) -> None:
        """A connection is gone."""
        self._links.discard(link)
        self._unbound.pop(link, None)
        self._ids.pop(link, None)
        if link.customer is not None:
            link.customer.links.discard(link)

    # -- at intervals

    def _arriving(self, context: ssl.SSLContext | None) -> asyncio.Protocol:
        link = Link(self, is_tls=context is not None, admits=self.admits)
        return Handshake(link, context, within_s=BIND_S) if context is not None else link

    async def _listen(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        """Keep a port open; one that is taken is tried again and again, and everything else goes on."""
        what = "SMPP over TLS" if context else "SMPP"
        while not self._stopping.is_set():
            try:
                server = await self._loop.create_server(lambda: self._arriving(context), host, port, backlog=512)
            except OSError as error:
                why = error.strerror or str(error)
                _log.error(f"cannot listen for {what}: {host} port {port}: {why}; trying again", again_in_s=LISTEN_S)
                await self._sleep(LISTEN_S)
            else:
                self._servers.append(server)
                _log.info(f"{what} listens", host=host, port=server.sockets[0].getsockname()[1])
                while _is_open(server) and not self._stopping.is_set():
                    await self._sleep(LISTEN_S)
                if not self._stopping.is_set():  # the loop closes a port when the system fails to accept
                    _log.error(f"{what} is closed; opening it again", host=host, port=port)
                    self._servers.remove(server)
                    server.close()

    async def _every(self, seconds: float, what: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                what()
            except Unavailable as error:
                _log.error("database unavailable", reason=str(error))
            except Exception:
                _log.exception("bug")
            await self._sleep(seconds)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _deliver(self) -> None:
        """Deliver what others have written; look again from time to time for what was to wait."""
        looked_at = 0.0
        while not self._stopping.is_set():
            if not any(customer.links for customer in self._customers.values()):
                await self._sleep(REFRESH_S)  # who binds is given at once what waits for him
                continue
            try:
                if self._store.has_changed() or self._loop.time() - looked_at > REFRESH_S:
                    looked_at = self._loop.time()
                    self._pump()
            except Unavailable as error:
                _log.error("database unavailable", reason=str(error))
            except Exception:
                _log.exception("bug")
            await asyncio.sleep(LOOK_S)

    def _pump(self) -> None:
        takers = [user for user, customer in self._customers.items() if customer.may_take]
        if takers:
            for user in self._use_cases.outbox.waiting(takers):
                self._customers[user].pump()

    def _refresh(self) -> None:
        """Take up what was changed about users, and end what is no longer allowed."""
        if not self._customers:
            return
        users = {user.id: user for user in self._store.glance(bind_users.open_users)}
        for id_, customer in list(self._customers.items()):
            user = users.get(id_)
            if user is not None:
                customer.user = user
            for link in list(customer.links):
                if isinstance(link, Link):
                    self._check(link, user)
            if customer.links or not customer.is_idle:
                self._gone_at.pop(id_, None)
            elif user is None or self._loop.time() - self._gone_at.setdefault(id_, self._loop.time()) >= FORGET_S:
                del self._customers[id_]
                self._gone_at.pop(id_, None)

    @staticmethod
    def _check(link: Link, user: BindUser | None) -> None:
        why = _why_not(link, user)
        if why:
            link.close(why)
        elif user is not None:
            link.session.window = user.options.deliveries

    async def _report_always(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._report()
            except Unavailable as error:
                _log.error("database unavailable", reason=str(error))
            except Exception:
                _log.exception("bug")
            await self._sleep(REPORT_S)

    async def _report(self) -> None:
        """Write down the binds there are, as far as something has changed."""
        now = now_ms()
        living = {id_: _session(id_, link, now) for link, id_ in self._ids.items() if link.customer is not None}
        before = self._reported or {}
        changed = [each for id_, each in living.items() if _is_news(each, before.get(id_))]
        if self._reported is not None and not changed and living.keys() == before.keys():
            return
        await self._store.write(lambda tx: bind_sessions.report(tx, changed, list(living)))
        kept = {id_: each for id_, each in before.items() if id_ in living}
        self._reported = kept | {each.id: each for each in changed}

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for link in list(self._links):
            link.close("the server stops", within_s=GRACE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                for customer in list(self._customers.values()):
                    await customer.idle()
                while self._links:
                    await asyncio.sleep(0.05)
        for link in list(self._links):
            link.abort()
        await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):  # what is not written down is given again
            async with asyncio.timeout(GRACE_S):
                await self._use_cases.outbox.close()
        with contextlib.suppress(Unavailable):
            await self._store.write(lambda tx: bind_sessions.report(tx, [], []))


def _is_open(server: asyncio.Server) -> bool:
    """Whether a server still accepts on all of its sockets."""
    return bool(server.sockets) and all(each.fileno() != -1 for each in server.sockets)


def _why_not(link: Link, user: BindUser | None) -> str:
    """Why a bind may not go on; "" when it may."""
    if user is None:
        return "the user was removed or his account closed"
    if user.kicked_at is not None and user.kicked_at >= link.bound_at:
        return "ended by the operator"
    if user.password_hash != link.password_hash:
        return "the password was changed"
    if not user.options.allows(link.address):
        return "the address is no longer allowed"
    if user.options.tls and not link.is_tls:
        return "TLS is needed now"
    if user.options.certificate and user.options.certificate not in link.certificate_names:
        return "another client certificate is needed now"
    return ""


def _session(id_: str, link: Link, now: int) -> BindSession:
    oddities = msgspec.json.encode(dict(link.oddities)).decode() if link.oddities else None
    user = link.customer.user.id if link.customer else 0
    return BindSession(
        id_, user, link.address, link.mode, link.version, link.is_tls, link.in_flight, link.received, link.refused,
        link.delivered, oddities, link.bound_at, now,
    )  # fmt: skip


def _is_news(each: BindSession, before: BindSession | None) -> bool:
    return (
        before is None
        or each.seen_at - before.seen_at >= HEARTBEAT_MS
        or each._replace(seen_at=before.seen_at) != before
    )
