"""Whatever is decided, taken back, interrupted or forgotten, and in whatever order: the credits are exact."""

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chappe.domain.errors import BadData, InsufficientCredits, NotFound
from chappe.pipeline.expire import Expirer
from chappe.store import moderation
from chappe.store.clock import now_ms
from chappe.store.statement import Statement
from tests.holding import Held, held
from tests.store.build import CREDITS, DAY, SHOP

DAYS = st.sampled_from([1, 3, 8])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["submit held", "submit"]), st.integers(1, 6)),
        st.tuples(
            st.sampled_from(["approve", "refuse", "cancel", "begin to refuse", "begin to approve"]), st.integers(1, 6)
        ),
        st.tuples(st.just("days pass"), DAYS),
        st.tuples(st.just("a round of the worker"), st.just(0)),
        st.tuples(st.just("expire"), st.just(0)),
    ),
    max_size=14,
)


async def do(made: Held, step: str, n: int) -> None:
    """One step; what is refused changes nothing."""
    with suppress(BadData, InsufficientCredits, NotFound):
        if step.startswith("submit"):
            await made.submit(n, text="a held bank" if step.endswith("held") else "Hello")
        elif step == "approve":
            await made.moderation.approve(n, "cli:ann")
        elif step == "refuse":
            await made.moderation.refuse(n, "cli:ann", "no")
        elif step == "cancel":
            await made.submitter.cancel(SHOP, n)
        elif step == "begin to refuse":  # and die
            await made.store.write(lambda tx: moderation.deny(tx, n, now_ms()))
        elif step == "begin to approve":
            await made.store.write(lambda tx: moderation.approve(tx, n, now_ms(), DAY))
        elif step == "days pass":
            made.move_into_the_past(n * DAY)
        elif step == "expire":
            await Expirer(made.store, made.ids, receipt_wait_s=60).once()
        else:
            await work(made)


async def work(made: Held) -> None:
    await made.moderator.once()
    await made.enqueuer.once()
    await made.enqueuer.once()


def check(made: Held) -> None:
    """What is set aside is the price of what is open; nothing is lost; no held message is in the queue."""

    def one(sql: str) -> int:
        return int(str(made.core.column(sql)[0]))

    wallet = made.core.wallet()
    assert wallet.available_mc + wallet.reserved_mc == CREDITS * 1000  # no carrier took any
    assert wallet.reserved_mc == one("SELECT COALESCE(SUM(price_mc), 0) FROM message WHERE state = 0")
    assert one("SELECT COALESCE(SUM(open), 0) FROM campaign") == one("SELECT COUNT(*) FROM message WHERE state = 0")
    queued = (
        "SELECT c.state FROM dispatch d JOIN message m ON m.id = d.message_id JOIN campaign c ON c.id = m.campaign_id"
    )
    assert set(made.core.column(queued)) <= {0}


async def history(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with held(Path(folder)) as made:
            for step, n in steps:
                await do(made, step, n)
                check(made)
            # Once all is decided and the worker has been there, nothing waits for anybody.
            for waiting in made.moderation.waiting():
                await made.moderation.refuse(waiting.ticket, "cli:ann", "no")
            await work(made)
            check(made)
            open_ = Statement("SELECT COUNT(*) FROM campaign WHERE queued_to IS NOT NULL OR state = 3")
            assert made.store.glance(lambda tx: tx.one(open_)[0]) == 0
            denied = Statement("SELECT COUNT(*) FROM campaign WHERE state = 4 AND open > 0")
            assert made.store.glance(lambda tx: tx.one(denied)[0]) == 0


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_the_credits_are_exact_whatever_happens_to_what_is_held(steps: list[tuple[str, int]]) -> None:
    asyncio.run(history(steps))
