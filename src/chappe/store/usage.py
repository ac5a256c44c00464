"""How much an account has sent in a period, and whom it wrote to lately: kept where a limit asks for it.

A row of `usage` is there from the first send that needs it, with all that was sent in its period before, counted from
the campaigns (`sums`, `by_country`, `spans`); from then on it is kept up in the units of work that accept messages.
What is accepted counts, whatever becomes of it. A change of a limit removes the rows, so that they are counted again:
what was sent while nobody counted is in them too.

Units: `amount` is messages, or thousandths of a credit. Periods have the names of `domain/limits.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from chappe.domain.limits import DAY_MS, MINUTE_MS, Recent, SendLimits, Used, periods_of
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

# Rows of one step.
STEP: Final = 1000
# Campaigns that are looked at together.
PAGE: Final = 2000
# What the clocks of processes may differ by, and how long a send may take from its decision to its unit of work.
_SLACK_MS: Final = 60 * MINUTE_MS
# Of a message from before anybody looked at texts. No text has it.
_UNKNOWN_TEXT: Final = -1

MESSAGES: Final = "messages"
CREDITS: Final = "credits"
NUMBERS: Final = "numbers"
_ALWAYS: Final = "always"  # the period of NUMBERS: `recent_send` has everything from the last day

_AMOUNTS = Statement(
    "SELECT measure, period, amount FROM usage"
    " WHERE account_id = :account AND +period IN (:minute, :day, :month, 'always')"
)
_ADD = Statement(
    "INSERT INTO usage (account_id, measure, period, amount) VALUES (:account, :measure, :period, :amount)"
    " ON CONFLICT (account_id, measure, period) DO UPDATE SET amount = usage.amount + :amount"
)
_BEGIN = Statement(
    "INSERT INTO usage (account_id, measure, period, amount) VALUES (:account, :measure, :period, :amount)"
    " ON CONFLICT (account_id, measure, period) DO NOTHING"
)
_FORGET = Statement("DELETE FROM usage WHERE account_id = :account")
_FORGET_ALL = Statement("DELETE FROM usage")
_RECENT = Statement(
    "SELECT number, digest, at FROM recent_send"
    " WHERE account_id = :account AND number IN (SELECT value FROM json_each(:numbers)) AND at > :since"
)
_REMEMBER = Statement(
    "INSERT INTO recent_send (account_id, number, message_id, digest, at)"
    " VALUES (:account, :number, :message, :digest, :at)"
)
_UNSENT = Statement(
    "DELETE FROM recent_send WHERE account_id IN"
    " (SELECT id FROM account WHERE id = :account UNION ALL SELECT parent_id FROM account WHERE id = :account)"
    " AND number IN (SELECT number FROM message WHERE id BETWEEN :first AND :last)"
    " AND message_id BETWEEN :first AND :last"
)
_FAMILY = Statement("SELECT id FROM account WHERE id = :holder OR parent_id = :holder ORDER BY id")
# A campaign is sent when it is accepted or later, and the index is by that time.
_ACCEPTED_IN = (
    "c.account_id = :account AND c.send_at >= :from_at AND c.created_at >= :from_at AND c.created_at < :to_at"
    " AND c.state NOT IN (1, 2)"
)
_SUMS = Statement(f"SELECT COALESCE(SUM(sent), 0), COALESCE(SUM(cost_mc), 0) FROM campaign c WHERE {_ACCEPTED_IN}")
_BY_COUNTRY = Statement(
    "SELECT m.country, COUNT(*) FROM campaign c CROSS JOIN message m"
    f" WHERE {_ACCEPTED_IN} AND m.id BETWEEN c.first_message_id AND c.last_message_id GROUP BY m.country"
)
_SPANS = Statement(
    f"SELECT send_at, id, created_at, first_message_id, last_message_id FROM campaign c WHERE {_ACCEPTED_IN}"
    " AND (send_at, id) > (:after_at, :after_id) ORDER BY send_at, id LIMIT :n"
)
_COPY = Statement(
    "INSERT INTO recent_send (account_id, number, message_id, digest, at)"
    f" SELECT :holder, number, id, {_UNKNOWN_TEXT}, :at FROM message"
    " WHERE id BETWEEN :first AND :last AND number > 0 ON CONFLICT DO NOTHING"
)
_PRUNE = Statement(
    "DELETE FROM usage WHERE (account_id, measure, period) IN (SELECT account_id, measure, period FROM usage"
    " WHERE period < :minute"
    " AND CASE length(period) WHEN 7 THEN period < :month WHEN 10 THEN period < :day ELSE TRUE END"
    " LIMIT :n)"
)
_PRUNE_RECENT = Statement(
    "DELETE FROM recent_send WHERE (account_id, number, message_id) IN"
    " (SELECT account_id, number, message_id FROM recent_send WHERE at < :before LIMIT :n)"
)

Row = tuple[str, str]
"""(measure, period) of a count."""


class Span(NamedTuple):
    """The messages of a campaign. Units: milliseconds UTC."""

    send_at: int
    campaign: int
    created_at: int
    first: int
    last: int


def missing(tx: Tx, limits: SendLimits, now: int) -> list[Row]:
    """The counts that some limits ask for and that nobody has begun."""
    amounts = _amounts(tx, limits.holder, now)
    return [row for row in _needed(limits, now) if row not in amounts]


def _needed(limits: SendLimits, now: int) -> list[Row]:
    minute, day, month = periods_of(now)
    wanted = (
        (limits.messages_per_minute, MESSAGES, minute),
        (limits.messages_per_day, MESSAGES, day),
        (limits.credits_per_day_mc, CREDITS, day),
        (limits.minds_countries, MESSAGES, month),
        (limits.minds_numbers, NUMBERS, _ALWAYS),
    )
    return [(measure, period) for asks, measure, period in wanted if asks]


def _amounts(tx: Tx, holder: int, now: int) -> dict[Row, int]:
    minute, day, month = periods_of(now)
    rows = tx.rows(_AMOUNTS, account=holder, minute=minute, day=day, month=month)
    return {(measure, period): amount for measure, period, amount in rows}


def used(tx: Tx, limits: SendLimits, numbers: Iterable[int], now: int) -> Used | None:
    """What of some limits has been used, as far as it matters to some numbers.

    Shape: None while a count is missing.
    """
    amounts = _amounts(tx, limits.holder, now)
    if any(row not in amounts for row in _needed(limits, now)):
        return None
    minute, day, month = periods_of(now)
    recent: list[Recent] = []
    if limits.minds_numbers:
        array = msgspec.json.encode(list(numbers)).decode()
        since = now - limits.look_back_ms
        recent = [Recent._make(row) for row in tx.rows(_RECENT, account=limits.holder, numbers=array, since=since)]
    return Used(
        in_minute=amounts.get((MESSAGES, minute), 0),
        in_day=amounts.get((MESSAGES, day), 0),
        credits_mc=amounts.get((CREDITS, day), 0),
        by_country={measure: amount for (measure, period), amount in amounts.items() if period == month},
        recent=recent,
    )


def add(tx: Tx, limits: SendLimits, cost_mc: int, by_country: Mapping[str, int], now: int) -> None:
    """Count what was accepted just now; in its unit of work."""
    month = periods_of(now).month
    amounts = {MESSAGES: sum(by_country.values()), CREDITS: cost_mc}
    rows = [(measure, period, amounts[measure]) for measure, period in _needed(limits, now) if measure in amounts]
    if limits.minds_countries:
        rows += [(country, month, count) for country, count in by_country.items()]
    for measure, period, amount in rows:
        tx.run(_ADD, account=limits.holder, measure=measure, period=period, amount=amount)


def remember(
    tx: Tx, limits: SendLimits, numbers: Sequence[int], digests: Mapping[int, int], first: int, at: int
) -> None:
    """Whom consecutive messages from `first` on go to, and with what."""
    if limits.minds_numbers:
        rows = [(limits.holder, number, message, digests[number], at) for message, number in enumerate(numbers, first)]
        tx.many(_REMEMBER, rows)


def forget_messages(tx: Tx, account: int, first: int, last: int) -> None:
    """Messages that are not sent after all and are there still."""
    tx.run(_UNSENT, account=account, first=first, last=last)


def begin(tx: Tx, holder: int, counts: Mapping[Row, int]) -> None:
    """Begin some counts, where nobody has meanwhile."""
    for (measure, period), amount in counts.items():
        tx.run(_BEGIN, account=holder, measure=measure, period=period, amount=amount)


def begin_numbers(tx: Tx, holder: int) -> None:
    """`recent_send` has now all that the holder's accounts have sent in the last day."""
    begin(tx, holder, {(NUMBERS, _ALWAYS): 0})


