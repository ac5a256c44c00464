"""Replies find the message they answer, opt-outs are heeded, and nothing of it happens twice."""

import json
from pathlib import Path
from typing import Any

import pytest
import time_machine
from structlog.testing import capture_logs

from chappe.domain.number_refusals import TAKEN_FOR_ONE
from chappe.domain.outcomes import Outcome, ReceiptIn, ReplyIn
from chappe.domain.replies import AGAIN_MS, Doubt
from chappe.domain.reply_kinds import ReplyKind, reply_kind
from chappe.domain.retry import Refused
from chappe.manage.feed import Feed
from chappe.pipeline import receive as receive_module
from chappe.pipeline.reply_owners import Owned
from chappe.store import exclusions, replies
from chappe.store.exclusions import NewExclusion
from chappe.store.replies import ReplyState
from chappe.store.sqlite import Store
from tests.answering import receiver
from tests.builders import on_loop
from tests.store.build import (
    CARRIER,
    DAY,
    MINUTE,
    NUMBER,
    REFUSED,
    SHOP,
    STRANGER,
    TO,
    Core,
    accepted,
    database,
    numbers,
    refused,
)

OTHER = "33612345679"
OTHER_CARRIER = 6


def core_on(folder: Path) -> Core:
    return Core(db=database(folder / "chappe.db"))


def sent(core: Core, *to: str, **more: Any) -> int:
    """Submit and have the carrier take it; the ticket."""
    ticket = core.submit(*(to or (TO,)), **more)
    core.wake()
    core.record(
        [Outcome(m.message_id, [f"r{m.message_id}"], "accepted", m.attempts, m.expires_at) for m in core.claim()]
    )
    return ticket


def reply(core: Core, text: str, source: str = TO, carrier: int = CARRIER, **part: Any) -> None:
    core.db.write(lambda tx: replies.insert(tx, carrier, [ReplyIn(source, "36180", text, **part)], core.now))


async def receive(core: Core) -> int:
    """One round of the job, on a connection of its own."""
    store = Store(core.db.path)
    try:
        with time_machine.travel(core.now / 1000, tick=False):
            return await receiver(store, core.ids).once()
    finally:
        await store.close()


def owners(core: Core) -> list[tuple[Any, ...]]:
    """(state, kind, account, campaign) of each reply."""
    return [tuple(row) for row in core.rows("SELECT state, kind, account_id, campaign_id FROM reply ORDER BY id")]


def blacklist(core: Core, account: int = SHOP.id) -> list[tuple[int, int | None]]:
    rows, _ = core.db.read(lambda tx: exclusions.page(tx, account, "blacklist", 0, 100))
    return [(row.number, row.campaign_id) for row in rows]


def stops(core: Core, ticket: int) -> int:
    (found,) = core.column("SELECT stops FROM campaign WHERE id = :id", id=ticket)
    assert isinstance(found, int)
    return found


def told(core: Core) -> list[dict[str, Any]]:
    return [json.loads(str(row)) for row in core.column("SELECT payload FROM event ORDER BY id")]


