"""A sender that must be registered: asked for, decided, told by mail, and seen by recipients as it was approved."""

import asyncio
import json
from pathlib import Path

import pytest

from chappe.domain.errors import BadData, NotFound
from chappe.domain.registrations import RegistrationState
from chappe.pipeline.rules import FRESH_MS
from chappe.store import rules
from chappe.store.audit import newest
from chappe.store.sqlite import Database
from chappe.store.statement import Statement
from tests.builders import CHILD_EMAIL, EMAIL, STRANGER_EMAIL, on_loop, world
from tests.e2e.test_command_line import chappe
from tests.sending import Sending, installation, sending_to

ITALY = "393123456789"
_MAILS = Statement("SELECT recipient, subject, body FROM mail ORDER BY id")
SEEN_S = (FRESH_MS + 100) / 1000


async def mails(sending: Sending) -> list[tuple[str, str]]:
    rows = await sending.store.read(lambda tx: tx.rows(_MAILS))
    return [(row[0], row[1]) for row in rows]


@on_loop
async def test_italy_sees_a_name_once_it_is_approved_and_exactly_as_it_is(tmp_path: Path) -> None:
    async with sending_to(tmp_path) as (sending, carrier):
        senders = sending.use_cases.senders

        async def seen(asked: str) -> str:
            before = len(carrier.messages())
            ticket = await sending.submit(ITALY, sender=asked)
            await sending.until_all(ticket, "delivered")
            return carrier.messages()[before].source

        registered = await senders.register(sending.account, "MyClub", "it", "VAT IT12345678901")
        assert (registered.state, registered.country) == (RegistrationState.WAITING, "IT")
        await asyncio.sleep(SEEN_S)
        assert await seen("MyClub") == ""
        await senders.decide(registered.id, "approve", "cli:ada", "filed with AGCOM")
        await asyncio.sleep(SEEN_S)
        assert await seen("MYCLUB") == "MyClub"
        assert await mails(sending) == [(EMAIL, "The sender MyClub is approved")]
        await senders.withdraw(sending.account, registered.id)
        await asyncio.sleep(SEEN_S)
        assert await seen("MyClub") == ""


@on_loop
async def test_a_sub_account_sends_under_what_its_parent_has_approved_and_a_stranger_does_not(tmp_path: Path) -> None:
    async with installation(tmp_path) as sending:
        senders, accounts = sending.use_cases.senders, sending.use_cases.accounts
        await senders.add(sending.account, "MyClub", "IT", "cli:ada", "filed with AGCOM")
        await asyncio.sleep(SEEN_S)

        async def shown(email: str) -> str | None:
            sending.account = accounts.find(email)
            (trace,) = sending.traces(await sending.submit(ITALY, sender="myclub"))
            return trace.message.sender

        assert [await shown(email) for email in (EMAIL, CHILD_EMAIL, STRANGER_EMAIL)] == ["MyClub", "MyClub", None]
        assert await mails(sending) == []


@on_loop
async def test_what_was_refused_may_be_asked_for_again_and_what_is_approved_stays_so(tmp_path: Path) -> None:
    async with installation(tmp_path) as sending:
        senders, owner = sending.use_cases.senders, sending.account
        first = await senders.register(owner, "MyClub", "SG", "")
        assert await senders.all(is_waiting=True) == [first]
        refused = await senders.decide(first.id, "refuse", "cli:ada", "no UEN was given")
        assert (refused.state, refused.note) == (RegistrationState.REFUSED, "no UEN was given")
        assert await senders.all(is_waiting=True) == []
        again = await senders.register(owner, "MyClub", "SG", "UEN 201912345A")
        assert (again.id, again.state, again.note) == (first.id, RegistrationState.WAITING, "")
        await senders.decide(first.id, "approve", "cli:ada", "registered")
        once_more = await senders.register(owner, "MyClub", "SG", "another purpose")
        assert (once_more.state, once_more.purpose) == (RegistrationState.APPROVED, "UEN 201912345A")
        assert len(senders.of_account(owner)) == 1
        assert [subject for _, subject in await mails(sending)] == [
            "The sender MyClub is not approved",
            "The sender MyClub is approved",
        ]
        log = await sending.store.read(lambda tx: newest(tx, 9, before=None, account=owner.id, action="sender"))
        assert [(entry.actor, entry.action, entry.note) for entry in reversed(log)] == [
            ("api:1", "sender.ask", ""),
            ("cli:ada", "sender.refuse", "no UEN was given"),
            ("api:1", "sender.ask", "UEN 201912345A"),
            ("cli:ada", "sender.approve", "registered"),
        ]


