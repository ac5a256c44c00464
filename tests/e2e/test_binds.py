"""Who may bind and who may not, and what becomes of binds when the operator changes something."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chappe.domain.accounts import LockRule
from chappe.domain.bind_users import BindOptions, BindUser
from chappe.domain.errors import BadData, NotFound
from chappe.manage.bind_users import Binder, BindRefusal, BindUsers
from chappe.store import audit
from chappe.surfaces.smpp_server import link, server
from chappe.telecom.smpp import commands
from chappe.telecom.smpp.bodies import Bind, Empty
from chappe.telecom.smpp.commands import BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER
from chappe.telecom.smpp.pdu import Pdu, encode, encode_short_message
from tests.bound import HELLO, PASSWORD, SYSTEM_ID, Centre, add_user, centre, customer, rows, served, submitted
from tests.builders import on_loop
from tests.esme import Esme, esme, until
from tests.sending import installation

INVALID_SYSTEM_ID, INVALID_PASSWORD, BIND_FAILED, ALREADY_BOUND = 0x0F, 0x0E, 0x0D, 0x05
# The half second after which changes are seen, and the machine's time.
SOON_S = 5.0


async def refusal(port: int, system_id: str = SYSTEM_ID, password: str = PASSWORD) -> int | None:
    async with esme(port, system_id, password) as tried:
        return tried.refused.status if tried.refused else None


@on_loop
async def test_only_who_knows_the_password_binds(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, office):
        assert await refusal(office.port) is None
        assert await refusal(office.port, password="wrong") == INVALID_PASSWORD
        assert await refusal(office.port, system_id="nobody") == INVALID_SYSTEM_ID
        assert await refusal(office.port, system_id="") == INVALID_SYSTEM_ID


@on_loop
async def test_a_wrong_password_and_an_unknown_user_take_the_same_time(tmp_path: Path) -> None:
    async with installation(tmp_path) as site:
        await add_user(site.store, site.account)
        binder = Binder(site.store, LockRule(0))

        async def took(system_id: str, password: str) -> float:
            began = time.thread_time() + time.process_time()
            with pytest.raises(BindRefusal):
                await binder.authenticate(system_id, password, "192.0.2.1", is_tls=False, certificate_names=())
            return time.thread_time() + time.process_time() - began

        await took("nobody", "secret")  # the hash of nobody is made once
        known = sorted([await took(SYSTEM_ID, "wrong") for _ in range(3)])[0]
        unknown = sorted([await took("nobody", "wrong") for _ in range(3)])[0]
        binder.close()
        assert 0.3 < known / unknown < 3


@on_loop
async def test_who_guesses_locks_himself_out_and_nobody_else(tmp_path: Path) -> None:
    async with installation(tmp_path) as site:
        await add_user(site.store, site.account)
        binder = Binder(site.store, LockRule(3, 60_000))

        async def tried(password: str, address: str) -> str:
            try:
                await binder.authenticate(SYSTEM_ID, password, address, is_tls=False, certificate_names=())
            except BindRefusal as refused:
                return refused.reason
            return "bound"

        assert [await tried("wrong", "192.0.2.1") for _ in range(4)] == ["password"] * 3 + ["locked"]
        assert await tried(PASSWORD, "192.0.2.1") == "locked"
        assert await tried(PASSWORD, "192.0.2.2") == "bound"
        # Of IPv6 a guesser has a whole network of addresses.
        assert [await tried("wrong", f"2001:db8::{i}") for i in range(4)] == ["password"] * 3 + ["locked"]
        binder.close()


@on_loop
async def test_a_locked_guesser_is_told_that_the_bind_failed(tmp_path: Path) -> None:
    async with installation(tmp_path) as site:
        await add_user(site.store, site.account)
        async with centre(site.store, site.ids, site.use_cases, rule=LockRule(1, 60_000)) as office:
            assert await refusal(office.port, password="wrong") == INVALID_PASSWORD
            assert await refusal(office.port) == BIND_FAILED


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"networks": ("192.0.2.0/24",)}, BIND_FAILED),
        ({"networks": ("192.0.2.0/24", "127.0.0.0/8")}, None),
        ({"tls": True}, BIND_FAILED),
        ({"certificate": "shop.example"}, BIND_FAILED),
    ],
)
@on_loop
async def test_a_user_may_be_bound_to_networks_and_to_tls(
    tmp_path: Path, options: dict[str, object], status: int | None
) -> None:
    async with served(tmp_path, **options) as (_, office):
        assert await refusal(office.port) == status


@on_loop
async def test_the_user_of_a_closed_account_cannot_bind_and_his_binds_end(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        await site.use_cases.accounts.set_active(site.account, False)
        await until(lambda: bound.is_unbound, "the bind ends", SOON_S)
        assert await refusal(office.port) == INVALID_SYSTEM_ID


@on_loop
async def test_a_user_has_so_many_binds_at_the_same_time(tmp_path: Path) -> None:
    async with served(tmp_path, binds=2) as (_, office):
        async with customer(office), customer(office):
            assert await refusal(office.port) == ALREADY_BOUND
        await until(lambda: not any(c.links for c in office.server._customers.values()), "both have gone")
        assert await refusal(office.port) is None


@pytest.mark.parametrize(("version", "told"), [(0x33, None), (0x34, 0x34), (0x50, 0x50), (0x00, None), (0x99, 0x50)])
@on_loop
async def test_every_version_is_spoken(tmp_path: Path, version: int, told: int | None) -> None:
    async with served(tmp_path) as (_, office):
        loop = asyncio.get_running_loop()
        _, tried = await loop.create_connection(Esme, "127.0.0.1", office.port)
        tried.session.bind(Bind(BIND_TRANSCEIVER, SYSTEM_ID, PASSWORD, interface_version=version), loop.time())
        tried.flush()
        await until(lambda: tried.bound is not None, "bound")
        assert tried.bound is not None
        assert tried.bound.interface_version == told
        assert [status for status, _ in await submitted(tried, HELLO)] == [0]
        tried.transport.abort()


@pytest.mark.parametrize(
    ("command", "may_submit"), [(BIND_TRANSMITTER, True), (BIND_TRANSCEIVER, True), (BIND_RECEIVER, False)]
)
@on_loop
async def test_a_receiver_only_listens(tmp_path: Path, command: int, may_submit: bool) -> None:
    async with served(tmp_path) as (_, office), customer(office, command=command) as bound:
        # Past our own session, which would not send it.
        bound.transport.write(encode_short_message(commands.SUBMIT_SM, 99, HELLO))
        await until(lambda: bool(bound.oddities), "an answer to nothing that was asked")
        assert len(rows(office.store, "SELECT id FROM message")) == may_submit


@pytest.mark.parametrize(
    "change",
    [
        lambda binds: binds.kick(SYSTEM_ID, "tests"),
        lambda binds: binds.remove(SYSTEM_ID, "tests"),
        lambda binds: binds.change(SYSTEM_ID, {}, "other", "tests"),
        lambda binds: binds.change(SYSTEM_ID, {"networks": ("192.0.2.0/24",)}, None, "tests"),
        lambda binds: binds.change(SYSTEM_ID, {"tls": True}, None, "tests"),
    ],
    ids=["kicked", "removed", "password", "networks", "tls"],
)
@on_loop
async def test_what_the_operator_changes_ends_binds_within_a_second(
    tmp_path: Path, change: Callable[[BindUsers], object]
) -> None:
    async with served(tmp_path) as (_, office), customer(office) as bound:
        began = time.monotonic()
        await change(office.binds)  # type: ignore[misc]
        await until(lambda: bound.is_unbound, "the bind ends", SOON_S)
        assert time.monotonic() - began < SOON_S


@on_loop
async def test_a_customer_who_ignores_our_unbind_is_cut_off(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, office):
        reader, writer = await asyncio.open_connection("127.0.0.1", office.port)
        writer.write(encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind(BIND_TRANSCEIVER, SYSTEM_ID, PASSWORD))))
        await reader.readexactly(16)
        await office.binds.kick(SYSTEM_ID, "tests")
        async with asyncio.timeout(SOON_S):
            while await reader.read(1000):
                pass
        writer.close()


@on_loop
async def test_who_was_kicked_may_bind_again_and_rate_and_window_change_on_the_fly(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, office):
        async with customer(office) as bound:
            await office.binds.kick(SYSTEM_ID, "tests")
            await until(lambda: bound.is_unbound, "the bind ends", SOON_S)
        async with customer(office) as bound:
            await office.binds.change(SYSTEM_ID, {"rate": 2}, None, "tests")
            await until(lambda: _user(office).options.rate == 2, "the change is seen", SOON_S)
            await asyncio.sleep(0.6)
            statuses = [status for status, _ in await submitted(bound, *[HELLO] * 8)]
            assert statuses.count(0) in (2, 3)
            assert set(statuses) == {0, 0x58}


def _user(office: Centre) -> BindUser:
    [found] = office.server._customers.values()
    return found.user


@on_loop
async def test_the_view_shows_binds_as_they_are_and_forgets_them(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, office):
        async with customer(office) as bound:
            await submitted(bound, HELLO, HELLO._replace(data_coding=4))
            [view] = await _views(office, lambda views: bool(views[0].sessions) and views[0].sessions[0].received == 2)
            [session] = view.sessions
            assert session[3:6] == ("transceiver", 0x34, False)
            assert (session.received, session.refused, session.delivered) == (2, 1, 0)
        [view] = await _views(office, lambda views: not views[0].sessions)
        assert view.user.system_id == SYSTEM_ID


async def _views(office: Centre, condition: Callable[..., bool]) -> list:  # type: ignore[type-arg]
    for _ in range(100):
        views = await office.binds.list()
        if condition(views):
            return views
        await asyncio.sleep(0.1)
    raise AssertionError(views)


@on_loop
async def test_who_does_not_bind_in_time_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "BIND_S", 0.2)
    async with served(tmp_path) as (_, office):
        reader, writer = await asyncio.open_connection("127.0.0.1", office.port)
        async with asyncio.timeout(SOON_S):
            assert await reader.read() == b""
        writer.close()


@on_loop
async def test_who_is_silent_is_asked_whether_he_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "ENQUIRE_S", 0.2)
    async with served(tmp_path) as (_, office):
        reader, writer = await asyncio.open_connection("127.0.0.1", office.port)
        writer.write(encode(Pdu(BIND_TRANSCEIVER, 0, 1, Bind(BIND_TRANSCEIVER, SYSTEM_ID, PASSWORD))))
        await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)
        probe = await reader.readexactly(16)
        assert int.from_bytes(probe[4:8], "big") == commands.ENQUIRE_LINK
        writer.close()


async def gone(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


@on_loop
async def test_connections_that_do_not_bind_leave_room_for_those_that_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_UNBOUND_OF_PLACE", 3)
    async with served(tmp_path) as (_, office), customer(office) as bound:
        opened = [await asyncio.open_connection("127.0.0.1", office.port) for _ in range(6)]
        await until(lambda: len(office.server._links) == 4, "three of them and the bind")
        for reader, _ in opened[:3]:
            assert await gone(reader)
        assert [status for status, _ in await submitted(bound, HELLO)] == [0]
        for _, writer in opened:
            writer.close()


@on_loop
async def test_answers_to_what_was_asked_before_a_good_bye_come_before_it(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, office):
        async with customer(office) as bound:
            bound.submit([(i, HELLO) for i in range(50)])
            bound.transport.write(encode(Pdu(commands.UNBIND, 0, 999, Empty())))  # without waiting
            await bound.settle(50)
            await until(lambda: bound.lost is not None, "the connection ends")
        assert {status for status, _ in bound.answers.values()} == {0}


@on_loop
async def test_a_server_that_stops_answers_what_it_has_taken(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office):
        _, bound = await asyncio.get_running_loop().create_connection(lambda: Esme(500), "127.0.0.1", office.port)
        bound.bind(SYSTEM_ID, PASSWORD)
        await until(lambda: bound.bound is not None, "bound")
        bound.submit([(i, HELLO) for i in range(500)])
        await until(lambda: any(each.received for each in office.server._links), "some have arrived")
        office.server.stop()
        await until(lambda: bound.lost is not None, "the connection ends")
        accepted = [status for status, _ in bound.answers.values() if status == 0]
        assert rows(site.store, "SELECT COUNT(*) FROM message") == [(len(accepted),)]
        assert accepted


@on_loop
async def test_names_and_passwords_fit_the_protocol_and_a_name_is_used_once(tmp_path: Path) -> None:
    async with installation(tmp_path) as site:
        binds = BindUsers(site.store)
        for system_id, password in (("x" * 16, "secret"), ("a b", "secret"), ("", "secret"), ("shop", "123456789"),
                                    ("shop", "abc"), ("shop", "sécret")):  # fmt: skip
            with pytest.raises(BadData):
                await add_user(site.store, site.account, system_id, password)
        await add_user(site.store, site.account, "x" * 15, "12345678")
        with pytest.raises(BadData, match="in use"):
            await add_user(site.store, site.account, "x" * 15)
        await binds.remove("x" * 15, "tests")
        await add_user(site.store, site.account, "x" * 15)
        with pytest.raises(NotFound):
            await binds.kick("nobody", "tests")


@pytest.mark.parametrize(
    "options",
    [{"window": 0}, {"rate": -1}, {"binds": 0}, {"deliveries": 10**6}, {"networks": ("everybody",)}],
)
@on_loop
async def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: dict[str, object]) -> None:
    async with installation(tmp_path) as site:
        with pytest.raises(BadData):
            await add_user(site.store, site.account, **options)  # type: ignore[arg-type]


@on_loop
async def test_what_the_operator_does_is_in_the_audit_log(tmp_path: Path) -> None:
    async with installation(tmp_path) as site:
        binds = BindUsers(site.store)
        await binds.create(site.account, SYSTEM_ID, PASSWORD, BindOptions(rate=10), "cli:ann")
        await binds.change(SYSTEM_ID, {"rate": 20, "networks": ("192.0.2.0/24",)}, "other", "cli:ann")
        await binds.kick(SYSTEM_ID, "cli:bob")
        await binds.remove(SYSTEM_ID, "cli:bob")
        entries = site.store.glance(lambda tx: audit.newest(tx, 10, before=None, account=None, action="bind"))
        assert [(e.actor, e.action, e.subject, e.detail) for e in reversed(entries)] == [
            ("cli:ann", "bind.create", SYSTEM_ID, "rate 0 -> 10"),
            ("cli:ann", "bind.set", SYSTEM_ID, "rate 10 -> 20, networks - -> 192.0.2.0/24, password"),
            ("cli:bob", "bind.kick", SYSTEM_ID, "0 binds"),
            ("cli:bob", "bind.remove", SYSTEM_ID, "0 deliveries waited"),
        ]
