"""Laws of limits: whatever is sent in whatever order, none is exceeded, and the counts say what was accepted."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chappe.domain.accounts import Account
from chappe.domain.errors import InsufficientCredits
from chappe.domain.limits import DAY_MS, MINUTE_MS, periods_of
from chappe.domain.requests import Submission
from tests.limited import Limited
from tests.store.build import BRANCH, SHOP

BEGIN = datetime(2031, 5, 31, 21, 58, tzinfo=UTC)  # two minutes before a new day and month in Paris
NUMBERS = ("+33612345670", "+33612345671", "+33612345672", "+41791234567", "x")
COUNTS = (
    "same_text_minutes", "number_per_minute", "number_per_day", "messages_per_minute", "messages_per_day",
    "messages_per_month", "messages_per_month__CH", "credits_per_day",
)  # fmt: skip


class Sent(NamedTuple):
    """A message that was accepted."""

    account: int
    at: int
    number: int
    country: str
    text: str
    price_mc: int


class Move(NamedTuple):
    """Some requests at once, after some seconds."""

    seconds: int
    requests: list[tuple[Account, list[str], str]]


accounts = st.sampled_from([SHOP, BRANCH])
limits = st.dictionaries(st.sampled_from(COUNTS), st.integers(1, 5), min_size=1, max_size=4)
requests = st.tuples(
    accounts, st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4), st.sampled_from(["a", "b" * 161])
)
moves = st.builds(
    Move, st.sampled_from([0, 0, 20, 60, 300, 43_200, 86_400]), st.lists(requests, min_size=1, max_size=4)
)


@given(limits, st.dictionaries(st.sampled_from(COUNTS), st.integers(1, 3), max_size=2), st.lists(moves, max_size=8),
       st.integers(0, 3))  # fmt: skip
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_no_history_of_sends_exceeds_a_limit(
    of_shop: dict[str, int], of_branch: dict[str, int], history: list[Move], before: int
) -> None:
    async def play() -> None:
        with TemporaryDirectory() as folder, time_machine.travel(BEGIN, tick=False) as clock:
            shop = Limited(Path(folder))
            try:
                for i, move in enumerate(history):
                    if i == min(before, len(history) - 1):  # the limits come while something has been sent
                        was_there = _sent(shop)
                        await _set(shop, of_shop, of_branch)
                    clock.shift(timedelta(seconds=move.seconds))
                    await _send(shop, move)
                    if i >= min(before, len(history) - 1):
                        sent = _sent(shop)
                        _check(sent, was_there, of_shop)
                        _check([each for each in sent if each.account == BRANCH.id], was_there, of_branch)
                        _check_counts(shop, sent)
            finally:
                await shop.close()

    asyncio.run(play())


async def _set(shop: Limited, of_shop: dict[str, int], of_branch: dict[str, int]) -> None:
    await shop.set(**of_shop)
    if of_branch:
        await shop.set(BRANCH.id, **of_branch)


async def _send(shop: Limited, move: Move) -> None:
    async def send(account: Account, to: list[str], text: str) -> Submission | None:
        try:
            return await shop.send(*to, text=text, account=account)
        except InsufficientCredits:
            return None

    before = len(_sent(shop))
    answers = await asyncio.gather(*(send(*request) for request in move.requests))
    accepted = [answer for answer in answers if answer]
    for answer in accepted:
        left_out = answer.invalid + answer.duplicated + answer.blacklisted + answer.npai
        assert answer.total == answer.sent + left_out + answer.not_allowed + answer.flood + answer.country_limit
    assert sum(answer.sent for answer in accepted) == len(_sent(shop)) - before


def _sent(shop: Limited) -> list[Sent]:
    rows = shop.rows(
        "SELECT c.account_id, c.created_at, m.number, m.country, c.text, m.price_mc"
        " FROM message m JOIN campaign c ON c.id = m.campaign_id ORDER BY m.id"
    )
    return [Sent(*row) for row in rows]  # type: ignore[arg-type]


def _check(sent: list[Sent], was_there: list[Sent], limits: dict[str, int]) -> None:
    """What was there before the limits may exceed them; what came since must not have made it worse."""

    def check(name: str, most: int | None, together: list[Sent], amount: int, has_new: bool) -> None:
        assert most is None or amount <= most or not has_new, (name, most, together)

    known = set(was_there)
    for which, name in enumerate(("messages_per_minute", "messages_per_day", "messages_per_month")):
        groups: dict[object, list[Sent]] = {}
        for each in sent:
            place = each.country if name == "messages_per_month" else ""
            groups.setdefault((periods_of(each.at)[which], place), []).append(each)
        for (_, place), group in groups.items():  # type: ignore[misc]
            most = limits.get(name)
            if place:
                most = limits.get(f"{name}__{place}", most)
            check(name, most, group, len(group), any(each not in known for each in group))
            if which == 1:
                cost = sum(each.price_mc for each in group)
                cap = limits.get("credits_per_day")
                check("credits", cap and cap * 1000, group, cost, any(each not in known for each in group))
    for last in sent:
        if last in known:
            continue
        own = [each for each in sent if each.number == last.number]
        window = [
            ("number_per_minute", MINUTE_MS), ("number_per_day", DAY_MS),
        ]  # fmt: skip
        for name, length in window:
            lately = [each for each in own if last.at - length < each.at <= last.at]
            check(name, limits.get(name), lately, len(lately), True)
        if minutes := limits.get("same_text_minutes"):
            since = last.at - minutes * MINUTE_MS
            # texts from before any limit are not known
            same = [each for each in own if since < each.at <= last.at and each.text == last.text and each not in known]
            check("same_text_minutes", 1, same, len(same), True)


def _check_counts(shop: Limited, sent: list[Sent]) -> None:
    """The counts of a holder are what it and its sub-accounts had accepted."""
    for holder, measure, period, amount in shop.rows("SELECT account_id, measure, period, amount FROM usage"):
        own = [each for each in sent if holder == SHOP.id or each.account == holder]
        inside = [each for each in own if period in periods_of(each.at)]
        by_country = Counter(each.country for each in inside)
        if measure == "messages":
            assert amount == len(inside)
        elif measure == "credits":
            assert amount == sum(each.price_mc for each in inside)
        elif measure != "numbers":
            assert amount == by_country[str(measure)]
