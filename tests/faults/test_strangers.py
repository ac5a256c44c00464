"""Who connects and does not mean to bind: he keeps no place for long, and keeps nobody out.

On both loops: the server runs on uvloop, other tests on asyncio's own.
"""

import asyncio
import os
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from chappe.domain.accounts import LockRule
from chappe.manage import passwords
from chappe.manage.bind_users import Binder, BindRefusal
from chappe.surfaces.smpp_server import link, server
from chappe.telecom.smpp.bodies import Bind
from chappe.telecom.smpp.commands import BIND_TRANSCEIVER, ENQUIRE_LINK, RESPONSE
from tests.bound import PASSWORD, SYSTEM_ID, Centre, add_user, centre, customer, served
from tests.esme import esme, until
from tests.faults.bad_customers import whole
from tests.mail_server import self_signed
from tests.sending import installation
from tests.server import CHAPPE
from tests.smpp_wire import Wire, octets

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}
on_both_loops = pytest.mark.parametrize("loop", LOOPS)
NEVER = LockRule(0, 0)
BOUND = BIND_TRANSCEIVER | RESPONSE


def run(loop: str, work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(work)


def bind(system_id: str = SYSTEM_ID, password: str = PASSWORD) -> bytes:
    return whole(BIND_TRANSCEIVER, 1, Bind(BIND_TRANSCEIVER, system_id, password))


async def connected(port: int, address: str = "127.0.0.1") -> socket.socket:
    """A connection whose receiving buffer is small, from an address of this machine."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    found.setblocking(False)
    found.bind((address, 0))
    await asyncio.get_running_loop().sock_connect(found, ("127.0.0.1", port))
    return found


async def hears_nothing(stranger: socket.socket, of: link.Link) -> None:
    """Ask without reading until something stays in the server's buffer, and less than makes it stop reading."""
    of._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    while not of._transport.get_write_buffer_size():
        with suppress(BlockingIOError):
            stranger.send(octets(ENQUIRE_LINK, 1) * 1024)
        await asyncio.sleep(0)
    assert of._can_write


def is_open(stranger: socket.socket) -> bool:
    try:
        return stranger.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


@asynccontextmanager
async def tls_centre(folder: Path) -> AsyncIterator[tuple[Centre, ssl.SSLContext]]:
    """A server with TLS, and what a customer trusts."""
    context, trusted = self_signed(folder)
    async with installation(folder) as site:
        await add_user(site.store, site.account)
        async with centre(site.store, site.ids, site.use_cases, context=context) as office:
            yield office, ssl.create_default_context(cafile=trusted)


# -- the end of a link -----------------------------------------------------------------------------------


@on_both_loops
def test_one_who_does_not_bind_in_time_and_does_not_read_is_cut_off(
    tmp_path: Path, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "BIND_S", 2.0)
    monkeypatch.setattr(link, "CLOSE_S", 0.2)

    async def behave() -> None:
        async with served(tmp_path) as (_, office):
            stranger = await connected(office.port)
            await until(lambda: bool(office.server._links), "connected")
            await hears_nothing(stranger, next(iter(office.server._links)))
            await until(lambda: not office.server._links, "gone", 8)
            stranger.close()

    run(loop, behave())


@on_both_loops
def test_a_customer_who_hangs_gives_his_place_back(tmp_path: Path, loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "CLOSE_S", 0.2)

    async def behave() -> None:
        async with served(tmp_path, binds=1) as (_, office):
            stranger = await connected(office.port)
            await asyncio.get_running_loop().sock_sendall(stranger, bind())
            await until(lambda: any(each.is_bound for each in office.server._links), "bound")
            [his] = office.server._links
            await hears_nothing(stranger, his)
            # What the session tells when nobody answers its probes, half a minute and more later.
            now = asyncio.get_running_loop().time()
            his._handle(his.session.connection_lost(now, "enquire_link not answered"))
            await until(lambda: not office.server._links, "gone", 8)
            stranger.close()
            async with customer(office):
                pass

    run(loop, behave())


@on_both_loops
def test_one_who_says_that_he_has_said_everything_and_does_not_read_is_cut_off(
    tmp_path: Path, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "CLOSE_S", 0.2)

    async def behave() -> None:
        async with served(tmp_path) as (_, office):
            stranger = await connected(office.port)
            await until(lambda: bool(office.server._links), "connected")
            await hears_nothing(stranger, next(iter(office.server._links)))
            stranger.shutdown(socket.SHUT_WR)
            await until(lambda: not office.server._links, "gone", 8)
            stranger.close()

    run(loop, behave())


# -- places ----------------------------------------------------------------------------------------------


@on_both_loops
def test_when_all_places_are_taken_by_silence_the_oldest_goes_and_customers_bind(
    tmp_path: Path, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_UNBOUND", 5)

    async def behave() -> None:
        async with served(tmp_path) as (_, office):
            alone = await connected(office.port, "127.0.0.9")
            silent = [await connected(office.port, f"127.0.0.{10 + n % 2}") for n in range(4)]
            await until(lambda: len(office.server._links) == 5, "all places taken")
            async with customer(office):
                pass
            assert is_open(alone), "whoever has many connections loses one first"
            await until(lambda: not is_open(silent[0]), "the oldest of them is cut off")
            assert all(map(is_open, silent[1:]))
            for each in (alone, *silent):
                each.close()

    run(loop, behave())


def test_connections_from_one_network_of_ipv6_are_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Caller(link.Link):
        is_cut = False

        def abort(self) -> None:
            self.is_cut = True

    async def behave() -> None:
        async with served(tmp_path) as (_, office):

            def calls(address: str) -> Caller:
                found = Caller(office.server, is_tls=False, admits=office.server.admits)
                found.address = address
                assert office.server.admits(found)
                return found

            other = calls("2001:db8:0:1::1")
            crowd = [calls(f"2001:db8::{n:x}") for n in range(server.MAX_UNBOUND_OF_PLACE + 1)]
            assert [each.is_cut for each in (other, *crowd[:2])] == [False, True, False]
            for each in (other, *crowd):
                office.server.closed(each)

    run("asyncio", behave())


@on_both_loops
def test_connections_that_never_begin_their_handshake_are_counted_and_end(
    tmp_path: Path, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BIND_S", 8.0)

    async def behave() -> None:
        async with tls_centre(tmp_path) as (office, trusted):
            silent = [await connected(office.port) for _ in range(3 * server.MAX_UNBOUND_OF_PLACE)]
            await until(lambda: sum(map(is_open, silent)) == server.MAX_UNBOUND_OF_PLACE, "the others are cut off")
            assert len(office.server._links) == server.MAX_UNBOUND_OF_PLACE
            wire = Wire(*await asyncio.open_connection("127.0.0.1", office.port, ssl=trusted))
            wire.say(bind())
            assert (await wire.pdu())[:3] == (BOUND, 0, 1)
            await until(lambda: not any(map(is_open, silent)), "all who are silent are cut off")
            await until(lambda: len(office.server._links) == 1, "the customer alone")
            await wire.hang_up()
            await until(lambda: not office.server._links, "gone")
            for each in silent:
                each.close()

    run(loop, behave())


@on_both_loops
def test_a_handshake_that_comes_in_pieces_or_with_the_bind_behind_it_is_served(tmp_path: Path, loop: str) -> None:
    async def behave() -> None:
        async with tls_centre(tmp_path) as (office, trusted):
            for size in (1, 7, 100, 5000):
                found = await asyncio.to_thread(_bound_over_tls, office.port, trusted, size)
                assert found[:3] == (BOUND, 0, 1)
            for said in (b"", b"GET / HTTP/1.1\r\n\r\n", bytes(100_000)):
                stranger = await connected(office.port)
                with suppress(BlockingIOError, ConnectionError):
                    stranger.send(said)
                stranger.close()
            await until(lambda: not office.server._links, "all gone")

    run(loop, behave())


def _bound_over_tls(port: int, trusted: ssl.SSLContext, size: int) -> tuple[int, int, int]:
    """Bind with pieces of so many octets, the bind together with the end of the handshake."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusted.wrap_bio(into, out, server_hostname="127.0.0.1")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def say() -> None:
            data = out.read()
            for at in range(0, len(data), size):
                plain.sendall(data[at : at + size])

        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                say()
                into.write(plain.recv(65_536))
        tls.write(bind())
        say()
        while True:
            try:
                answer = tls.read(100)
                break
            except ssl.SSLWantReadError:
                into.write(plain.recv(65_536))
    return tuple(int.from_bytes(answer[at : at + 4], "big") for at in (4, 8, 12))  # type: ignore[return-value]


# -- passwords -------------------------------------------------------------------------------------------


@on_both_loops
def test_binds_of_those_who_have_gone_keep_no_customer_waiting(tmp_path: Path, loop: str) -> None:
    async def behave() -> None:
        async with installation(tmp_path) as site:
            await add_user(site.store, site.account)
            async with centre(site.store, site.ids, site.use_cases, rule=NEVER) as office:
                for number in range(90):
                    stranger = await connected(office.port)
                    stranger.send(bind(f"u{number}", "wrong"))
                    await asyncio.sleep(0.004)
                    stranger.close()
                await until(lambda: not office.server._links, "all gone")
                async with esme(office.port, SYSTEM_ID, PASSWORD) as me:
                    assert me.bound, me.refused
                assert not office.server._ids.keys() - office.server._links

    run(loop, behave())


def test_binds_that_wait_at_one_address_leave_places_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MAX_WAITING", 4)

    async def behave() -> None:
        async with installation(tmp_path) as site:
            await add_user(site.store, site.account)
            async with centre(site.store, site.ids, site.use_cases, rule=NEVER) as office:
                crowd = [await connected(office.port, "127.0.0.2") for _ in range(12)]
                for number, each in enumerate(crowd):
                    each.send(bind(f"u{number}", "wrong"))
                await until(lambda: office.server._binder._passwords._waiting > 0, "the first are compared")
                async with esme(office.port, SYSTEM_ID, PASSWORD) as me:
                    assert me.bound, me.refused
                for each in crowd:
                    each.close()

    run("uvloop", behave())


def test_one_who_tries_many_names_locks_his_address_out_and_nobody_who_was_right_before(tmp_path: Path) -> None:
    async def behave() -> None:
        async with installation(tmp_path) as site:
            for name in (SYSTEM_ID, "late"):
                await add_user(site.store, site.account, name)
            binder = Binder(site.store, LockRule(1, 60_000))

            async def tried(name: str, password: str, address: str = "192.0.2.1") -> str:
                try:
                    await binder.authenticate(name, password, address, is_tls=False, certificate_names=())
                except BindRefusal as refused:
                    return refused.reason
                return "bound"

            assert await tried(SYSTEM_ID, PASSWORD) == "bound"
            assert [await tried(f"u{n}", "wrong") for n in range(7)] == ["unknown"] * 5 + ["locked"] * 2
            assert await tried("late", PASSWORD) == "locked"
            assert await tried("late", PASSWORD, "192.0.2.2") == "bound"
            assert await tried(SYSTEM_ID, PASSWORD) == "bound"
            binder.close()

    run("asyncio", behave())


def test_a_comparison_whose_asker_has_gone_keeps_its_thread_and_no_place(tmp_path: Path) -> None:
    async def behave() -> None:
        checker = passwords.Passwords()
        known = await checker.hash("secret")
        for _ in range(10):
            asked = [asyncio.create_task(checker.is_right(known, "wrong")) for _ in range(4)]
            await asyncio.sleep(0.001)
            for each in asked:
                each.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        assert checker._waiting == 0
        assert checker._threads._work_queue.qsize() <= passwords.HASHING_THREADS
        assert await checker.is_right(known, "secret")
        checker.close()

    run("asyncio", behave())


# -- the process -----------------------------------------------------------------------------------------


def test_a_process_opens_as_many_files_as_the_system_lets_it(tmp_path: Path) -> None:
    async def behave() -> None:
        command = f"ulimit -Sn 256; exec {CHAPPE} serve --role worker"
        environment = {**os.environ, "CHAPPE_DATA": str(tmp_path)}
        process = await asyncio.create_subprocess_exec("sh", "-c", command, env=environment)
        try:
            wanted = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 65_536)
            await until(lambda: _soft_limit(process.pid) == wanted, "its limit is raised", 60)
        finally:
            process.terminate()
            await process.wait()

    run("asyncio", behave())


def _soft_limit(pid: int) -> int:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return int(next(each for each in lines if each.startswith("Max open files")).split()[3])
