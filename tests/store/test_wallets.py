"""Wallets and their ledger: never below the limit, every movement written down."""

import pytest

from chappe.store import wallets
from chappe.store.sqlite import Database
from chappe.store.statement import Statement
from chappe.store.wallets import Settlement, Wallet
from tests.store.build import BRANCH, CREDITS, NOW, SHOP, STRANGER, database, top_up

MC = 1000
_LIMIT = Statement("UPDATE wallet SET postpaid_limit_mc = :limit WHERE id = :wallet")
_LEDGER = Statement(
    "SELECT wallet_id, account_id, kind, amount_mc, campaign_id, at, note FROM ledger WHERE id > :after ORDER BY id"
)


@pytest.fixture
def db() -> Database:
    return database()


def wallet(db: Database, wallet_id: int = 1) -> Wallet:
    return db.read(lambda tx: wallets.read(tx, wallet_id))


def entries(db: Database) -> list[tuple[object, ...]]:
    """What was written down since the first credits."""
    return [tuple(row) for row in db.read(lambda tx: tx.rows(_LEDGER, after=2))]


def reserve(db: Database, credits_: int, campaign: int = 7) -> int | None:
    return db.write(lambda tx: wallets.reserve(tx, 1, SHOP.id, campaign, credits_ * MC, NOW))


def test_a_reservation_takes_from_what_may_be_spent_and_is_written_down(db: Database) -> None:
    assert reserve(db, 30) == (CREDITS - 30) * MC
    assert wallet(db) == Wallet((CREDITS - 30) * MC, 30 * MC, 0)
    assert entries(db) == [(1, 1, "reserve", 30 * MC, 7, NOW, None)]


def test_everything_there_is_may_be_reserved_and_not_a_thousandth_more(db: Database) -> None:
    over = db.write(lambda tx: wallets.reserve(tx, 1, 1, 7, CREDITS * MC + 1, NOW))
    assert (over, wallet(db), entries(db)) == (None, Wallet(CREDITS * MC, 0, 0), [])
    assert reserve(db, CREDITS) == 0
    assert reserve(db, 1) is None
    assert wallet(db) == Wallet(0, CREDITS * MC, 0)


def test_a_postpaid_wallet_may_go_down_to_its_limit(db: Database) -> None:
    db.write(lambda tx: tx.run(_LIMIT, limit=50 * MC, wallet=1))
    assert reserve(db, CREDITS + 50) == -50 * MC
    assert reserve(db, 1) is None


def test_nothing_to_pay_is_covered_by_an_empty_wallet_and_leaves_no_entry(db: Database) -> None:
    reserve(db, CREDITS)
    before = entries(db)
    assert reserve(db, 0) == 0
    assert entries(db) == before


def test_a_wallet_that_does_not_exist_covers_nothing(db: Database) -> None:
    assert db.write(lambda tx: wallets.reserve(tx, 99, 99, 7, MC, NOW)) is None
    assert wallet(db, 99) == Wallet(0, 0, 0)
    assert db.write(lambda tx: wallets.add(tx, 99, 99, "topup", MC, NOW, None)) is None
    assert entries(db) == []


def test_captures_and_releases_of_a_batch_move_each_wallet_once_and_each_campaign_is_told(db: Database) -> None:
    reserve(db, 10, campaign=7)
    reserve(db, 5, campaign=8)
    db.write(lambda tx: wallets.reserve(tx, 3, STRANGER.id, 9, 2 * MC, NOW))
    settlements = [
        Settlement(1, SHOP.id, 7, 6 * MC, 1 * MC),
        Settlement(1, BRANCH.id, 8, 0, 5 * MC),
        Settlement(3, STRANGER.id, 9, 2 * MC, 0),
    ]
    db.write(lambda tx: wallets.settle(tx, settlements, NOW + 1))
    assert wallet(db) == Wallet((CREDITS - 9) * MC, 3 * MC, 0)
    assert wallet(db, 3) == Wallet((CREDITS - 2) * MC, 0, 0)
    assert entries(db)[3:] == [
        (1, 1, "capture", 6 * MC, 7, NOW + 1, None),
        (1, 1, "release", 1 * MC, 7, NOW + 1, None),
        (1, 2, "release", 5 * MC, 8, NOW + 1, None),
        (3, 3, "capture", 2 * MC, 9, NOW + 1, None),
    ]


def test_settling_nothing_writes_nothing(db: Database) -> None:
    db.write(lambda tx: wallets.settle(tx, [], NOW))
    db.write(lambda tx: wallets.settle(tx, [Settlement(1, 1, 7, 0, 0)], NOW))
    assert (wallet(db), entries(db)) == (Wallet(CREDITS * MC, 0, 0), [])


def test_credits_come_in_and_may_be_taken_back_as_long_as_they_are_there(db: Database) -> None:
    assert top_up(db, SHOP, 5) == (CREDITS + 5) * MC
    assert top_up(db, SHOP, -5) == CREDITS * MC
    reserve(db, 400)
    assert top_up(db, SHOP, -601) is None
    assert top_up(db, SHOP, -600) == 0
    assert [entry[2:4] for entry in entries(db)] == [
        ("topup", 5 * MC), ("adjust", -5 * MC), ("reserve", 400 * MC), ("adjust", -600 * MC),
    ]  # fmt: skip


def test_a_note_stays_with_its_entry(db: Database) -> None:
    db.write(lambda tx: wallets.add(tx, 1, 1, "topup", MC, NOW, "invoice 17"))
    assert entries(db) == [(1, 1, "topup", MC, None, NOW, "invoice 17")]


def test_a_sub_account_that_shares_its_parents_credits_draws_on_them_in_its_own_name(db: Database) -> None:
    db.write(lambda tx: wallets.reserve(tx, BRANCH.wallet_id, BRANCH.id, 7, MC, NOW))
    assert wallet(db) == Wallet((CREDITS - 1) * MC, MC, 0)
    assert entries(db) == [(1, 2, "reserve", MC, 7, NOW, None)]


def test_a_transfer_takes_from_one_and_gives_to_the_other_in_two_entries(db: Database) -> None:
    assert db.write(lambda tx: wallets.transfer(tx, SHOP, STRANGER, 30 * MC, NOW)) == (970 * MC, 1030 * MC)
    assert entries(db) == [
        (1, 1, "transfer", -30 * MC, None, NOW, "to account 3"),
        (3, 3, "transfer", 30 * MC, None, NOW, "from account 1"),
    ]


def test_a_transfer_that_is_not_covered_leaves_everything_as_it_was(db: Database) -> None:
    assert db.write(lambda tx: wallets.transfer(tx, SHOP, STRANGER, CREDITS * MC + 1, NOW)) is None
    assert (wallet(db, 1), wallet(db, 3), entries(db)) == (Wallet(CREDITS * MC, 0, 0), Wallet(CREDITS * MC, 0, 0), [])


def test_a_limit_is_not_set_above_what_is_owed(db: Database) -> None:
    assert db.write(lambda tx: wallets.set_limit(tx, 1, 50 * MC))
    assert db.write(lambda tx: wallets.transfer(tx, SHOP, STRANGER, (CREDITS + 50) * MC, NOW)) is not None
    assert not db.write(lambda tx: wallets.set_limit(tx, 1, 49 * MC))
    assert wallet(db).postpaid_limit_mc == 50 * MC
