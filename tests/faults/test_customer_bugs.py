"""A fault of our own while customers are served: it is in the log, costs one of them something at most, and what comes
after it is done.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from chappe.domain.bound_deliveries import BoundReceipt
from chappe.domain.lifecycle import Dlr
from chappe.pipeline import bound_outbox
from chappe.store import bind_sessions, bound_deliveries
from chappe.store.bound_deliveries import NewDelivery
from chappe.store.clock import now_ms
from chappe.surfaces.smpp_server import link as links
from chappe.surfaces.smpp_server import server as servers
from chappe.surfaces.smpp_server.deliveries import deliver_sm
from chappe.surfaces.smpp_server.link import Link
from chappe.telecom.smpp.session import ServerSession
from tests.bound import HELLO, SYSTEM_ID, Centre, add_user, customer, rows, served, submitted
from tests.builders import on_loop
from tests.esme import Esme, esme, until

SYSTEM_ERROR = 0x08
# A customer is given nothing for a second after a fault.
AGAIN_S = 10.0


class Fault:
    """What fails as long as `when` says so of its arguments, and then does what it did."""

    def __init__(self, real: Callable[..., Any], when: Callable[..., bool]) -> None:
        self.count = 0
        self._real = real
        self._when = when

    def __call__(self, *args: Any, **named: Any) -> Any:
        if self._when(self, *args):
            self.count += 1
            raise KeyError("a fault of ours")
        return self._real(*args, **named)

    def method(self) -> Callable[..., Any]:
        """The same in a class, where only a function gets its object."""

        def failing(*args: Any, **named: Any) -> Any:
            return self(*args, **named)

        return failing


def once(fault: Fault, *_: object) -> bool:
    return not fault.count


async def queue(office: Centre, *users: int) -> None:
    """A receipt for each of these users."""
    now = now_ms()
    told = [
        NewDelivery(user, 100 + i, BoundReceipt(i, Dlr.DELIVERED, True, "5 0 SHOP", "1 1 33612345678", now, now))
        for i, user in enumerate(users)
    ]
    await office.store.write(lambda tx: bound_deliveries.insert(tx, told, now))


def waiting(office: Centre) -> int:
    return int(rows(office.store, "SELECT COUNT(*) FROM bound_delivery")[0][0])


def told(bound: Esme) -> list[str]:
    return sorted(receipt.message_id for receipt in bound.receipts())


def bugs(lines: Any) -> int:
    return sum(line["event"] == "bug" for line in lines)


@on_loop
async def test_the_view_of_binds_goes_on(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, capture_logs() as lines:
        fault = Fault(bind_sessions.report, once)
        patch.setattr(bind_sessions, "report", fault)
        async with served(tmp_path) as (_, office), customer(office):
            await until(lambda: bool(rows(office.store, "SELECT 1 FROM bind_session")), "the bind is shown", AGAIN_S)
        assert (fault.count, bugs(lines)) == (1, 1)


@on_loop
async def test_what_customers_have_taken_is_written_down_all_the_same(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, capture_logs() as lines:
        patch.setattr(bound_outbox, "_RETRY_S", 0.05)
        fault = Fault(bound_deliveries.delete, once)
        patch.setattr(bound_deliveries, "delete", fault)
        async with served(tmp_path) as (_, office), customer(office) as bound:
            await queue(office, 1, 1)
            await until(lambda: not waiting(office), "both are taken")
            await queue(office, 1)
            await until(lambda: len(bound.deliveries) == 3, "the next one")
        assert (fault.count, bugs(lines)) == (1, 1)


@on_loop
async def test_a_link_that_cannot_be_answered_ends_and_the_customers_others_are_answered(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, capture_logs() as lines:
        fault = Fault(ServerSession.answer_submits, once)
        patch.setattr(ServerSession, "answer_submits", fault.method())
        async with served(tmp_path) as (site, office), customer(office) as one, customer(office) as other:
            one.submit([(0, HELLO)])
            other.submit([(0, HELLO), (1, HELLO)])
            await until(lambda: one.lost is not None or other.lost is not None, "one of them ends")
            left = other if one.lost else one
            assert [status for status, _ in await submitted(left, HELLO)] == [0]
            await until(lambda: not left.session.in_flight, "all are answered")
            assert rows(site.store, "SELECT COUNT(*) FROM message") == [(4,)]
        assert bugs(lines) == 1


@on_loop
async def test_a_receipt_that_cannot_be_written_waits_and_is_in_nobodys_way(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, capture_logs() as lines:
        fault = Fault(deliver_sm, lambda fault, body, _: once(fault) and body.ref == 1)
        patch.setattr(links, "deliver_sm", fault)
        async with served(tmp_path) as (_, office), customer(office) as bound:
            await queue(office, 1, 1, 1)
            await until(lambda: waiting(office) == 1, "the others are taken")
            assert told(bound) == ["0", "2"]
            await until(lambda: not waiting(office), "and then this one", AGAIN_S)
            assert sorted(told(bound)) == ["0", "1", "2"]
        assert bugs(lines) == 1


@on_loop
async def test_deliveries_that_cannot_be_sent_are_sent_on_another_link(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, capture_logs() as lines:
        fault = Fault(ServerSession.deliver, once)
        patch.setattr(ServerSession, "deliver", fault.method())
        async with served(tmp_path) as (_, office), customer(office) as one, customer(office) as other:
            await queue(office, 1)
            await until(lambda: not waiting(office), "it is taken", AGAIN_S)
            assert [len(each.deliveries) for each in (one, other) if each.lost is None] == [1]
        assert bugs(lines) == 1


@on_loop
async def test_a_queue_that_cannot_be_read_is_in_no_other_customers_way(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, capture_logs() as lines:
        take = bound_outbox.Outbox.take
        healthy: list[int] = []
        fault = Fault(take, lambda _, outbox, user, n: user not in healthy)
        async with served(tmp_path) as (site, office):
            second = await add_user(site.store, site.account, "branch")
            healthy.append(second.id)
            patch.setattr(bound_outbox.Outbox, "take", fault.method())
            async with customer(office) as one, customer(office, "branch") as other:
                await queue(office, 1, second.id)
                await until(lambda: bool(other.deliveries), "the other has his")
                assert one.lost is None
                healthy.append(1)
                await until(lambda: bool(one.deliveries), "and then the first", AGAIN_S)
        assert bugs(lines) == fault.count > 0


@on_loop
async def test_a_bind_that_fails_for_a_reason_of_ours_is_refused_as_such(tmp_path: Path) -> None:
    with capture_logs() as lines:
        async with served(tmp_path) as (_, office):
            fault = Fault(office.server._binder.authenticate, once)
            office.server._binder.authenticate = fault  # type: ignore[method-assign]
            async with esme(office.port, SYSTEM_ID) as tried:
                assert tried.refused is not None
                assert tried.refused.status == SYSTEM_ERROR
            async with customer(office):
                pass
        assert bugs(lines) == 1


@pytest.mark.parametrize("step", ["tick", "receive"])
@on_loop
async def test_a_fault_in_what_a_link_does_ends_it_and_leaves_its_place_to_the_next(tmp_path: Path, step: str) -> None:
    with pytest.MonkeyPatch.context() as patch, capture_logs() as lines:
        async with served(tmp_path, binds=1) as (_, office):
            async with customer(office) as bound:
                [link] = office.server._links
                fault = Fault(getattr(ServerSession, step), once)
                patch.setattr(ServerSession, step, fault.method())
                if step == "tick":
                    Link._tick(link)
                else:
                    bound.submit([(0, HELLO)])
                await until(lambda: bound.lost is not None, "the link ends")
            async with customer(office) as bound:
                assert [status for status, _ in await submitted(bound, HELLO)] == [0]
        assert bugs(lines) == 1


@on_loop
async def test_a_port_that_the_system_has_closed_is_opened_again(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, capture_logs() as lines:
        patch.setattr(servers, "LISTEN_S", 0.05)
        async with served(tmp_path) as (_, office), customer(office) as bound:
            office.server._servers[0].close()
            await until(lambda: bool(office.server.ports), "it listens again")
            async with esme(office.server.ports[0], SYSTEM_ID) as other:
                assert other.bound is not None
            assert [status for status, _ in await submitted(bound, HELLO)] == [0]
        assert "SMPP is closed; opening it again" in [line["event"] for line in lines]