def forget(tx: Tx, account: int | None) -> None:
    """Have everything of an account, or of all, counted again; in the unit of work that changes a limit."""
    if account is None:
        tx.run(_FORGET_ALL)
    else:
        tx.run(_FORGET, account=account)


def family(tx: Tx, holder: int) -> list[int]:
    """The accounts whose messages count on the holder: itself and its sub-accounts."""
    return [row[0] for row in tx.rows(_FAMILY, holder=holder)]


def sums(tx: Tx, account: int, from_at: int, to_at: int) -> tuple[int, int]:
    """(messages, thousandths of a credit) that an account had accepted in a period. Cost: a scan of its campaigns."""
    row = tx.one(_SUMS, account=account, from_at=from_at, to_at=to_at)
    return row[0], row[1]


def by_country(tx: Tx, account: int, from_at: int, to_at: int) -> dict[str, int]:
    """The messages of a period by country, without those that were deleted. Cost: a scan of them."""
    return dict(tx.rows(_BY_COUNTRY, account=account, from_at=from_at, to_at=to_at))


def spans(tx: Tx, account: int, from_at: int, to_at: int, after: Span | None) -> list[Span]:
    """The next campaigns that were accepted in a period."""
    at, id_ = (after.send_at, after.campaign) if after else (0, 0)
    rows = tx.rows(_SPANS, account=account, from_at=from_at, to_at=to_at, after_at=at, after_id=id_, n=PAGE)
    return [Span._make(row) for row in rows]


def copy(tx: Tx, holder: int, pieces: Sequence[Span]) -> None:
    """Remember messages of before as sent lately."""
    values = {"holder": holder}
    rows = [values | {"at": each.created_at, "first": each.first, "last": each.last} for each in pieces]
    tx.many(_COPY, [[row[name] for name in _COPY.order] for row in rows])


def prune(tx: Tx, now: int) -> int:
    """Delete a step of what no limit asks for any more; how much it was."""
    minute, day, month = periods_of(now - _SLACK_MS)
    count = tx.run(_PRUNE, minute=minute, day=day, month=month, n=STEP)
    return count + tx.run(_PRUNE_RECENT, before=now - DAY_MS - _SLACK_MS, n=STEP)
