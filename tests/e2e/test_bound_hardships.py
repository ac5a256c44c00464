"""Customers who bind, when much waits, when they are in a hurry, and when the disk or a carrier comes between."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chappe.domain.bind_users import BindUser
from chappe.domain.bound_deliveries import decoded
from chappe.domain.bound_submits import BoundSubmit, Place, Taken
from chappe.domain.bound_submits import decoded as read_part
from chappe.domain.errors import Unavailable
from chappe.domain.requests import SubmitRequest
from chappe.pipeline import bound_parts as keeping
from chappe.pipeline.bound_parts import PartExpirer
from chappe.store import bound_parts
from chappe.store.bound_deliveries import DueDelivery
from chappe.store.statement import Statement
from chappe.surfaces.smpp_server.customer import Answer, Asked, Customer, UseCases
from chappe.telecom.data_coding import Coding
from chappe.telecom.smpp import commands
from chappe.telecom.smpp.bodies import Body, Query
from tests.bound import add_user, rows, use_cases
from tests.builders import on_loop
from tests.sending import Sending, installation

TEXT = BoundSubmit("5 0 SHOP", ["1 1 33612345678"], "SHOP", ["+33612345678"], Coding("latin1"), b"Hello", 1)


def text(words: bytes, *, is_replacing: bool = False) -> BoundSubmit:
    return replace(TEXT, octets=words, is_replacing=is_replacing)


def part(words: bytes, number: int, total: int, reference: int = 7) -> BoundSubmit:
    return replace(TEXT, octets=words, place=Place("udh8", reference, total, number))


async def made(site: Sending) -> tuple[BindUser, UseCases]:
    return await add_user(site.store, site.account), use_cases(site.store, site.ids, site.use_cases)


def sent(site: Sending) -> list[str]:
    sql = "SELECT COALESCE(m.text, c.text) FROM message m JOIN campaign c ON c.id = m.campaign_id WHERE m.state = 0"
    return [row[0] for row in rows(site.store, f"{sql} ORDER BY m.id")]


def told(site: Sending) -> list[tuple[int, str]]:
    return [(each.ref, each.word) for each in (  # type: ignore[union-attr]
        decoded(row[0]) for row in rows(site.store, "SELECT body FROM bound_delivery ORDER BY id")
    )]  # fmt: skip


# -- what waits


@on_loop
async def test_a_reference_that_is_used_for_ever_more_texts_is_full_but_no_other_is(tmp_path: Path) -> None:
    async with installation(tmp_path) as site:
        user, cases = await made(site)
        many = [part(b"%d" % i, 1, 2) for i in range(keeping.MAX_SETS + 2)]
        found = await cases.submitter.submit(user, [*many, part(b"x", 1, 2, 8), many[0]])
        assert [isinstance(each, Taken) for each in found] == [True] * keeping.MAX_SETS + [False, False, True, True]
        assert found[-3] == "too_many_parts"
        assert found[-1] == found[0]
        [last] = await cases.submitter.submit(user, [part(b"!", 2, 2)])
        assert isinstance(last, Taken)
        assert sent(site) == ["0!"]
        [more] = await cases.submitter.submit(user, [many[-1]])
        assert isinstance(more, Taken)


@on_loop
async def test_the_words_of_parts_are_read_when_their_text_is_whole_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []

    def counting(body: bytes) -> BoundSubmit:
        read.append(body)
        return read_part(body)

    async with installation(tmp_path) as site:
        user, cases = await made(site)
        monkeypatch.setattr(bound_parts, "decoded", counting)
        for i in range(keeping.MAX_SETS):
            await cases.submitter.submit(user, [part(b"%d.%d" % (i, number), number, 100) for number in range(1, 100)])
        assert read == []
        await cases.submitter.submit(user, [part(b"!", 100, 100)])
        assert len(read) == 100


@on_loop
async def test_parts_that_become_whole_while_others_are_given_up_are_one_message(tmp_path: Path) -> None:
    async with installation(tmp_path) as site:
        user, cases = await made(site)
        await cases.submitter.submit(user, [part(b"one ", 1, 2), part(b"alone", 1, 2, 8)])
        await asyncio.sleep(0.01)
        expirer = PartExpirer(site.store, wait_s=0)
        await asyncio.gather(cases.submitter.submit(user, [part(b"two", 2, 2)]), expirer.once())
        assert sent(site) == ["one two"]
        assert [word for _, word in told(site)] == ["EXPIRED"]
        assert rows(site.store, "SELECT COUNT(*) FROM bound_part") == [(0,)]


@on_loop
async def test_a_whole_text_that_a_process_left_behind_is_sent_when_its_last_part_comes_again_or_given_up(
    tmp_path: Path,
) -> None:
    async with installation(tmp_path) as site:
        user, cases = await made(site)
        both = [part(b"one ", 1, 2), part(b"two", 2, 2)]
        for each in (both, [part(b"a", 1, 2, 8), part(b"b", 2, 2, 8)]):
            await site.store.write(lambda tx, each=each: keeping.keep(tx, site.ids, user, each, 1))  # type: ignore[misc]
        [again] = await cases.submitter.submit(user, both[1:])
        assert isinstance(again, Taken)
        assert sent(site) == ["one two"]
        await PartExpirer(site.store, wait_s=3600).once()
        assert [word for _, word in told(site)] == ["EXPIRED"] * 2


# -- what was written is answered so


def failing(site: Sending, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let units of work of a name meet a full disk."""
    write = site.store.write

    def or_fail(unit: Callable[..., Any]) -> Awaitable[Any]:
        if getattr(getattr(unit, "func", unit), "__name__", "") != name:
            return write(unit)
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(Unavailable("disk full"))
        return failed

    monkeypatch.setattr(site.store, "write", or_fail)