@on_loop
async def test_a_reply_goes_to_the_account_that_wrote_last(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    sent(core, account=STRANGER)
    core.now += MINUTE
    ticket = sent(core)
    core.now += MINUTE
    reply(core, "Yes", "+" + TO)
    assert await receive(core) == 1
    assert owners(core) == [(ReplyState.DELIVERED, "reply", SHOP.id, ticket)]


@on_loop
async def test_a_reply_is_to_what_had_left_before_it_came(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    ticket = sent(core)
    core.now += MINUTE
    reply(core, "Yes")
    core.now += MINUTE
    sent(core, account=STRANGER)
    core.submit(TO, account=STRANGER)  # waits for a carrier
    await receive(core)
    assert owners(core) == [(ReplyState.DELIVERED, "reply", SHOP.id, ticket)]


@on_loop
async def test_a_campaign_with_a_delay_counts_from_when_it_left(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    delayed = core.submit(TO, account=STRANGER, delay="2031-05-20 02:33:20")
    core.now += MINUTE
    at_once = sent(core)
    core.now += MINUTE
    reply(core, "One")
    core.now += 60 * MINUTE
    core.wake()
    core.record([Outcome(m.message_id, ["late"], "accepted", m.attempts, m.expires_at) for m in core.claim()])
    core.now += MINUTE
    reply(core, "Two")
    await receive(core)
    assert [row[3] for row in owners(core)] == [at_once, delayed]


@on_loop
async def test_the_carrier_of_the_reply_tells_two_senders_apart(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    ours = sent(core)
    core.carrier = OTHER_CARRIER
    core.restart()
    core.now += MINUTE
    theirs = sent(core, account=STRANGER)
    core.now += MINUTE
    reply(core, "To the first", carrier=CARRIER)
    reply(core, "To the second", carrier=OTHER_CARRIER)
    reply(core, "To the last of both", carrier=7)
    await receive(core)
    assert [row[3] for row in owners(core)] == [ours, theirs, theirs]


@on_loop
async def test_a_reply_is_nobodys_when_nobody_wrote_or_not_within_the_window(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    core.listen(kind="MO")
    sent(core)
    core.now += 31 * DAY
    for source in (TO, OTHER, "Bank", ""):
        reply(core, "Hello", source)
    assert await receive(core) == 4
    assert owners(core) == [(ReplyState.NOBODYS, None, None, None)] * 4
    assert await receive(core) == 0
    assert told(core) == []


@on_loop
async def test_a_reply_is_told_with_the_reference_of_the_last_message(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    core.listen(kind="MO")
    core.listen(webhook=67, kind="STOP")
    sent(core, client_refs=["m-1"])
    core.now += MINUTE
    reply(core, "Yes")
    await receive(core)
    assert told(core) == [
        {
            "date": "2031-05-20T01:34:20+02:00",
            "message": "Yes",
            "from": TO,
            "account_id": "1",
            "last_message_id": "m-1",
        }
    ]


@on_loop
async def test_a_stop_puts_the_number_on_the_blacklist_counts_once_and_is_told_as_stop(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    core.listen(kind="MO")
    core.listen(webhook=67, kind="STOP")
    ticket = sent(core)
    core.now += MINUTE
    reply(core, "STOP")
    await receive(core)
    core.now += MINUTE
    reply(core, "Stop merci")
    await receive(core)
    assert blacklist(core) == [(NUMBER, ticket)]
    assert stops(core, ticket) == 1
    assert [(event["message"], event["last_message_id"]) for event in told(core)] == [("STOP", ""), ("Stop merci", "")]
    assert core.column("SELECT webhook_id FROM event") == [67, 67]


@on_loop
async def test_a_stop_of_somebody_listed_already_is_counted_for_its_campaign(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    ticket = sent(core)
    core.db.write(lambda tx: exclusions.add(tx, SHOP.id, "blacklist", [NewExclusion(NUMBER)], core.now))
    core.now += MINUTE
    reply(core, "STOP")
    await receive(core)
    assert stops(core, ticket) == 1


@on_loop
async def test_a_reply_that_the_carrier_brings_again_is_one_reply(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    core.listen(kind="MO")
    sent(core)
    core.now += MINUTE
    reply(core, "Yes")
    await receive(core)
    lost = Doubt(core.now - AGAIN_MS, core.now + MINUTE)
    core.now += 5 * MINUTE
    reply(core, "Yes", doubt=lost)
    reply(core, "Yes", carrier=OTHER_CARRIER, doubt=lost)
    reply(core, "No", doubt=lost)
    core.now += 1
    reply(core, "Yes", doubt=lost)  # the first one has come again already
    await receive(core)
    assert [row[0] for row in owners(core)] == [1, ReplyState.REPEAT, 1, 1, 1]
    assert [event["message"] for event in told(core)] == ["Yes", "Yes", "No", "Yes"]


@on_loop
async def test_who_answers_the_same_twice_has_answered_twice(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    core.listen(kind="MO")
    sent(core)
    core.now += MINUTE
    reply(core, "1")
    core.now += 2_000
    reply(core, "1")
    await receive(core)
    assert [event["message"] for event in told(core)] == ["1", "1"]


@on_loop
async def test_an_id_of_the_carriers_tells_a_repeat_a_day_later_from_an_equal_answer(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    core.listen(kind="MO")
    sent(core)
    core.now += MINUTE
    reply(core, "1", ref="m1")
    reply(core, "1", ref="m2")
    await receive(core)
    core.now += DAY
    reply(core, "1", ref="m1")
    reply(core, "1", ref="m3")
    reply(core, "1", ref="m1", carrier=OTHER_CARRIER)
    await receive(core)
    assert [row[0] for row in owners(core)] == [1, 1, ReplyState.REPEAT, 1, 1]
    assert len(told(core)) == 4


@on_loop
async def test_a_reply_counts_from_when_it_came_not_from_when_it_was_stored(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    sent(core)
    core.now += MINUTE
    came = core.now
    core.now += MINUTE  # the link is lost and bound again, and then the database answers
    reply(core, "Yes", at=came)
    reply(core, "Yes", doubt=Doubt(came - AGAIN_MS, came + 1))
    await receive(core)
    assert [row[0] for row in owners(core)] == [1, ReplyState.REPEAT]
    assert core.column("SELECT received_at FROM reply ORDER BY id") == [came, core.now]


@on_loop
async def test_a_long_reply_is_put_together_whatever_the_order_of_its_parts(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    core.listen(kind="MO")
    sent(core)
    core.now += MINUTE
    reply(core, "third", part_of="8.7/3", part=3)
    reply(core, "first ", part_of="8.7/3", part=1)
    reply(core, "whole", OTHER)
    assert await receive(core) == 1  # the whole one; the parts wait
    reply(core, "first ", part_of="8.7/3", part=1)  # brought again
    reply(core, "second ", part_of="8.7/3", part=2)
    assert await receive(core) == 1
    core.now += MINUTE
    reply(core, "second ", part_of="8.7/3", part=2)  # brought again, late
    assert await receive(core) == 0
    assert [event["message"] for event in told(core)] == ["first second third"]
    assert core.column("SELECT count(*) FROM reply WHERE state = 0") == [0]


@on_loop
async def test_a_text_that_misses_a_part_is_told_with_a_gap_after_a_while_and_the_part_when_it_comes(
    tmp_path: Path,
) -> None:
    core = core_on(tmp_path)
    core.listen(kind="MO")
    sent(core)
    core.now += MINUTE
    reply(core, "begin ", part_of="16.7/3", part=1)
    reply(core, "end", part_of="16.7/3", part=3)
    assert await receive(core) == 0
    core.now += 61 * MINUTE
    assert await receive(core) == 1
    reply(core, "end", part_of="16.7/3", part=3)
    reply(core, "middle ", part_of="16.7/3", part=2)
    assert await receive(core) == 1, "what was missing is told as soon as it comes"
    assert [event["message"] for event in told(core)] == ["begin […]end", "[…]middle […]"]
    assert core.rows("SELECT missing FROM reply ORDER BY id") == [(1,), (2,)]


@on_loop
async def test_a_round_that_is_done_again_changes_nothing(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    core.listen(kind="STOP")
    ticket = sent(core)
    core.now += MINUTE
    reply(core, "STOP")
    store = Store(core.db.path)
    job = receiver(store, core.ids)
    (stored,) = store.glance(lambda tx: replies.stored(tx, 10))
    message = core.messages_of(ticket)[0].id
    for _ in range(2):  # the same batch twice, as after a crash between reading and writing
        await store.write(
            lambda tx: job._give(tx, [stored], {stored.id: Owned(None, message, NUMBER, "FR")}, {}, core.now)
        )
    await store.close()
    assert (stops(core, ticket), len(told(core)), len(blacklist(core))) == (1, 1, 1)


def test_a_message_that_nobody_has_the_number_of_is_counted_and_its_number_listed() -> None:
    core = Core()
    ticket = core.submit(TO, OTHER)
    first, second = core.claim()
    core.record(
        [Outcome(m.message_id, [f"r{m.message_id}"], "accepted", m.attempts, m.expires_at) for m in (first, second)]
    )
    receipt = ReceiptIn(f"r{first.message_id}", NUMBER, 5, True, "UNDELIV err:001")
    core.record([], [receipt])
    core.record([], [receipt])
    core.record([], [ReceiptIn(f"r{second.message_id}", None, 2, True, "UNDELIV err:006")])
    assert core.rows("SELECT unassigned, failed FROM campaign") == [(1, 2)]
    assert core.rows("SELECT account_id, kind, number, campaign_id FROM exclusion") == [(1, "npai", NUMBER, ticket)]


@on_loop
async def test_the_feed_tells_of_replies_once_their_owner_is_known(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    ticket = sent(core)
    core.now += MINUTE
    store = Store(core.db.path)
    feed = Feed(store)
    reply(core, "Yes")
    reply(core, "STOP")
    reply(core, "Hello", OTHER)
    assert not [line for line in feed.news() if "reply" in line]
    await receive(core)
    assert [line for line in feed.news() if "reply" in line] == [
        f"ticket {ticket}: somebody replied (reply 1)",
        f"ticket {ticket}: somebody opted out (reply 2)",
        "reply 3: nobody wrote to its sender",
    ]
    assert not [line for line in feed.news() if "reply" in line]
    await store.close()


@on_loop
async def test_a_fault_of_ours_about_one_reply_does_not_keep_the_others_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = core_on(tmp_path)
    ticket = sent(core, TO)

    def faulty(text: str, country: str | None = None) -> ReplyKind:
        return reply_kind(text, country if 1 / (text != "poison") else None)

    monkeypatch.setattr(receive_module, "reply_kind", faulty)
    for text in ("Yes", "poison", "STOP"):
        reply(core, text)
    with capture_logs() as lines:
        assert await receive(core) == 3
        assert await receive(core) == 0
    assert [row[0] for row in owners(core)] == [ReplyState.DELIVERED, ReplyState.FAULTY, ReplyState.DELIVERED]
    assert (blacklist(core), stops(core, ticket)) == ([(NUMBER, ticket)], 1)
    assert [line["reply"] for line in lines if line["event"] == "bug"] == [2]


def test_a_number_that_a_carrier_refuses_is_listed_where_it_takes_others_of_the_country() -> None:
    core = Core()
    core.submit(TO)
    core.record([refused(core.claim_one(), REFUSED)])
    core.submit(*numbers(2 * TAKEN_FOR_ONE))
    core.record([accepted(message) for message in core.claim()])
    core.submit(OTHER, "41791234567")
    core.record([refused(message, REFUSED) for message in core.claim()])
    assert core.rows("SELECT kind, number FROM exclusion") == [("npai", int(OTHER))]


def test_a_carrier_without_smpp_says_it_by_what_its_table_means() -> None:
    core = Core()
    core.submit(*numbers(2 * TAKEN_FOR_ONE))
    core.record([accepted(message) for message in core.claim()])
    for refusal in (
        Refused("permanent", 5, "21211: not a valid number"),
        Refused("temporary", 5, "busy"),
        Refused("permanent", 9, "bad text"),
    ):
        core.submit(OTHER if refusal.dlr == 5 and refusal.kind == "permanent" else TO)
        core.record([refused(core.claim_one(), refusal)])
    assert core.rows("SELECT kind, number FROM exclusion") == [("npai", int(OTHER))]


def test_a_carrier_that_refuses_everybody_lists_nobody() -> None:
    core = Core()
    core.submit(*numbers(100))
    core.record([refused(message, REFUSED) for message in core.claim()])
    wrong = Refused("permanent", 5, "ESME_RINVDSTTON")
    core.submit(*numbers(200, 33_613_000_000))
    core.record([accepted(message) for message in core.claim()])
    core.submit(TO)
    core.record([refused(core.claim_one(), wrong)])
    assert core.rows("SELECT 1 FROM exclusion") == []