@on_loop
async def test_only_what_is_decided_lets_every_process_read_the_rules_again(tmp_path: Path) -> None:
    async with installation(tmp_path) as sending:
        senders, owner = sending.use_cases.senders, sending.account
        changes = []

        async def note(step: str) -> None:
            changes.append((step, await sending.store.read(rules.version)))

        await note("at first")
        asked = await senders.register(owner, "MyClub", "SG", "")
        await senders.withdraw(owner, asked.id)
        asked = await senders.register(owner, "MyClub", "SG", "")
        await note("asked")
        await senders.decide(asked.id, "approve", "cli:ada", "registered")
        await note("approved")
        await senders.withdraw(owner, asked.id)
        await note("withdrawn")
        first = changes[0][1]
        assert changes == [("at first", first), ("asked", first), ("approved", first + 1), ("withdrawn", first + 2)]


@on_loop
async def test_decisions_need_a_reason_and_a_sender(tmp_path: Path) -> None:
    async with installation(tmp_path) as sending:
        senders, owner = sending.use_cases.senders, sending.account
        first = await senders.register(owner, "MyClub", "SG", "")
        with pytest.raises(BadData, match="note: say why"):
            await senders.decide(first.id, "approve", "cli:ada", " ")
        with pytest.raises(NotFound, match="no registered sender 99"):
            await senders.decide(99, "approve", "cli:ada", "why")
        with pytest.raises(BadData, match="country: must be a country"):
            await senders.register(owner, "MyClub", "XX", "")
        with pytest.raises(NotFound):
            await senders.withdraw(sending.use_cases.accounts.find(STRANGER_EMAIL), first.id)
        await senders.decide(first.id, "approve", "cli:ada", "why")
        with pytest.raises(BadData, match="approved already"):
            await senders.decide(first.id, "approve", "cli:ada", "why")


def test_the_operator_decides_on_the_command_line(tmp_path: Path) -> None:
    made = world(tmp_path)

    def run(*words: str, code: int = 0) -> str:
        done = chappe("sender", *words, "--data", str(tmp_path), folder=tmp_path, code=code)
        return done.stdout or done.stderr

    given = run("add", "--account", EMAIL, "--text", "MyClub", "--country", "SG", "--note", "SSIR 42")
    assert given == "Sender 1, MyClub (SG), is approved for account 1.\n"
    assert run("add", "--text", "38123", "--country", "FR", "--note", "our number").endswith("for everybody.\n")
    assert "Belgium takes none" in run("add", "--text", "MyClub", "--country", "BE", "--note", "no", code=1)
    assert run("refuse", "1", "--note", "not ours any more") == "Sender 1, MyClub (SG), is refused for account 1.\n"
    assert run("list", "--waiting") == ""
    assert [line.split()[0] for line in run("list").splitlines()] == ["1", "2"]
    (row,) = json.loads(run("list", "--account", EMAIL, "--json"))
    assert (row["text"], row["state"], row["note"]) == ("MyClub", "refused", "not ours any more")
    assert run("approve", "1", "--note", "ours again").endswith("is approved for account 1.\n")
    assert run("remove", "2", "--note", "given back") == "Sender 2, 38123, is removed.\n"
    assert "no registered sender 2" in run("remove", "2", "--note", "given back", code=1)
    database = Database(made.database)
    recipients = [row[0] for row in database.write(lambda tx: tx.rows(_MAILS))]
    database.close()
    assert recipients == [EMAIL, EMAIL]
