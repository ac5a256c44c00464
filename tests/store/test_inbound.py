"""Replies to numbers and keywords that accounts have: whose they are, and what follows when they answer nothing."""

from pathlib import Path
from typing import Any

import pytest
import time_machine

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, NotFound
from chappe.domain.inbound import InboundNumber
from chappe.domain.outcomes import ReplyIn
from chappe.domain.privacy import Person
from chappe.manage.inbound import Inbound
from chappe.manage.messages import MessageFilter, Messages
from chappe.manage.privacy import Privacy
from chappe.manage.replies import Replies, ReplyFilter
from chappe.store import inbound, replies
from chappe.store.replies import ReplyState
from chappe.store.sqlite import Store
from tests.answering import receiver
from tests.builders import on_loop
from tests.store.build import BRANCH, DAY, MINUTE, NUMBER, SHOP, STRANGER, TO, Core
from tests.store.test_receive import blacklist, core_on, receive, sent, told

SHORT, LONG = "36180", "33644630000"


def give(core: Core, number: str, account: Account, keyword: str = "") -> None:
    core.db.write(lambda tx: inbound.insert(tx, InboundNumber(number, keyword, account.id), core.now))


def text(core: Core, said: str, to: str = SHORT, source: str = TO, **part: Any) -> None:
    core.now += MINUTE
    core.db.write(lambda tx: replies.insert(tx, core.carrier, [ReplyIn(source, to, said, **part)], core.now))


def owners(core: Core) -> list[tuple[int | None, str | None, int | None]]:
    return [tuple(row) for row in core.rows("SELECT account_id, kind, campaign_id FROM reply ORDER BY id")]


