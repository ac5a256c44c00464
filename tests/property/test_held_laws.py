"""Laws of held marketing over random histories at random times: it never leaves at a forbidden hour, and none is lost.

What is open is asked of the clock on the wall (`zoneinfo`) and the package `holidays`, minute by minute, with hours
written down here: nothing of what decides it in the product.
"""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import holidays
import time_machine
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chappe.domain.accounts import Account
from chappe.domain.delay import FORMAT, PARIS
from chappe.domain.errors import BadData
from chappe.domain.lifecycle import Dlr, State
from chappe.domain.outcomes import NO_REF, Outcome
from chappe.domain.plans import MARKETING, Limits
from chappe.domain.requests import Kind, SubmitRequest
from chappe.domain.retry import Refused
from chappe.domain.rulebook import EVERYBODY, EVERYWHERE, Defaults, Override
from chappe.pipeline import curfew
from chappe.pipeline.expire import Expirer
from chappe.pipeline.links import Links
from chappe.pipeline.record import Lane, Recorder
from chappe.pipeline.rules import Rules
from chappe.pipeline.submit import Submitter
from chappe.pipeline.submit_lists import ListSubmitter
from chappe.pipeline.upkeep import Upkeep
from chappe.store import leases, rules
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.queue import Claimed
from chappe.store.sqlite import Row, Store, Tx
from chappe.store.statement import Statement
from tests.store.build import BRANCH, CARRIER, RESENDING, SHOP, STRANGER, add_carrier, database, top_up

T = TypeVar("T")
MINUTE, DAY = 60_000, 24 * 3600 * 1000
HOUR = 60 * MINUTE
VALIDITY_MS = 48 * HOUR

# -- the reference

PLACES: dict[int, tuple[str, str | None, tuple[str, ...]]] = {
    33612345678: ("FR", None, ("Europe/Paris",)),
    590690123456: ("GP", "971", ("America/Guadeloupe",)),
    262692123456: ("RE", "974", ("Indian/Reunion",)),
    687751234: ("NC", "NC", ("Pacific/Noumea",)),
    68987123456: ("PF", "PF", ("Pacific/Tahiti", "Pacific/Marquesas", "Pacific/Gambier")),
    32470123456: ("BE", None, ("Europe/Brussels",)),
    41791234567: ("CH", None, ("Europe/Zurich",)),
    12125550123: ("US", None, ("America/New_York",)),
    18085551234: ("US", None, ("Pacific/Honolulu",)),
    # Of no area: open when it is from New York to Honolulu.
    15005551234: ("US", None, ("America/New_York", "America/Chicago", "America/Los_Angeles", "Pacific/Honolulu")),
}
FRENCH = {"FR", "GP", "RE", "NC", "PF"}
# Days that are open, from and to in minutes, and whether holidays are closed.
Hours = tuple[range, int, int, bool] | None
SEED: Hours = (range(6), 8 * 60, 20 * 60, True)
BY_COUNTRY: dict[str, Hours] = {
    **dict.fromkeys(FRENCH, SEED),
    "BE": None,
    "CH": None,
    "US": (range(7), 8 * 60, 21 * 60, False),
}
SET: dict[str, Hours] = {
    "strict": (range(6), 8 * 60 + 30, 20 * 60, True),
    "af2m_2024": (range(6), 8 * 60, 22 * 60, True),
    "af2m_2026": (range(6), 8 * 60, 21 * 60 + 30, False),
    "seed": SEED,
    "always": None,
    "mon-fri 09:00-17:00": (range(5), 9 * 60, 17 * 60, False),
    # Long enough for New York and Honolulu to have an hour in common: else the first zone decides alone.
    "tue 10:00-17:00": (range(1, 2), 600, 1020, False),
    "sat-sun 00:00-24:00": (range(5, 7), 0, 1440, False),
}


@cache
def days_off(country: str, subdiv: str | None, year: int) -> frozenset[object]:
    """A calendar of the package."""
    name = "FR" if country in FRENCH else country
    return frozenset(holidays.country_holidays(name, subdiv=subdiv, years=year))


def is_open(number: int, hours: Hours, at: int, *, in_alsace: bool = False) -> bool:
    """Whether the clock on the wall of whoever has the number shows hours that are open."""
    if hours is None:
        return True
    country, subdiv, zones = PLACES[number]
    days, opens, closes, is_closed_on_holidays = hours
    for zone in zones:
        there = datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
        minutes = (there.hour * 60 + there.minute) + (there.second + there.microsecond / 1e6) / 60
        own = "57" if in_alsace and country == "FR" else subdiv
        if there.weekday() not in days or not opens <= minutes < closes:
            return False
        if is_closed_on_holidays and there.date() in days_off(country, own, there.year):
            return False
    return True


