"""Whoever is erased is nowhere any more, and everybody else is as before."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from chappe.domain.accounts import Account
from chappe.domain.clicks import Click, Device
from chappe.domain.contacts import entry_of
from chappe.domain.outcomes import Outcome, ReplyIn
from chappe.domain.privacy import Person
from chappe.manage import person_search
from chappe.manage.campaigns import CampaignFilter, Campaigns
from chappe.manage.messages import MessageFilter, Messages
from chappe.manage.privacy import Privacy
from chappe.pipeline import clicks, erase
from chappe.store import audit, exclusions, links, queue, replies, schema
from chappe.store.clock import now_ms
from chappe.store.exclusions import NewExclusion
from chappe.store.queue import Claimed
from chappe.store.sqlite import Row, Store, Tx
from chappe.store.statement import Statement
from tests.answering import receiver
from tests.builders import on_loop
from tests.store.build import (
    CARRIER,
    CREDITS,
    DAY,
    LONG_TEXT,
    NOT_NOW,
    NOW,
    REFUSED,
    SHOP,
    STRANGER,
    TOO_FAST,
    Core,
    accepted,
    add_carrier,
    balance,
    counters,
    database,
    delivered,
    failed,
    kept,
    lost,
    numbers,
    on_its_way,
    refused,
)

ANNA = "33612345678"
ANNA_NUMBER = int(ANNA)
PERSON = Person(ANNA_NUMBER, 612345678)
BOB = "33612345679"
# Stands wherever something is written about her.
MARK = "Xanadu"


class Installation:
    """A database on disk that knows two people, of two accounts."""

    def __init__(self, folder: Path) -> None:
        path = folder / "chappe.db"
        self.core = Core(db=database(path))
        add_carrier(self.core.db)
        self.core.listen()
        self.store = Store(path)
        self.privacy = Privacy(self.store, self.core.ids, receiver(self.store, self.core.ids))

    def run(self, sql: str, **values: object) -> None:
        self.core.db.write(lambda tx: tx.run(Statement(sql), **values))

    def put_on_lists(self, number: str, word: str, account: Account = SHOP, list_id: int = 1) -> None:
        """A list with somebody on it twice, and with another."""
        self.run(
            "INSERT INTO contact_list (id, account_id, name, created_at, used_at, contacts)"
            " VALUES (:id, :account, 'Friends', 5, 7, 3)", id=list_id, account=account.id,
        )  # fmt: skip
        for place, (each, info) in enumerate([(number, word), (BOB, "Bob"), (number, word)], 1):
            self.run(
                "INSERT INTO contact (list_id, id, number, entry) VALUES (:list, :id, :number, :entry)",
                list=list_id, id=place, number=int(each), entry=entry_of(each, (info, None, None, None)),
            )  # fmt: skip

    def talk(self, number: str, word: str, account: Account = SHOP) -> int:
        """A message to somebody that was delivered, clicked, answered and stopped; its ticket."""
        core = self.core
        ticket = core.submit(
            number, text=f"Hello [info1] {word}", account=account, client_refs=[f"ref {word}"],
            infos=[(word, None, None, None)],
        )  # fmt: skip
        message = core.claim_one()
        id_, ref = message.message_id, f"id-{message.message_id}"
        core.record([accepted(message, ref)])
        core.record(receipts=[on_its_way(ref), delivered(ref)])
        core.db.write(lambda tx: links.insert(tx, account.id, ticket, (id_, id_), [f"https://shop.example/{word}"]))
        self.run("UPDATE link SET clicks = 2 WHERE campaign_id = :ticket", ticket=ticket)
        self.run(
            "INSERT INTO click (account_id, campaign_id, message_id, position, at, brand, model, os)"
            " VALUES (:account, :ticket, :message, 0, 9, :word, '', '')",
            account=account.id, ticket=ticket, message=id_, word=word,
        )  # fmt: skip
        said = [ReplyIn(f"+{number}", "36180", f"Yes {word}"), ReplyIn(number, "36180", f"No {word}")]
        core.db.write(lambda tx: replies.insert(tx, CARRIER, said, NOW))
        self.run(
            "UPDATE reply SET state = 1, kind = 'reply', account_id = :account, campaign_id = :ticket,"
            " message_id = :message WHERE state = 0", account=account.id, ticket=ticket, message=id_,
        )  # fmt: skip
        self.run("UPDATE event SET state = 1 WHERE message_id = :message", message=id_)
        self.run(
            "INSERT INTO attempt (event_id, number, at, duration_ms) SELECT id, 1, 0, 1 FROM event"
            " WHERE message_id = :message", message=id_,
        )  # fmt: skip
        return ticket

    def mention(self, number: str, word: str, account: Account = SHOP) -> None:
        """Everywhere else where something of somebody may be."""
        infos = NewExclusion(int(number), word, None)
        self.core.db.write(lambda tx: exclusions.add(tx, account.id, "blacklist", [infos], NOW))
        self.core.db.write(lambda tx: exclusions.add(tx, account.id, "npai", [infos], NOW))
        self.run(
            "INSERT INTO lookup (account_id, wallet_id, carrier_id, number, price_mc, state, asked_at, result)"
            " VALUES (:account, :account, 5, :number, 1000, 1, 0, :result)",
            account=account.id, number=int(number), result=f'{{"to":"{number}","network":"{word}"}}',
        )  # fmt: skip
        for each in (number, number.removeprefix("33")):
            self.run(
                "INSERT INTO unmatched_receipt (carrier_id, ref, number, dlr, is_final, detail, received_at)"
                " VALUES (5, :ref, :number, 2, TRUE, :word, 0)", ref=f"x{word}", number=int(each), word=word,
            )  # fmt: skip
            self.run(
                "INSERT INTO reply (carrier_id, source, destination, text, received_at, state)"
                " VALUES (5, :source, '36180', :word, 0, 2)", source=f"0{each}", word=word,
            )  # fmt: skip
        self.run(
            "INSERT INTO event (id, webhook_id, message_id, payload, created_at, attempts, state, next_at)"
            " VALUES ((SELECT COALESCE(MAX(id), 0) + 50 FROM event), 66, 999999, :payload, 0, 0, 0, 0)",
            payload=f'{{"from":"{number}","message":"{word}"}}',
        )  # fmt: skip
        self.run("INSERT INTO recent_send VALUES (:account, :number, 1, 2, 0)", account=account.id, number=int(number))
        self.run("INSERT INTO contact_answer VALUES (:account, :number, 0, 0)", account=account.id, number=int(number))

    def everything(self) -> dict[str, list[Row]]:
        """Every row of every table."""
        return {name: self.core.rows(f"SELECT * FROM {name}") for name in schema.metadata.tables}

    def mentions(self, *words: str) -> list[str]:
        """The tables in which any of the words, or numbers, still stands."""
        return sorted(
            name
            for name, rows in self.everything().items()
            if any(word in str(value) for row in rows for value in row for word in words)
        )

    async def erase(self, account: Account | None = None, *, forgets_optouts: bool = False) -> dict[str, int]:
        return await self.privacy.erase(PERSON, account, "cli:alice", ignored, forgets_optouts=forgets_optouts)

    async def close(self) -> None:
        await self.store.close()
        self.core.db.close()


def ignored(share: float) -> None:
    """Nobody watches."""


def full(folder: Path) -> Installation:
    made = Installation(folder)
    for number, word in ((ANNA, MARK), (BOB, "Bob")):
        made.talk(number, word)
        made.talk(number, word, STRANGER)
        made.mention(number, word)
    made.put_on_lists(ANNA, MARK)
    made.put_on_lists(ANNA, MARK, STRANGER, 2)
    return made


@on_loop
async def test_an_erased_person_is_in_no_table_any_more_when_optouts_are_forgotten(tmp_path: Path) -> None:
    made = full(tmp_path)
    assert len(made.mentions(ANNA, MARK)) > 10
    await made.erase(forgets_optouts=True)
    assert made.mentions(ANNA, ANNA.removeprefix("33"), MARK) == []
    await made.close()


@on_loop
async def test_the_optout_stays_as_a_bare_number_unless_it_is_to_be_forgotten(tmp_path: Path) -> None:
    made = full(tmp_path)
    erased = await made.erase()
    assert made.mentions(ANNA) == ["exclusion"]
    assert made.mentions(MARK) == []
    rows = made.core.rows("SELECT kind, infos, created_at FROM exclusion WHERE number = :n", n=ANNA_NUMBER)
    assert rows == [("blacklist", None, NOW)]
    assert "opt-outs" not in erased
    await made.close()


@on_loop
async def test_nothing_of_anybody_else_changes(tmp_path: Path) -> None:
    made = full(tmp_path)
    before = made.everything()
    await made.erase(forgets_optouts=True)
    after = made.everything()
    before_bob = {name: [row for row in rows if "Bob" in str(row) or BOB in str(row)] for name, rows in before.items()}
    for name, rows in before_bob.items():
        assert [row for row in after[name] if "Bob" in str(row) or BOB in str(row)] == rows, name
    untouched = {"account", "wallet", "ledger", "part", "carrier", "webhook", "dispatch"}
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}
    assert len(after["message"]) == len(before["message"])
    assert len(after["campaign"]) == len(before["campaign"])
    await made.close()


@on_loop
async def test_counters_of_lists_campaigns_and_links_stay_right(tmp_path: Path) -> None:
    made = full(tmp_path)
    ticket = made.talk(ANNA, MARK)
    erased = await made.erase()
    assert made.core.rows("SELECT contacts, used_at FROM contact_list") == [(1, 7), (1, 7)]
    assert counters(made.core, ticket) == {"delivered": 1}
    assert made.core.column("SELECT clicks FROM link WHERE campaign_id = :t", t=ticket) == [2]
    assert (erased["contacts"], erased["messages"], erased["clicks"], erased["replies"]) == (4, 3, 3, 8)
    await made.close()


@on_loop
async def test_only_what_one_account_has_is_erased_when_it_is_named(tmp_path: Path) -> None:
    made = full(tmp_path)
    await made.erase(STRANGER, forgets_optouts=True)
    assert made.core.column("SELECT account_id FROM message WHERE number = :n", n=ANNA_NUMBER) == [SHOP.id]
    assert made.core.column("SELECT list_id FROM contact WHERE number = :n", n=ANNA_NUMBER) == [1, 1]
    assert made.core.column("SELECT account_id FROM exclusion WHERE number = :n", n=ANNA_NUMBER) == [1, 1]
    assert made.core.column("SELECT COUNT(*) FROM unmatched_receipt") == [4]
    await made.close()


@on_loop
async def test_the_text_of_a_campaign_for_many_stays_until_everybody_of_it_is_erased(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    ticket = made.core.submit(ANNA, BOB, text="Sale")
    await made.erase()
    assert made.core.campaign(ticket).text == "Sale"
    assert made.core.column("SELECT COALESCE(text, 'of the campaign') FROM message ORDER BY id") == [
        "",
        "of the campaign",
    ]
    bob = Person(int(BOB), None)
    await made.privacy.erase(bob, None, "cli:alice", ignored, forgets_optouts=False)
    assert made.core.campaign(ticket).text == ""
    await made.close()


@on_loop
async def test_what_no_carrier_has_seen_is_cancelled_and_paid_back(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    ready = made.core.submit(ANNA, BOB)
    later = made.core.submit(ANNA)
    made.run(
        "UPDATE dispatch SET state = 3, ready_at = ready_at + 1000000 WHERE message_id = :m", m=made.core.span(later)[0]
    )
    assert balance(made.core) == (CREDITS - 3, 3)
    erased = await made.erase()
    assert (erased["cancelled"], erased["messages"]) == (2, 2)
    assert balance(made.core) == (CREDITS - 1, 1)
    assert counters(made.core, ready) == {"open": 1, "cancelled": 1}
    assert counters(made.core, later) == {"cancelled": 1}
    assert [message.number for message in made.core.claim()] == [int(BOB)]
    await made.close()


@on_loop
async def test_a_message_the_carrier_has_is_still_found_by_its_receipt_and_nothing_is_told(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    same, hexadecimal, unassigned = [made.core.submit(ANNA) for _ in range(3)]
    for ref, message in zip(("cafe", "1F", "99"), made.core.claim(), strict=True):
        made.core.record([accepted(message, ref)])
    await made.erase()
    reports = [delivered("cafe", ANNA_NUMBER), delivered("31", ANNA_NUMBER), failed("99", ANNA_NUMBER, 5)]
    made.core.record(receipts=reports)
    assert counters(made.core, same) == counters(made.core, hexadecimal) == {"delivered": 1}
    assert counters(made.core, unassigned) == {"failed": 1}
    assert made.mentions(ANNA, "UNDELIV") == []
    for table in ("unmatched_receipt", "event", "trace", "exclusion"):
        assert made.core.column(f"SELECT COUNT(*) FROM {table}") == [0], table
    assert balance(made.core) == (CREDITS - 3, 0)
    await made.close()


@on_loop
async def test_a_receipt_finds_the_message_to_its_number_before_one_whose_recipient_was_erased(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    hers, his = made.core.submit(ANNA), made.core.submit(BOB)
    for ref, message in zip(("31", "1F"), made.core.claim(), strict=True):
        made.core.record([accepted(message, ref)])
    await made.erase()
    made.core.record(receipts=[delivered("31", int(BOB))])
    assert (counters(made.core, hers), counters(made.core, his)) == ({"open": 1}, {"delivered": 1})
    await made.close()


@on_loop
async def test_what_may_be_at_a_carrier_is_never_tried_again_and_stays_paid(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    core = made.core
    tickets = [core.submit(ANNA, text=text) for text in ("Hello", LONG_TEXT, "Hello", "Hello")]
    unknown, partly, doubtful, other = core.claim()
    core.record([lost(unknown), refused(partly, TOO_FAST, "a", "-", "-"), lost(doubtful), refused(other, NOT_NOW)])
    core.db.write(lambda tx: queue.resend(tx, [doubtful.message_id]))
    erased = await made.erase()
    assert (erased["ended"], erased["cancelled"]) == (3, 1)
    core.now += 10 * DAY
    core.wake()
    assert core.claim() == []
    assert [counters(core, ticket) for ticket in tickets] == [{"network_error": 1}] * 3 + [{"cancelled": 1}]
    assert balance(core) == (CREDITS - 5, 0)
    await made.close()


@on_loop
async def test_a_message_in_a_gateways_hands_is_erased_when_the_carrier_has_answered(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    ticket = made.core.submit(ANNA)
    message = made.core.claim_one()
    erasing = asyncio.create_task(made.erase())
    await asyncio.sleep(2 * erase.POLL_S)
    assert made.core.column("SELECT number FROM message") == [ANNA_NUMBER]
    made.core.record([accepted(message, "cafe")])
    erased = await erasing
    assert (erased["messages"], erased["ended"]) == (1, 0)
    made.core.record(receipts=[delivered("cafe", ANNA_NUMBER)])
    assert counters(made.core, ticket) == {"delivered": 1}
    await made.close()


def answers() -> list[Callable[[Claimed], Outcome]]:
    return [lambda m: accepted(m, "late"), lambda m: refused(m, NOT_NOW), lambda m: refused(m, REFUSED), lost, kept]


@pytest.mark.parametrize("answer", answers(), ids=["accepted", "not now", "refused", "lost", "unsent"])
def test_a_message_that_no_gateway_answers_for_is_ended_and_a_late_answer_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Claimed], Outcome]
) -> None:
    monkeypatch.setattr(erase, "HANDS_S", 0.0)

    @on_loop
    async def scenario() -> None:
        made = Installation(tmp_path)
        ticket = made.core.submit(ANNA)
        message = made.core.claim_one()
        assert (await made.erase())["ended"] == 1
        made.core.record([answer(message)])
        made.core.now += 10 * DAY
        made.core.wake()
        assert made.core.claim() == []
        assert counters(made.core, ticket) == {"network_error": 1}
        assert balance(made.core) == (CREDITS - 1, 0)
        assert made.mentions(ANNA) == []
        await made.close()

    scenario()


def test_a_campaign_that_is_still_being_written_is_left_and_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase, "HANDS_S", 0.0)

    @on_loop
    async def scenario() -> None:
        made = Installation(tmp_path)
        ticket = made.core.submit(ANNA, BOB)
        made.run("DELETE FROM dispatch")
        made.run("UPDATE campaign SET state = 1, queued_to = first_message_id - 1")
        made.run("UPDATE wallet SET available_mc = available_mc + reserved_mc, reserved_mc = 0 WHERE id = 1")
        assert (await made.erase())["left"] == 1
        assert ANNA_NUMBER in made.core.column("SELECT number FROM message")
        made.run("UPDATE campaign SET state = 2")
        assert (await made.erase())["left"] == 0
        assert made.mentions(ANNA) == []
        assert balance(made.core) == (CREDITS, 0), "nothing was reserved for what was not accepted"
        assert ticket
        await made.close()

    scenario()


@on_loop
async def test_a_campaign_for_lists_that_is_accepted_during_the_erasure_does_not_escape_it(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    ticket = made.core.submit(*numbers(2), BOB)
    made.run("DELETE FROM dispatch")
    made.run("UPDATE campaign SET state = 1, queued_to = first_message_id - 1")
    erasing = asyncio.create_task(made.erase())
    await asyncio.sleep(erase.POLL_S)
    made.run("UPDATE message SET number = :anna WHERE number = :bob", anna=ANNA_NUMBER, bob=int(BOB))
    made.run("UPDATE campaign SET state = 0")
    erased = await erasing
    assert (erased["messages"], erased["cancelled"], erased["left"]) == (1, 1, 0)
    assert counters(made.core, ticket) == {"open": 2, "cancelled": 1}
    await made.close()


@on_loop
async def test_a_campaign_that_waits_for_a_person_is_paid_back_and_needs_no_decision_any_more(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    alone, both = made.core.submit(ANNA), made.core.submit(ANNA, BOB)
    made.run("DELETE FROM dispatch")
    made.run("UPDATE campaign SET state = 3, queued_to = first_message_id - 1, held_because = 'Xanadu'")
    await made.erase()
    rows = made.core.rows("SELECT id, state, queued_to IS NULL, decided_at IS NULL, held_because FROM campaign")
    assert rows == [(alone, 4, 1, 0, None), (both, 3, 0, 1, MARK)]
    assert balance(made.core) == (CREDITS - 1, 1)
    made.run("UPDATE campaign SET state = 4 WHERE id = :id", id=both)
    bob = Person(int(BOB), None)
    await made.privacy.erase(bob, None, "cli:alice", ignored, forgets_optouts=False)
    assert balance(made.core) == (CREDITS - 1, 1), "who denied it gives that back"
    assert made.mentions(BOB, MARK) == []
    await made.close()


@on_loop
async def test_an_optout_that_nobody_has_heeded_yet_is_heeded_before_it_is_erased(tmp_path: Path) -> None:
    made = Installation(tmp_path)
    ticket = made.core.submit(ANNA)
    made.core.record([accepted(made.core.claim_one(), "cafe")])
    made.run("UPDATE message SET submitted_at = 1000")
    stop = [ReplyIn(f"+{ANNA}", "36180", "STOP")]
    made.core.db.write(lambda tx: replies.insert(tx, CARRIER, stop, 2000))
    await made.erase()
    assert made.core.rows("SELECT account_id, kind, number FROM exclusion") == [(SHOP.id, "blacklist", ANNA_NUMBER)]
    assert made.core.campaign(ticket).stops == 1
    assert made.core.column("SELECT COUNT(*) FROM reply") == [0]
    await made.close()


def test_a_look_up_on_its_way_is_waited_for_and_a_dead_ones_price_can_still_be_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase, "LOOKUP_S", 0.5)

    @on_loop
    async def scenario() -> None:
        made = Installation(tmp_path)
        for at in (0, now_ms()):
            made.run(
                "INSERT INTO lookup (account_id, wallet_id, carrier_id, number, price_mc, state, asked_at)"
                " VALUES (1, 1, 5, :number, 1000, 0, :at)", number=ANNA_NUMBER, at=at,
            )  # fmt: skip
        erasing = asyncio.create_task(made.erase())
        await asyncio.sleep(0.1)
        made.run("UPDATE lookup SET state = 1, result = '{}' WHERE asked_at > 0")
        assert (await erasing)["look-ups"] == 2
        assert made.core.rows("SELECT state, number FROM lookup") == [(0, 0)]
        await made.close()

    scenario()


def test_what_was_interrupted_is_erased_by_the_next_run_and_each_step_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase, "STEP", 1)

    @on_loop
    async def scenario() -> None:
        made = full(tmp_path)
        open_ = made.core.submit(ANNA, BOB)
        done = 0
        while True:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(made.store, "write", stopping_after(made.store, done))
                try:
                    await made.erase(forgets_optouts=True)
                except InterruptedError:
                    done += 2  # units of the next run
                else:
                    break
            whole = (
                "SELECT COUNT(*) FROM message m WHERE number = 0 AND (text <> '' OR infos IS NOT NULL OR EXISTS"
                " (SELECT 1 FROM click WHERE message_id = m.id) OR EXISTS"
                " (SELECT 1 FROM event WHERE message_id = m.id))"
            )
            assert made.core.column(whole) == [0]
        assert made.mentions(ANNA, MARK) == []
        assert counters(made.core, open_) == {"open": 1, "cancelled": 1}
        spent = made.core.column("SELECT SUM(amount_mc) FROM ledger WHERE kind = 'capture' AND wallet_id = 1")
        assert balance(made.core) == (CREDITS - 1 - int(str(spent[0])) // 1000, 1)
        await made.close()

    scenario()


def stopping_after(store: Store, units: int) -> Callable[[Callable[[Tx], object]], object]:
    """A store that writes so many units, and then no more but to the audit log."""
    write, left = store.write, [units]

    def wrapped(unit: Callable[[Tx], object]) -> object:
        left[0] -= 1
        if left[0] == -1:
            raise InterruptedError
        return write(unit)

    return wrapped


@on_loop
async def test_erasing_again_finds_nothing(tmp_path: Path) -> None:
    made = full(tmp_path)
    await made.erase(forgets_optouts=True)
    before = made.everything()
    assert sum((await made.erase(forgets_optouts=True)).values()) == 0
    after = made.everything()
    del before["audit"], after["audit"]
    assert after == before
    assert sum((await made.privacy.count(PERSON, None, ignored)).values()) == 0
    await made.close()


@on_loop
async def test_the_audit_log_tells_who_did_it_and_how_much_but_not_the_number(tmp_path: Path) -> None:
    made = full(tmp_path)
    await made.privacy.export(PERSON, None, "cli:alice", ignored)
    await made.erase(SHOP)
    erased, exported = made.core.db.read(lambda tx: audit.newest(tx, 10, before=None, account=None, action="privacy"))
    assert (exported.actor, exported.action, exported.account_id) == ("cli:alice", "privacy.export", None)
    assert (erased.action, erased.account_id, erased.subject, erased.note) == ("privacy.erase", 1, "3361234****", "")
    assert "2 contacts" in erased.detail
    assert "1 messages" in erased.detail
    assert "4 contacts" in exported.detail
    assert ANNA not in str(erased) + str(exported)
    await made.close()


@on_loop
async def test_an_export_has_everything_of_the_person_and_nothing_of_others(tmp_path: Path) -> None:
    made = full(tmp_path)
    dossier = await made.privacy.export(PERSON, None, "cli:alice", ignored)
    text = msgspec.json.encode(dossier).decode()
    read = msgspec.json.decode(text)
    assert {key: len(value) for key, value in read.items() if isinstance(value, list)} == {
        "accounts": 2, "contacts": 4, "messages": 2, "clicks": 2, "replies": 6, "exclusions": 2, "lookups": 1,
        "webhook_events": 2, "receipts_without_message": 2, "recent": 2,
    }  # fmt: skip
    for secret in (BOB, "Bob", "hooks.example", "shop@example.org", "secret"):
        assert secret not in text, secret
    message = read["messages"][0]
    assert (message["text"], message["reference"], message["info1"]) == (f"Hello {MARK} {MARK}", f"ref {MARK}", MARK)
    assert (message["state"], message["delivery"], message["carrier"]) == ("delivered", "delivered", "carrier")
    assert message["accepted_at"] == "2031-05-19T23:33:20.000Z"
    assert read["number"] == f"+{ANNA}"
    assert read["webhook_events"][0]["told"]["destination"] == ANNA
    assert read["exclusions"][0]["since"] == "2031-05-19T23:33:20.000Z"
    await made.erase(forgets_optouts=True)
    empty = msgspec.json.decode(msgspec.json.encode(await made.privacy.export(PERSON, None, "cli:alice", ignored)))
    assert [key for key, value in empty.items() if value and isinstance(value, list)] == []
    await made.close()


@on_loop
async def test_an_export_of_one_account_has_nothing_of_the_others(tmp_path: Path) -> None:
    made = full(tmp_path)
    dossier = await made.privacy.export(PERSON, STRANGER, "cli:alice", ignored)
    assert [party.account for party in dossier.accounts] == [STRANGER.id]
    assert (len(dossier.messages), len(dossier.contacts), len(dossier.exclusions)) == (1, 2, 0)
    assert dossier.receipts_without_message == []
    await made.close()


@on_loop
async def test_customers_read_on_without_a_fault(tmp_path: Path) -> None:
    made = full(tmp_path)
    await made.erase()
    messages, campaigns = Messages(made.store), Campaigns(made.store)
    page = await messages.find(SHOP, MessageFilter(from_at=0, to_at=NOW * 2))
    assert {(row.number, row.text) for row in page.rows if row.direction == "out"} == {
        (0, ""),
        (int(BOB), "Hello Bob Bob"),
    }
    assert (await messages.find(SHOP, MessageFilter(from_at=0, to_at=NOW * 2, destination=ANNA))).rows == []
    assert (await campaigns.history(SHOP, CampaignFilter())).total == 2
    assert (await campaigns.history(SHOP, CampaignFilter(destination=ANNA))).rows == []
    await made.close()


@on_loop
async def test_a_link_of_an_erased_campaign_leads_nowhere_and_one_of_a_larger_only_counts(tmp_path: Path) -> None:
    made = full(tmp_path)
    (alone,) = made.core.column("SELECT id FROM message WHERE number = :n AND account_id = 1", n=ANNA_NUMBER)
    both = made.core.submit(ANNA, BOB)
    first, last = made.core.span(both)
    made.core.db.write(lambda tx: links.insert(tx, SHOP.id, both, (first, last), ["https://shop.example/sale"]))
    await made.erase()
    assert made.core.db.read(lambda tx: links.target(tx, int(str(alone)), 0)) is None
    target = made.core.db.read(lambda tx: links.target(tx, first, 0))
    assert target is not None
    click = Click(SHOP.id, both, first, 0, "code", target.url, NOW, "Nokia")
    made.core.db.write(lambda tx: clicks.record(tx, made.core.ids, [click], [Device("Nokia")], NOW))
    assert made.core.column("SELECT clicks FROM link WHERE campaign_id = :c", c=both) == [1]
    assert made.mentions("Nokia") == []
    await made.close()


@on_loop
async def test_nothing_of_the_person_is_left_in_the_files_bytes_when_nobody_else_reads(tmp_path: Path) -> None:
    made = full(tmp_path)
    await made.erase(forgets_optouts=True)
    await made.close()
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert MARK.encode() not in left
    assert ANNA.encode() not in left


@on_loop
async def test_large_tables_are_read_in_ranges_and_the_share_only_grows(tmp_path: Path) -> None:
    made = full(tmp_path)
    made.core.submit(*numbers(50))
    shares: list[float] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(person_search, "RANGE", 7)
        counted = await made.privacy.count(PERSON, None, shares.append)
    assert counted == await made.privacy.count(PERSON, None, ignored)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    await made.close()
