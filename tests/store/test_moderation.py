"""A held campaign waits, paid for and unseen by carriers, until it is approved, refused, cancelled or forgotten."""

import asyncio
from pathlib import Path

import pytest

from chappe.domain.errors import BadData, InsufficientCredits, NotFound
from chappe.domain.lifecycle import Dlr, Queue, State
from chappe.domain.moderation import Finding
from chappe.domain.plans import Limits
from chappe.domain.requests import IdempotencyKey, SubmitRequest
from chappe.manage.campaigns import CampaignFilter, Campaigns
from chappe.manage.feed import Feed
from chappe.manage.messages import Messages
from chappe.pipeline import moderate
from chappe.pipeline.expire import Expirer
from chappe.pipeline.explain import Explainer
from chappe.pipeline.links import Links
from chappe.pipeline.moderate import NOBODY
from chappe.pipeline.retain import Retainer
from chappe.pipeline.submit import LARGE
from chappe.store import figures, moderation
from chappe.store.clock import now_ms
from tests.builders import on_loop
from tests.holding import HELD, VALIDITY_S, held
from tests.store.build import (
    CREDITS,
    DAY,
    SHOP,
    STRANGER,
    balance,
    counters,
    events,
    ledger,
    numbers,
)

# -- accepted and waiting


@on_loop
async def test_what_is_held_is_paid_for_and_not_in_the_queue(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        answer = await made.submit()
        assert (answer.is_held, answer.sent, answer.cost, answer.credits) == (True, 3, 3, CREDITS - 3)
        assert answer.ticket is not None
        assert balance(made.core) == (CREDITS - 3, 3)
        assert made.queued() == 0
        assert made.states(answer.ticket) == {(State.ACCEPTED, Dlr.NOT_SENT)}
        await made.enqueuer.once()
        await made.enqueuer.once()
        await made.enqueuer.enqueue(answer.ticket)
        assert made.queued() == 0


@on_loop
async def test_what_meets_no_rule_is_not_held(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        assert not (await made.submit(text="Hello")).is_held
        assert made.queued() == 3


@on_loop
async def test_a_large_request_is_looked_at_too(tmp_path: Path) -> None:
    async with held(tmp_path, hold_words="", hold_sequences=str(LARGE // 2)) as made:
        with pytest.raises(InsufficientCredits):
            await made.submit(LARGE)
        assert (await made.submitter.simulate(SHOP, SubmitRequest("Hello", numbers(LARGE)))).is_held
        assert not (await made.submitter.simulate(SHOP, SubmitRequest("Hello", numbers(LARGE)[::2]))).is_held


@on_loop
async def test_a_new_account_is_held_until_it_is_old_enough(tmp_path: Path) -> None:
    async with held(tmp_path, hold_words="", hold_first_days="14") as made:
        for days, is_held in ((13, True), (14, False)):
            made.sql("UPDATE account SET created_at = :at", at=now_ms() - days * DAY - 1000)
            assert (await made.submit(text="Hello")).is_held is is_held


@on_loop
async def test_what_nobody_would_get_is_not_held(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        answer = await made.submitter.submit(SHOP, SubmitRequest(HELD, ["12"]))
        assert (answer.is_held, answer.sent) == (False, 0)


@on_loop
async def test_a_repeat_gets_the_same_answer(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        key = IdempotencyKey("k", b"d" * 32)
        first = await made.submitter.submit(SHOP, SubmitRequest(HELD, numbers(1)), key)
        assert first.is_held
        assert await made.submitter.submit(SHOP, SubmitRequest(HELD, numbers(1)), key) == first
        assert balance(made.core) == (CREDITS - 1, 1)


@on_loop
async def test_what_the_platform_sends_itself_is_not_held(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        write = await made.submitter.prepare(SHOP, SubmitRequest(HELD, numbers(1)))
        assert not (await made.store.write(write)).is_held
        assert made.queued() == 1


@on_loop
async def test_a_simulation_warns_and_writes_nothing(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        simulated = await made.submitter.simulate(SHOP, SubmitRequest(HELD, numbers(3)))
        assert [(warning.code, warning.messages) for warning in simulated.warnings] == [("moderation", 3)]
        assert made.core.column("SELECT COUNT(*) FROM campaign") == [0]


@on_loop
async def test_a_send_to_lists_is_held_over_all_its_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chappe.pipeline.submit_lists.CHUNK", 4)
    async with held(tmp_path, hold_words="", hold_sequences="10") as made:
        for i in range(10):
            entry = f"{33_612_000_000 + i}\x1fn{i}"
            values = {"id": (i * 7) % 10 + 1, "number": 33_612_000_000 + i, "entry": entry}
            made.sql("INSERT INTO contact VALUES (50117, :id, :number, :entry)", **values)
        request = SubmitRequest("Hi [info1]", [], lists=[50117])
        assert (await made.lists.simulate(SHOP, request)).is_held
        answer = await made.lists.submit(SHOP, request)
        assert (answer.is_held, answer.sent) == (True, 10)
        assert answer.ticket is not None
        await asyncio.sleep(0.05)
        assert made.queued() == 0
        assert await made.moderation.approve(answer.ticket, "cli:ann")
        assert made.queued() == 10


# -- what is seen of it


@on_loop
async def test_its_owner_sees_that_it_waits(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        ticket = await made.ticket()
        await made.submit(text="Hello")
        assert await made.word(ticket) == "moderation"
        assert [await made.found(word) for word in ("moderation", "waiting", "denied", "not_sent")] == [3, 3, 0, 0]
        page = await Campaigns(made.store).history(SHOP, CampaignFilter())
        assert (page.total, [row.id for row in page.rows]) == (2, [ticket + 1, ticket])
        by_status = await Campaigns(made.store).history(SHOP, CampaignFilter(sort="status", is_descending=False))
        assert [row.state for row in by_status.rows] == ["moderation", "sending"]
        trace = Messages(made.store).show(made.core.span(ticket)[0])
        assert trace.state == "held for a person"
        assert ("held for a person", "hold_words: bank") in [(step.step, step.detail) for step in trace.steps]


@on_loop
async def test_the_operator_sees_whose_it_is_and_why_and_no_whole_number(tmp_path: Path) -> None:
    async with held(tmp_path, hold_above="2") as made:
        ticket = await made.ticket(sender="Acme")
        [shown] = made.moderation.waiting()
        assert (shown.ticket, shown.account, shown.messages, shown.cost) == (ticket, "shop@example.org", 3, "3")
        assert (shown.sender, shown.text, shown.standing) == ("Acme", HELD, "waiting")
        assert shown.findings == [Finding("hold_words", "bank"), Finding("hold_above", "3 messages")]
        assert shown.recipients == []
        assert made.moderation.show(ticket).recipients == ["3361200**** (FR)"] * 3
        with pytest.raises(NotFound):
            made.moderation.show(ticket + 1)


@on_loop
async def test_the_metrics_tell_how_many_wait_and_how_long(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        await made.ticket()
        made.move_into_the_past(60_000)
        await made.ticket()
        found = made.db.read(figures.read)
        assert (found.held, found.unqueued, found.overdue) == (2, 0, 0)
        assert 59 < found.oldest_held_s < 120


@on_loop
async def test_who_watches_is_told_when_it_goes(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        feed = Feed(made.store)
        ticket = await made.ticket()
        assert feed.news() == []
        await made.moderation.approve(ticket, "cli:ann")
        assert feed.news()[0] == f"ticket {ticket}: accepted 3 of 3, 3 credit(s)"


# -- approved


@on_loop
async def test_approved_it_comes_to_the_queue_once_with_its_whole_validity(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        ticket = await made.ticket()
        made.move_into_the_past(3 * DAY)
        before = now_ms()
        assert await made.moderation.approve(ticket, "cli:ann", "known")
        rows = made.core.rows("SELECT state, ready_at, expires_at FROM dispatch")
        assert {row[0] for row in rows} == {Queue.READY}
        assert all(row[1] >= before and row[2] - row[1] == VALIDITY_S * 1000 for row in rows)
        assert await made.word(ticket) == "sending"
        assert not await made.moderation.approve(ticket, "cli:bob")
        assert made.queued() == 3
        assert made.audited() == [("cli:ann", "moderation.approve", f"campaign {ticket}")]
        assert made.mails() == []
        assert made.moderation.show(ticket).standing == "approved"
        assert len(made.core.claim()) == 3


@on_loop
async def test_approved_before_its_time_it_waits_for_it(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        ticket = await made.ticket(delay="2099-05-17 09:30:00")
        planned = made.core.campaign(ticket).send_at
        await made.moderation.approve(ticket, "cli:ann")
        assert made.core.column("SELECT DISTINCT ready_at FROM dispatch") == [planned]
        assert await made.word(ticket) == "waiting"


@on_loop
async def test_who_dies_after_approving_is_followed_by_the_worker(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        ticket = await made.ticket()
        made.db.write(lambda tx: moderation.approve(tx, ticket, now_ms(), 1000))
        await made.enqueuer.once()
        await made.enqueuer.once()
        assert made.queued() == 3


# -- refused


@on_loop
async def test_refused_it_ends_and_its_credits_and_a_mail_go_to_the_account(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        made.core.listen()
        ticket = await made.ticket()
        assert await made.moderation.refuse(ticket, "cli:ann", "phishing", "Write to us.")
        assert made.states(ticket) == {(State.FAILED, Dlr.NOT_ALLOWED)}
        assert balance(made.core) == (CREDITS, 0)
        assert counters(made.core, ticket) == {"failed": 3}
        assert events(made.core) == [Dlr.NOT_ALLOWED] * 3
        assert made.mails() == ["shop@example.org"]
        assert "Write to us." in str(made.core.column("SELECT body FROM mail")[0])
        assert "phishing" not in str(made.core.column("SELECT body FROM mail")[0])
        assert await made.word(ticket) == "denied"
        assert [await made.found(word) for word in ("moderation", "denied", "not_sent")] == [0, 3, 0]
        assert made.audited() == [("cli:ann", "moderation.refuse", f"campaign {ticket}")]
        assert made.moderation.waiting() == []


@on_loop
async def test_a_decision_is_made_once_however_many_make_it(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        ticket = await made.ticket(5)
        others = [made.another_moderator() for _ in range(3)]
        said = await asyncio.gather(*(other.refuse(ticket, "cli:ann", "no") for other in others))
        assert sorted(said) == [False, False, True]
        assert made.mails() == ["shop@example.org"]
        assert ledger(made.core)[-1] == ("release", 5)
        for decide in (made.moderator.approve(ticket, "cli:bob", ""), made.submitter.cancel(SHOP, ticket)):
            with pytest.raises(BadData, match="refused"):
                await decide
        assert balance(made.core) == (CREDITS, 0)


@on_loop
async def test_of_two_who_decide_otherwise_the_first_is_heeded(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        ticket = await made.ticket()
        said = await asyncio.gather(
            made.another_moderator().approve(ticket, "cli:ann", ""),
            made.another_moderator().refuse(ticket, "cli:bob", "no"),
            return_exceptions=True,
        )
        assert said[0] is True
        assert isinstance(said[1], BadData)
        assert made.queued() == 3


@on_loop
async def test_a_refusal_that_was_interrupted_is_finished_by_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moderate, "CHUNK", 2)
    async with held(tmp_path) as made:
        made.core.listen()
        ticket = await made.ticket(7)
        made.db.write(lambda tx: moderation.deny(tx, ticket, now_ms()))
        assert await made.word(ticket) == "denied"
        assert balance(made.core) == (CREDITS - 7, 7)
        await made.moderator.once()
        assert balance(made.core) == (CREDITS, 0)
        assert len(events(made.core)) == 7
        assert made.core.column("SELECT queued_to FROM campaign") == [None]
        await made.moderator.once()
        assert len(events(made.core)) == 7


@on_loop
async def test_what_never_waited_is_not_decided_about(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        plain = (await made.submit(text="Hello")).ticket
        assert plain is not None
        with pytest.raises(BadData, match="never held"):
            await made.moderation.approve(plain, "cli:ann")
        with pytest.raises(NotFound):
            await made.moderation.refuse(999, "cli:ann", "no")
        with pytest.raises(BadData, match="why"):
            await made.moderation.refuse(plain, "cli:ann", " ")
        assert made.audited() == []


# -- taken back, forgotten, kept


@on_loop
async def test_its_owner_takes_it_back(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        ticket = await made.ticket()
        assert await made.submitter.cancel(SHOP, ticket) == CREDITS
        assert balance(made.core) == (CREDITS, 0)
        assert await made.word(ticket) == "cancelled"
        assert made.moderation.waiting() == []
        with pytest.raises(BadData, match="cancelled by its owner"):
            await made.moderation.approve(ticket, "cli:ann")
        with pytest.raises(NotFound):
            await made.submitter.cancel(STRANGER, ticket)


@on_loop
async def test_it_does_not_expire_while_it_waits(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        ticket = await made.ticket()
        made.move_into_the_past(6 * DAY)
        await Expirer(made.store, made.ids, receipt_wait_s=60).once()
        await made.moderator.once()
        assert await made.word(ticket) == "moderation"
        assert made.states(ticket) == {(State.ACCEPTED, Dlr.NOT_SENT)}


@on_loop
async def test_what_nobody_decides_about_is_refused_after_the_days_of_the_setting(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        ticket = await made.ticket()
        made.move_into_the_past(7 * DAY + 1000)
        await made.moderator.once()
        assert await made.word(ticket) == "denied"
        assert balance(made.core) == (CREDITS, 0)
        assert made.audited() == [(NOBODY, "moderation.refuse", f"campaign {ticket}")]
        assert made.mails() == ["shop@example.org"]


@on_loop
async def test_retention_leaves_it_alone(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        ticket = await made.ticket()
        made.move_into_the_past(800 * DAY)
        await Retainer(made.store, event_keep_days=30).round()
        assert len(made.core.messages_of(ticket)) == 3


@on_loop
async def test_an_explanation_warns_as_a_simulation_does(tmp_path: Path) -> None:
    async with held(tmp_path) as made:
        explainer = Explainer(made.store, Limits(), Links(made.store, "sms.example"), made.rules)
        for text, codes in ((HELD, ["moderation"]), ("Hello", [])):
            told = await explainer.explain(SHOP, SubmitRequest(text, numbers(1)))
            assert [remark.code for remark in told.remarks] == codes