# -- the installation under test

ACCOUNTS = [SHOP, BRANCH, STRANGER]
NOT_NOW = Refused("temporary", Dlr.NETWORK_ERROR, "not now")


@dataclass
class House:
    """An installation whose clock and carrier are the test's; it looks at every claim."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    store: Store
    clock: time_machine.Traveller

    def __post_init__(self) -> None:
        self.ids = Ids()
        self.rules = Rules(self.store, Defaults())
        links = Links(self.store, "sms.example")
        self.submitter = Submitter(self.store, self.ids, Limits(), links, self.rules)
        self.lists = ListSubmitter(self.store, self.ids, Limits(), links, self.rules)
        self.lists._enqueuer.begin = lambda ticket: None  # type: ignore[method-assign]  # the test does it
        self.expirer = Expirer(self.store, self.ids, receipt_wait_s=3600)
        self.unknowns = RESENDING
        self.hours: dict[tuple[int, str], Hours] = {}
        self.in_alsace: set[int] = set()
        self.in_flight: dict[int, Claimed] = {}
        self.left_at: dict[int, int] = {}
        self.tickets: list[tuple[Account, int]] = []
        self.turns = 0.0
        self.take_the_lane()

    def write(self, unit: Callable[[Tx], T]) -> T:
        async def work() -> T:
            return await self.store.write(unit)

        return self.run(work())  # type: ignore[no-any-return]

    def rows(self, sql: str) -> list[Row]:
        return self.store.glance(lambda tx: tx.rows(Statement(sql)))

    def move(self, ms: int) -> None:
        self.clock.shift(ms / 1000)

    # -- what happens

    def submit(self, account: Account, to: list[int], kind: Kind, delay_h: int, is_list: bool) -> None:
        later = datetime.fromtimestamp(now_ms() / 1000, PARIS) + timedelta(hours=delay_h)
        delay = later.strftime(FORMAT) if delay_h else None
        if is_list:
            request = SubmitRequest("x" * 200, [], kind, sender="Shop", delay=delay, lists=[account.id])
            answer = self.run(self.lists.submit(account, request))
        else:
            request = SubmitRequest("Hello", [f"+{number}" for number in to], kind, sender="Shop", delay=delay)
            answer = self.run(self.submitter.submit(account, request))
        self.tickets.append((account, answer.ticket))

    def enqueue(self) -> None:
        for (ticket,) in self.rows("SELECT id FROM campaign WHERE queued_to IS NOT NULL AND state = 0"):
            self.run(self.lists._enqueuer.enqueue(ticket))

    def set_hours(self, account: Account | None, country: str, text: str) -> None:
        if text in ("strict", "seed", "af2m_2024", "af2m_2026"):
            country = "FR"  # profiles are of a country's file
        key = account.id if account else EVERYBODY
        self.hours[key, country] = SET[text]
        self.put(Override(key, country, "marketing_hours", text))

    def set_alsace(self, account: Account) -> None:
        self.in_alsace.add(account.id)
        self.put(Override(account.id, EVERYWHERE, "alsace_moselle", "yes"))

    def put(self, override: Override) -> None:
        def unit(tx: Tx) -> None:
            rules.put(tx, [override])
            rules.changed(tx)

        self.write(unit)
        self.move(501)  # the rules are seen at most half a second late

    def hours_of(self, account: int, country: str) -> Hours:
        """The narrower wins: account, parent, installation; in each the country before all of them."""
        parent = SHOP.id if account == BRANCH.id else account
        for who in (account, parent, EVERYBODY):
            for where in (country, EVERYWHERE):
                if (who, where) in self.hours:
                    return self.hours[who, where]
        return BY_COUNTRY[country]

    def cancel(self, pick: int) -> None:
        if self.tickets:
            account, ticket = self.tickets[pick % len(self.tickets)]
            with suppress(BadData):  # all of it has left
                self.run(self.submitter.cancel(account, ticket))

    def take_the_lane(self) -> None:
        """As a gateway that starts: what was being sent is unknown."""
        self.in_flight.clear()
        epoch = self.write(lambda tx: leases.take(tx, "lane", "test", now_ms(), 10_000))
        self.lane = Lane(CARRIER, epoch, self.unknowns)
        self.recorder = Recorder(self.lane, self.ids)
        self.upkeep = Upkeep(self.store, self.lane, self.recorder)
        self.write(self.recorder.load)
        self.write(self.upkeep.take_over)

    def serve(self, wants: int, how: str) -> None:
        """A turn of the lane whose carrier answers so."""
        self.turns += 10
        self.run(self.upkeep.run(self.turns))
        now = now_ms()
        cleared = self.write(lambda tx: curfew.claim(tx, self.rules, CARRIER, self.lane.epoch, wants, now))
        for message in cleared.messages:
            self.look_at(message, now, cleared.closes_at)
        self.answer(how)

    def look_at(self, message: Claimed, now: int, closes_at: int) -> None:
        """The law: nobody gets marketing at a forbidden hour, nor anything twice."""
        assert message.message_id not in self.in_flight
        assert message.message_id not in self.left_at
        self.in_flight[message.message_id] = message
        if message.priority != MARKETING or message.refs or message.expires_at <= now:
            return
        hours = self.hours_of(message.account_id, message.country)
        in_alsace = message.account_id in self.in_alsace
        if message.account_id == BRANCH.id and SHOP.id in self.in_alsace:
            in_alsace = True
        for at in (now, min(closes_at, now + 10 * MINUTE) - 1):
            assert is_open(message.number, hours, at, in_alsace=in_alsace), (message, at)

    def answer(self, how: str) -> None:
        outcomes = []
        now = now_ms()
        for message in self.in_flight.values():
            refs = message.refs.split(" ") if message.refs else [NO_REF] * message.parts
            if message.expires_at <= now:  # as the lane has it
                end = Refused("permanent", Dlr.EXPIRED, "validity is over")
                outcomes.append(Outcome(message.message_id, refs, end, message.attempts, message.expires_at))
                continue
            result: Any = {"accepted": "accepted", "later": NOT_NOW, "kept": "unsent", "lost": "unknown"}.get(how)
            if how == "begun":
                result = "unsent" if len(refs) > 1 else "accepted"
                refs[0] = f"r{message.message_id}.0"
            if result == "accepted":
                refs = [f"r{message.message_id}.{seq}" for seq in range(len(refs))]
                self.left_at[message.message_id] = now
            outcomes.append(Outcome(message.message_id, refs, result, message.attempts, message.expires_at))
        self.in_flight.clear()
        self.write(lambda tx: self.recorder.record(tx, outcomes, [], now))

    # -- how it ends

    def finish(self) -> None:
        """The carrier takes everything from now on: each message leaves at its opening, or its time is over."""
        self.enqueue()
        horizon = now_ms() + 60 * DAY
        due = "SELECT MIN(CASE WHEN state = 0 THEN 0 ELSE ready_at END) FROM dispatch"
        while (next_at := self.rows(due)[0][0]) is not None:
            assert now_ms() < horizon, self.rows("SELECT * FROM dispatch")
            self.move(max(0, next_at - now_ms()))
            for _ in range(3):
                self.serve(1000, "accepted")
            self.run(self.expirer.once())
            # What is still there waits for a time to come: nothing that could leave is forgotten.
            assert self.rows(f"SELECT * FROM dispatch WHERE state IN (0, 1) OR ready_at <= {now_ms()}") == []
        self.move(30 * DAY)
        self.run(self.expirer.once())
        assert self.rows(f"SELECT id, state FROM message WHERE state NOT IN ({State.FAILED}, {State.CANCELLED})") == []
        assert {row[0] for row in self.rows("SELECT open FROM campaign")} <= {0}
        self.money_is_exact()

    def money_is_exact(self) -> None:
        assert {row[0] for row in self.rows("SELECT reserved_mc FROM wallet")} == {0}
        for campaign, cost in self.rows("SELECT id, cost_mc FROM campaign"):
            sums: dict[str, int] = dict(
                self.rows(f"SELECT kind, SUM(amount_mc) FROM ledger WHERE campaign_id = {campaign} GROUP BY 1")
            )
            assert sums.get("reserve", 0) == cost == sums.get("capture", 0) + sums.get("release", 0)


def house(run: Callable[[Coroutine[Any, Any, Any]], Any], path: Path, clock: time_machine.Traveller) -> House:
    """A house with one carrier, three accounts with credits and a list of everybody each."""
    made = database(path)
    add_carrier(made)
    for account in (SHOP, STRANGER):
        top_up(made, account, 100_000)
    for account in ACCOUNTS:
        made.connection.execute(f"INSERT INTO contact_list VALUES ({account.id}, {account.id}, 'all', 0, 0, 0)")
        for id_, number in enumerate(PLACES):
            if PLACES[number][0] == "NC":
                continue  # written without its +, it is a number of France
            made.connection.execute("INSERT INTO contact VALUES (?, ?, ?, ?)", (account.id, id_, number, str(number)))
    made.close()

    async def open_() -> Store:
        store = Store(path)
        store._writer.connection.pragma("synchronous", "off")  # a crash of the machine is not under test here
        return store

    return House(run, run(open_()), clock)


# -- what is drawn

DATES = [
    *((2026, 3, 28), (2026, 3, 29), (2026, 10, 24), (2026, 10, 25), (2027, 3, 14), (2026, 11, 1)),  # clocks jump
    *((2026, 12, 31), (2027, 12, 24), (2028, 2, 29), (2026, 5, 13), (2027, 7, 13), (2026, 12, 25)),
    *((2026, 4, 2), (2026, 5, 26), (2026, 12, 19), (2026, 9, 23), (2026, 6, 28), (2026, 11, 10)),
]
days = st.sampled_from(DATES) | st.builds(lambda n: (2025, 1, 1 + n), st.integers(0, 30))
clocks = st.tuples(
    days | st.tuples(st.integers(2025, 2034), st.integers(1, 12), st.integers(1, 28)),
    st.sampled_from([0, 1, 6 * 60, 7 * 60 + 59, 18 * 60, 19 * 60 - 1, 20 * 60 - 1]) | st.integers(0, 1439),
    st.sampled_from([0, 58_999, 59_000, 59_999]) | st.integers(0, 59_999),
)
accounts = st.sampled_from(ACCOUNTS)
submits = st.tuples(
    st.just("submit"),
    accounts,
    st.lists(st.sampled_from(list(PLACES)), min_size=1, unique=True),
    st.sampled_from(["marketing", "marketing", "alert"]),
    st.sampled_from([0, 0, 1, 13, 75]),
    st.sampled_from([False, False, True]),
)
events = st.one_of(
    submits,
    submits,
    st.tuples(st.just("move"), st.sampled_from([999, MINUTE, HOUR, 12 * HOUR, 36 * HOUR]) | st.integers(1, DAY)),
    st.tuples(
        st.just("serve"),
        st.sampled_from([1, 3, 1000]),
        st.sampled_from(["accepted", "accepted", "later", "kept", "begun", "lost"]),
    ),
    st.tuples(
        st.just("set_hours"),
        st.none() | accounts,
        st.sampled_from(["", "FR", "NC", "BE", "US"]),
        st.sampled_from(list(SET)),
    ),
    st.tuples(st.just("set_alsace"), accounts),
    st.tuples(st.just("take_the_lane")),
    st.tuples(st.just("enqueue")),
    st.tuples(st.just("cancel"), st.integers(0, 10)),
)
SATURDAY_NIGHT = ((2026, 12, 19), 18 * 60 + 59, 58_500)  # 19:59:58.5 in Paris


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(start=clocks, history=st.lists(events, min_size=1, max_size=12))
@example(
    start=SATURDAY_NIGHT,
    history=[
        ("submit", SHOP, list(PLACES), "marketing", 0, False),
        ("submit", STRANGER, list(PLACES), "marketing", 0, True),
        ("enqueue",),
        ("serve", 1, "kept"),
        ("move", 600),
        ("serve", 1000, "begun"),
        ("move", 1000),
        ("serve", 1000, "lost"),
        ("set_hours", None, "FR", "tue 10:00-17:00"),
        ("move", 36 * HOUR + 6 * HOUR),
        ("take_the_lane",),
        ("serve", 3, "later"),
    ],
)
def test_marketing_never_leaves_at_a_forbidden_hour_and_is_never_lost(start: Any, history: list[Any]) -> None:
    (year, month, day), minutes, ms = start
    at = datetime(year, month, day, tzinfo=UTC) + timedelta(minutes=minutes, milliseconds=ms)
    with (
        tempfile.TemporaryDirectory() as folder,
        time_machine.travel(at, tick=False) as clock,
        asyncio.Runner() as runner,
    ):
        made = house(runner.run, Path(folder) / "chappe.db", clock)
        try:
            for name, *values in history:
                getattr(made, name)(*values)
            made.finish()
        finally:
            runner.run(made.store.close())
