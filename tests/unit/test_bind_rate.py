"""What the rate of a customer who binds lets through, second by second."""

import asyncio
from typing import ClassVar, cast

from chappe.domain.accounts import Account
from chappe.domain.bind_users import BindOptions, BindUser
from chappe.surfaces.smpp_server.customer import Asked, Customer, Receiver, UseCases
from chappe.telecom.smpp.bodies import Query
from chappe.telecom.smpp.commands import QUERY_SM


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def made(rate: int) -> tuple[Customer, Clock]:
    clock = Clock()
    user = BindUser(1, "shop", cast(Account, None), BindOptions(rate=rate), "", 0, None, 0)
    return Customer(user, cast(UseCases, None), clock), clock


def test_submits_are_let_through_one_by_one_up_to_the_rate() -> None:
    customer, clock = made(10)
    assert [customer.allowed(8), customer.allowed(8), customer.allowed(8)] == [8, 2, 0]
    clock.now += 0.5
    assert customer.allowed(8) == 5


def test_a_list_is_let_through_whole_or_not_at_all_and_counts_each_destination() -> None:
    customer, clock = made(10)
    assert [customer.allows_all(8), customer.allows_all(8)] == [True, False]
    assert customer.allowed(8) == 2
    clock.now += 0.5
    assert [customer.allows_all(6), customer.allows_all(5)] == [False, True]


def test_a_list_longer_than_the_rate_is_let_through_once_and_paid_off() -> None:
    customer, clock = made(10)
    assert [customer.allows_all(254), customer.allows_all(1), customer.allowed(1)] == [True, False, 0]
    clock.now += 24.4
    assert [customer.allows_all(1), customer.allowed(5)] == [False, 0]
    clock.now += 0.5
    assert [customer.allows_all(254), customer.allowed(20)] == [False, 5]
    clock.now += 60
    assert customer.allows_all(254)


def test_questions_have_a_rate_of_their_own() -> None:
    class Link:
        statuses: ClassVar[list[int]] = []

        def respond(self, sequence: int, command: int, status: int, body: object) -> None:
            self.statuses.append(status)

    customer, _ = made(3)
    customer._working = cast("asyncio.Task[None]", object())
    link = cast(Receiver, Link())
    customer.ask([Asked(link, i, QUERY_SM, Query("1", 1, 1, "SHOP")) for i in range(5)])
    assert Link.statuses == [0x58, 0x58]
    assert customer.allowed(5) == 3


def test_without_a_rate_everything_is_let_through() -> None:
    customer, _ = made(0)
    assert customer.allows_all(254)
    assert customer.allowed(10_000) == 10_000