@on_loop
async def test_a_disk_that_fails_behind_what_is_written_changes_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installation(tmp_path) as site:
        user, cases = await made(site)
        [first] = await cases.submitter.submit(user, [part(b"x" * 4000, 1, 2)])
        failing(site, monkeypatch, "_reject")
        [good, last] = await cases.submitter.submit(user, [text(b"good"), part(b"y" * 4000, 2, 2)])
        assert isinstance(good, Taken)
        assert str(last).startswith("text:")
        assert sent(site) == ["good"]
        monkeypatch.undo()
        await PartExpirer(site.store, wait_s=-3600).once()
        assert isinstance(first, Taken)
        assert (first.ref, "EXPIRED") in told(site)


@on_loop
async def test_only_what_was_not_written_is_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with installation(tmp_path) as site:
        user, cases = await made(site)
        failing(site, monkeypatch, "_write_all")
        [kept, last, whole] = await cases.submitter.submit(user, [part(b"1", 1, 2), part(b"a", 1, 2, 8), text(b"x")])
        assert isinstance(kept, Taken)
        assert isinstance(last, Taken)
        assert isinstance(whole, Unavailable)
        [last] = await cases.submitter.submit(user, [part(b"2", 2, 2)])
        assert isinstance(last, Unavailable)
        monkeypatch.undo()
        [last] = await cases.submitter.submit(user, [part(b"2", 2, 2)])
        assert isinstance(last, Taken)
        assert sent(site) == ["12"]


@on_loop
async def test_requests_that_were_accepted_stay_so_when_the_others_cannot_be_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installation(tmp_path) as site:
        submitter = site.use_cases.submitter
        write_all = submitter._write_all
        rounds: list[object] = []

        def one_at_a_time(account: Any, decided: Any, now: int, results: Any, along: Any, tx: Any) -> list[int]:
            if rounds:
                raise Unavailable("disk full")
            rounds.append(decided)
            write_all(account, decided[:1], now, results, along, tx)
            return [i for i, _ in decided[1:]]

        monkeypatch.setattr(submitter, "_write_all", one_at_a_time)
        requests = [SubmitRequest(each, ["+33612345678"]) for each in ("one", "two")]
        found = await submitter.submit_all(site.account, requests, lambda _tx, _accepted: None)
        assert [type(each).__name__ for each in found] == ["Accepted", "Unavailable"]
        assert sent(site) == ["one"]


# -- what replaces others


@on_loop
async def test_of_two_of_one_read_that_replace_each_other_the_last_is_sent(tmp_path: Path) -> None:
    async with installation(tmp_path) as site:
        user, cases = await made(site)
        found = await cases.submitter.submit(
            user, [text(b"one", is_replacing=True), text(b"between"), text(b"two", is_replacing=True)]
        )
        assert all(isinstance(each, Taken) for each in found)
        assert sorted(sent(site)) == ["between", "two"]
        assert await site.credits() == 998


@on_loop
async def test_a_message_that_has_left_keeps_its_receipt_when_another_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installation(tmp_path) as site:
        user, cases = await made(site)
        [left] = await cases.submitter.submit(user, [text(b"left", is_replacing=True)])
        assert isinstance(left, Taken)
        seen = Statement("UPDATE dispatch SET state = 1 WHERE message_id = :id")
        back = Statement("UPDATE dispatch SET state = 0 WHERE message_id = :id")
        await site.store.write(lambda tx: tx.run(seen, id=left.ref))
        [waiting] = await cases.submitter.submit(user, [text(b"waits", is_replacing=True)])
        assert isinstance(waiting, Taken)
        await site.store.write(lambda tx: tx.run(back, id=left.ref))
        accepting = site.use_cases.submitter.accepting

        async def while_a_carrier_takes_it(account: Any, request: Any) -> Any:
            found = await accepting(account, request)
            await site.store.write(lambda tx: tx.run(seen, id=left.ref))
            return found

        monkeypatch.setattr(site.use_cases.submitter, "accepting", while_a_carrier_takes_it)
        [new] = await cases.submitter.submit(user, [text(b"new", is_replacing=True)])
        assert isinstance(new, Taken)
        assert [row[0] for row in rows(site.store, "SELECT message_id FROM bound_message ORDER BY 1")] == [
            left.ref, new.ref,
        ]  # fmt: skip


# -- others have their turn


class Idle:
    """A link that only counts what it is answered."""

    free = 0
    version = 0x34

    def __init__(self) -> None:
        self.answers = 0

    def deliver(self, deliveries: list[DueDelivery]) -> None:
        raise AssertionError(deliveries)

    def answer(self, answers: list[Answer]) -> None:
        self.answers += len(answers)

    def respond(self, sequence: int, command: int, status: int, body: Body | None) -> None:
        self.answers += 1

    def close(self, why: str) -> None:
        raise AssertionError(why)

    def abort(self) -> None:
        raise AssertionError


@on_loop
async def test_thousands_of_queries_let_the_others_have_their_turn(tmp_path: Path) -> None:
    async with installation(tmp_path) as site:
        user, cases = await made(site)
        loop = asyncio.get_running_loop()
        link, customer = Idle(), Customer(user, cases, loop.time)
        customer.ask([Asked(link, i, commands.QUERY_SM, Query(str(i + 1), 5, 0, "SHOP")) for i in range(3000)])
        turns = []
        while not customer.is_idle:
            await asyncio.sleep(0)
            turns.append(link.answers)
        assert link.answers == 3000
        assert len([each for each in turns if 0 < each < 3000]) > 5
