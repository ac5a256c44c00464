"""Invoices: written with the top-up they are for, read by their customer, marked as paid by the operator."""

import asyncio
from typing import NamedTuple

import structlog

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, NotFound
from chappe.domain.invoices import Sale, Terms, amounts, decimal_text
from chappe.manage.invoice_words import LANGUAGES, words_of
from chappe.store import invoices
from chappe.store.clock import now_ms
from chappe.store.invoices import CustomerRow, InvoiceRow, NewInvoice
from chappe.store.sqlite import Store

_log = structlog.get_logger("chappe.invoices")

# More than anybody gets; the contract has no pages here.
MAX_LISTED = 10_000


class InvoiceFile(NamedTuple):
    """An invoice as a document to save and print."""

    name: str
    content: bytes


class Invoices:
    """The invoices of this installation."""

    def __init__(self, store: Store, terms: Terms) -> None:
        self._store = store
        self._terms = terms
        # The library keeps what it knows of fonts in one place: one document at a time.
        self._drawing = asyncio.Lock()

    def draft(self, account: Account, credits_: int, sale: Sale) -> NewInvoice | None:
        """The invoice that a top-up is to have, with issuer and customer as they are today; None when it has none.

        Raises: BadData for a price that cannot be, and when nobody is named who writes invoices.
        """
        terms = self._terms
        found = amounts(credits_, sale, terms)
        if found is None:
            return None
        if not terms.issuer:
            raise BadData("is not set, and an invoice must say who writes it", field="invoice_issuer")
        customer = self._store.glance(lambda tx: invoices.customer(tx, account.id))
        lang = customer.lang.lower() if customer.lang.lower() in LANGUAGES else LANGUAGES[0]
        return NewInvoice(
            account_id=account.id,
            prefix=terms.prefix,
            description=words_of(lang).credits,
            quantity=credits_,
            unit_price=decimal_text(found.unit_price, least=2),
            net_cents=found.net_cents,
            vat_percent=decimal_text(terms.vat_percent),
            vat_cents=found.vat_cents,
            total_cents=found.total_cents,
            currency=terms.currency,
            payment_type=sale.payment_type,
            is_paid=sale.is_paid,
            issuer=terms.issuer,
            customer=_address(customer),
            lang=lang,
        )

    async def of_account(self, account: Account) -> list[InvoiceRow]:
        """The account's invoices, the newest first."""
        return await self._store.read(lambda tx: invoices.of_account(tx, account.id, MAX_LISTED))

    def get(self, account: Account, invoice_id: int) -> InvoiceRow:
        """One of the account's invoices. Raises: NotFound."""
        found = self._store.glance(lambda tx: invoices.one(tx, account.id, invoice_id))
        if found is None:
            raise NotFound(f"there is no invoice {invoice_id}", field="id")
        return found

    async def latest(self, most: int) -> list[InvoiceRow]:
        """Everybody's invoices for the operator, the newest first."""
        return await self._store.read(lambda tx: invoices.latest(tx, most))

    def find(self, name: str) -> InvoiceRow:
        """An invoice by its number, for the operator. Raises: NotFound."""
        found = self._store.glance(lambda tx: invoices.by_name(tx, name))
        if found is None:
            raise NotFound(f"there is no invoice {name}", field="name")
        return found

    async def mark_paid(self, name: str) -> InvoiceRow:
        """Note that an invoice was paid now; one that was paid already keeps its date. Raises: NotFound."""
        self.find(name)
        if await self._store.write(lambda tx: invoices.pay(tx, name, now_ms())):
            _log.info("invoice paid", invoice=name)
        return self.find(name)

    async def file(self, invoice: InvoiceRow) -> InvoiceFile:
        """The document of an invoice, always the same for the same invoice. Cost: some 20 ms in a thread."""
        async with self._drawing:
            content = await asyncio.to_thread(_drawn, invoice)
        return InvoiceFile(f"invoice-{invoice.name}.pdf", content)


def _drawn(invoice: InvoiceRow) -> bytes:
    # Loaded in this thread, with the first invoice that is asked for: it takes a sixth of a second.
    from chappe.manage.invoice_pdf import render

    return render(invoice)


def _address(customer: CustomerRow) -> str:
    """A customer as an address, a line each; the e-mail address at least."""
    person = " ".join(filter(None, (customer.firstname, customer.lastname)))
    place = " ".join(filter(None, (customer.zip, customer.city)))
    lines = [customer.company, person, customer.address1, customer.address2, place]
    if any(lines):
        lines.append(customer.country)
    lines.append(customer.email)
    return "\n".join(line.strip() for line in lines if line and line.strip())