@on_loop
async def test_a_keyword_goes_before_the_number_and_the_number_before_the_last_message(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    give(core, SHORT, STRANGER)
    give(core, SHORT, BRANCH, "PROMO")
    ticket = sent(core)
    text(core, "Promo please")
    text(core, "Hello")
    text(core, "Hello", to="36999")
    await receive(core)
    assert owners(core) == [(BRANCH.id, "reply", None), (STRANGER.id, "reply", None), (SHOP.id, "reply", ticket)]


@on_loop
async def test_a_reply_to_an_owned_number_answers_the_owners_last_message_whoever_wrote_after_it(
    tmp_path: Path,
) -> None:
    core = core_on(tmp_path)
    give(core, LONG, SHOP)
    ours = sent(core)
    core.now += MINUTE
    sent(core, account=STRANGER)
    text(core, "Yes", to="+" + LONG)
    await receive(core)
    assert owners(core) == [(SHOP.id, "reply", ours)]


@on_loop
async def test_a_text_from_somebody_never_written_to_is_told_and_listed_without_a_campaign(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    core.listen(kind="MO")
    give(core, SHORT, SHOP, "PROMO")
    text(core, "PROMO")
    await receive(core)
    (event,) = told(core)
    assert (event["message"], event["from"], event["account_id"], event["last_message_id"]) == ("PROMO", TO, "1", "")
    store = Store(core.db.path)
    replied = ReplyFilter(core.now - DAY, core.now + DAY)
    (row,) = (await Replies(store).find(SHOP, replied)).rows
    assert (row.campaign_id, row.number, row.text) == (None, NUMBER, "PROMO")
    (message,) = (await Messages(store).find(SHOP, MessageFilter(replied.from_at, replied.to_at))).rows
    assert (message.campaign_id, message.direction, message.number, message.sender) == (None, "in", NUMBER, SHORT)
    assert (await Replies(store).find(STRANGER, replied)).rows == []
    await store.close()


@on_loop
async def test_a_stop_to_a_number_is_to_its_owner_if_he_wrote_else_to_who_did(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    give(core, SHORT, SHOP)
    give(core, LONG, BRANCH, "PROMO")
    theirs = sent(core, account=STRANGER)
    text(core, "STOP")
    await receive(core)
    assert owners(core)[-1] == (STRANGER.id, "stop", theirs)
    assert (blacklist(core, STRANGER.id), blacklist(core, SHOP.id)) == ([(NUMBER, theirs)], [])
    ours = sent(core)
    core.now += MINUTE
    sent(core, "33612345679", account=STRANGER)
    text(core, "STOP merci")
    text(core, "STOP", source="33612345677")
    text(core, "STOP PROMO", to=LONG)
    await receive(core)
    assert owners(core)[1:] == [(SHOP.id, "stop", ours), (SHOP.id, "stop", None), (BRANCH.id, "stop", None)]
    assert blacklist(core, SHOP.id) == [(33612345677, None), (NUMBER, ours)]
    assert blacklist(core, BRANCH.id) == [(NUMBER, None)]


@on_loop
async def test_contact_from_a_stranger_to_an_owned_number_is_answered_by_its_owner(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    give(core, SHORT, SHOP)
    text(core, "CONTACT")
    await receive(core)
    assert owners(core) == [(SHOP.id, "contact", None)]
    assert core.rows("SELECT account_id, number FROM message") == [(SHOP.id, NUMBER)]


@on_loop
async def test_a_text_without_a_number_behind_it_stays_nobodys(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    give(core, SHORT, SHOP)
    text(core, "Your code", source="Bank")
    await receive(core)
    assert core.column("SELECT state FROM reply") == [ReplyState.NOBODYS]


@on_loop
async def test_the_operator_sees_what_is_nobodys_and_gives_it_away(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    core.listen(kind="STOP")
    text(core, "STOP", to="36999")
    await receive(core)
    store = Store(core.db.path)
    listed = Replies(store)
    (row,) = await listed.newest(None, 10, is_unmatched=True)
    assert (row.source, row.text, row.state, row.account) == ("3361234****", "STOP", "nobody's", None)
    await listed.assign(row.id, SHOP, "cli:alice")
    assert await receiver(store, core.ids).once() == 1
    assert blacklist(core) == [(NUMBER, None)]
    assert [event["message"] for event in told(core)] == ["STOP"]
    (row,) = await listed.newest(SHOP, 10, is_unmatched=False)
    assert (row.state, row.account, row.kind) == ("given to its owner", SHOP.email, "stop")
    with pytest.raises(NotFound):
        await listed.assign(row.id, STRANGER, "cli:alice")
    assert core.rows("SELECT action, account_id, subject FROM audit") == [("reply.assign", SHOP.id, f"reply {row.id}")]
    await store.close()


@on_loop
async def test_numbers_are_given_once_and_taken_away(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    store = Store(core.db.path)
    numbers = Inbound(store)
    await numbers.add(SHOP, SHORT, "Promo", "cli:alice")
    await numbers.add(SHOP, "06 44 63 00 00", None, "cli:alice")
    await numbers.add(STRANGER, SHORT, None, "cli:alice")
    with pytest.raises(BadData, match="shop@example"):
        await numbers.add(STRANGER, "36180", "PRÔMO", "cli:alice")
    assert [tuple(row) for row in await numbers.list()] == [
        (LONG, "", SHOP.id), (SHORT, "", STRANGER.id), (SHORT, "PROMO", SHOP.id),
    ]  # fmt: skip
    assert [row.number for row in await numbers.list(STRANGER)] == [SHORT]
    await numbers.remove("+" + LONG, None, "cli:alice")
    with pytest.raises(NotFound):
        await numbers.remove(LONG, None, "cli:alice")
    assert core.column("SELECT action FROM audit ORDER BY id") == ["number.add"] * 3 + ["number.remove"]
    await store.close()


@on_loop
async def test_a_person_gets_and_loses_texts_that_answered_nothing_and_parts_that_still_wait(tmp_path: Path) -> None:
    core = core_on(tmp_path)
    give(core, SHORT, SHOP)
    text(core, "Hello")
    text(core, "first part ", part_of="8.1/2", part=1)
    store = Store(core.db.path)
    job = receiver(store, core.ids)
    await job.once()
    privacy = Privacy(store, core.ids, job)
    person = Person(NUMBER, None)
    exported = await privacy.export(person, None, "cli:alice", lambda *_: None)
    assert [(each.account, each.text) for each in exported.replies] == [(SHOP.id, "Hello"), (None, "first part ")]
    assert exported.replies[0].answers_message is None
    with time_machine.travel(core.now / 1000):
        await privacy.erase(person, None, "cli:alice", lambda *_: None, forgets_optouts=False)
    assert core.rows("SELECT * FROM reply") == []
    await store.close()
