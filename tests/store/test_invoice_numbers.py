"""Invoices are written with their top-up or not at all, under numbers without gaps."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine

from chappe.domain.errors import BadData, NotFound
from chappe.domain.invoices import Sale, Terms
from chappe.manage.credits import MAX_CREDITS, Credits
from chappe.manage.invoices import Invoices
from chappe.store.sqlite import Store
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.store.build import SHOP, STRANGER, database

TERMS = Terms(credit_price=Decimal("0.045"), issuer="Chappe Services\nParis")
_PROFILE = Statement(
    "UPDATE account SET company = 'Étoile', firstname = 'Ana', zip = '69001', city = 'Lyon', lang = 'FR' WHERE id = 1"
)
_NAMES = Statement("SELECT name FROM invoice ORDER BY id")
_NOTES = Statement("SELECT note FROM ledger WHERE note IS NOT NULL ORDER BY id")


class Office:
    """An installation that writes invoices; several of its processes may do so at once."""

    def __init__(self, folder: Path, terms: Terms = TERMS) -> None:
        path = folder / "chappe.db"
        if not path.exists():
            database(path).close()
        self.store = Store(path)
        self.invoices = Invoices(self.store, terms)
        self.credits = Credits(self.store)

    async def sell(self, credits_: int = 100, sale: Sale | None = None, note: str | None = None) -> str | None:
        draft = self.invoices.draft(SHOP, credits_, sale or Sale())
        return (await self.credits.add(SHOP, credits_, note, draft)).invoice

    def column(self, statement: Statement) -> list[object]:
        return [row[0] for row in self.store.glance(lambda tx: tx.rows(statement))]


@on_loop
async def test_numbers_have_no_gaps_whoever_writes_at_once_and_whatever_fails(tmp_path: Path) -> None:
    offices = [Office(tmp_path), Office(tmp_path)]

    async def fail(office: Office) -> None:
        draft = office.invoices.draft(SHOP, 100, Sale())
        with pytest.raises(BadData):  # refused after the number was taken: the wallet has not that many
            await office.credits.add(SHOP, -MAX_CREDITS, None, draft)

    with time_machine.travel("2031-12-31T22:59:59Z", tick=False):  # the last second of the year in Paris
        await asyncio.gather(*(work for office in offices for _ in range(10) for work in (office.sell(), fail(office))))
    with time_machine.travel("2031-12-31T23:00:00Z", tick=False):
        await asyncio.gather(*(office.sell() for office in offices))
    expected = [f"2031-{count:04}" for count in range(1, 21)] + ["2032-0001", "2032-0002"]
    assert offices[0].column(_NAMES) == expected


@on_loop
async def test_an_invoice_keeps_issuer_and_customer_as_they_were(tmp_path: Path) -> None:
    office = Office(tmp_path)
    await office.sell()
    await office.store.write(lambda tx: tx.run(_PROFILE))
    later = Office(tmp_path, Terms(credit_price=Decimal(1), issuer="Chappe Group", prefix="C-"))
    assert await later.sell(note="by phone") == f"C-{(await later.invoices.latest(1))[0].name[2:]}"
    new, old = await office.invoices.of_account(SHOP)
    assert (old.issuer, old.customer, old.lang) == (TERMS.issuer, "shop@example.org", "en")
    assert (new.issuer, new.customer) == ("Chappe Group", "Étoile\nAna\n69001 Lyon\nFR\nshop@example.org")
    assert (new.lang, new.description, new.name[-4:]) == ("fr", "Crédits SMS", "0002")
    assert later.column(_NOTES) == [f"invoice {old.name}", f"by phone; invoice {new.name}"]


@on_loop
async def test_a_due_invoice_is_paid_once(tmp_path: Path) -> None:
    office = Office(tmp_path)
    name = await office.sell(sale=Sale(is_paid=False))
    assert name is not None
    assert (office.invoices.find(name).status, office.invoices.find(name).paid_at) == ("due", None)
    paid = await office.invoices.mark_paid(name)
    assert (paid.status, paid.paid_at is not None) == ("paid", True)
    assert await office.invoices.mark_paid(name) == paid
    with pytest.raises(NotFound):
        await office.invoices.mark_paid("2031-9999")


@on_loop
async def test_an_account_sees_its_own_invoices_only(tmp_path: Path) -> None:
    office = Office(tmp_path)
    await office.sell()
    (own,) = await office.invoices.of_account(SHOP)
    assert await office.invoices.of_account(STRANGER) == []
    with pytest.raises(NotFound):
        office.invoices.get(STRANGER, own.id)


@on_loop
async def test_nobody_writes_an_invoice_without_an_issuer(tmp_path: Path) -> None:
    office = Office(tmp_path, Terms())
    with pytest.raises(BadData, match="invoice_issuer"):
        await office.sell(sale=Sale(price=Decimal(5)))
    assert await office.sell() is None
