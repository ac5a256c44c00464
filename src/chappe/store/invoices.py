"""Invoices as rows: written once with their number, and marked when they are paid."""

from datetime import datetime
from typing import NamedTuple

from chappe.domain.delay import PARIS
from chappe.domain.invoices import invoice_name
from chappe.store.sqlite import Tx
from chappe.store.statement import Statement

_COLUMNS = (
    "id, account_id, name, created_at, description, quantity, unit_price, net_cents, vat_percent, vat_cents,"
    " total_cents, currency, payment_type, status, paid_at, issuer, customer, lang"
)
# The counter is taken back with the unit that took it, and one unit writes at a time: no number is left out.
_COUNT = Statement(
    "INSERT INTO id_block (kind, next) VALUES (:series, 2)"
    " ON CONFLICT (kind) DO UPDATE SET next = next + 1 RETURNING next - 1"
)
_INSERT = Statement(
    "INSERT INTO invoice (account_id, name, created_at, description, quantity, unit_price, net_cents, vat_percent,"
    " vat_cents, total_cents, currency, payment_type, status, paid_at, issuer, customer, lang)"
    " VALUES (:account, :name, :at, :description, :quantity, :unit_price, :net, :vat_percent, :vat, :total, :currency,"
    " :payment_type, :status, :paid_at, :issuer, :customer, :lang)"
)
_OF_ACCOUNT = Statement(f"SELECT {_COLUMNS} FROM invoice WHERE account_id = :account ORDER BY id DESC LIMIT :most")
_ONE = Statement(f"SELECT {_COLUMNS} FROM invoice WHERE account_id = :account AND id = :id")
_BY_NAME = Statement(f"SELECT {_COLUMNS} FROM invoice WHERE name = :name")
_LATEST = Statement(f"SELECT {_COLUMNS} FROM invoice ORDER BY id DESC LIMIT :most")
_PAY = Statement("UPDATE invoice SET status = 'paid', paid_at = :at WHERE name = :name AND status = 'due'")
_CUSTOMER = Statement(
    "SELECT company, firstname, lastname, address1, address2, zip, city, country, email, lang FROM account"
    " WHERE id = :account"
)


class NewInvoice(NamedTuple):
    """Everything about an invoice but its number and date. Units: cents."""

    account_id: int
    prefix: str
    description: str
    quantity: int
    unit_price: str
    net_cents: int
    vat_percent: str
    vat_cents: int
    total_cents: int
    currency: str
    payment_type: str
    is_paid: bool
    issuer: str
    customer: str
    lang: str


class InvoiceRow(NamedTuple):
    """An invoice. Shape: `name` is its number. Units: cents, milliseconds UTC."""

    id: int
    account_id: int
    name: str
    created_at: int
    description: str
    quantity: int
    unit_price: str
    net_cents: int
    vat_percent: str
    vat_cents: int
    total_cents: int
    currency: str
    payment_type: str
    status: str
    paid_at: int | None
    issuer: str
    customer: str
    lang: str


class CustomerRow(NamedTuple):
    """Whom an invoice is for, as the account says it."""

    company: str | None
    firstname: str | None
    lastname: str | None
    address1: str | None
    address2: str | None
    zip: str | None
    city: str | None
    country: str
    email: str
    lang: str


def write(tx: Tx, new: NewInvoice, at: int) -> str:
    """Give an invoice the next number of its year, by the calendar of Paris, and write it; its number."""
    year = datetime.fromtimestamp(at / 1000, PARIS).year
    name = invoice_name(new.prefix, year, int(tx.one(_COUNT, series=f"invoice {year}")[0]))
    tx.run(
        _INSERT,
        account=new.account_id,
        name=name,
        at=at,
        description=new.description,
        quantity=new.quantity,
        unit_price=new.unit_price,
        net=new.net_cents,
        vat_percent=new.vat_percent,
        vat=new.vat_cents,
        total=new.total_cents,
        currency=new.currency,
        payment_type=new.payment_type,
        status="paid" if new.is_paid else "due",
        paid_at=at if new.is_paid else None,
        issuer=new.issuer,
        customer=new.customer,
        lang=new.lang,
    )
    return name


def of_account(tx: Tx, account: int, most: int) -> list[InvoiceRow]:
    """An account's invoices, the newest first."""
    return [InvoiceRow._make(row) for row in tx.rows(_OF_ACCOUNT, account=account, most=most)]


def one(tx: Tx, account: int, invoice: int) -> InvoiceRow | None:
    row = tx.row(_ONE, account=account, id=invoice)
    return InvoiceRow._make(row) if row else None


def by_name(tx: Tx, name: str) -> InvoiceRow | None:
    """An invoice by its number, whoever's it is."""
    row = tx.row(_BY_NAME, name=name)
    return InvoiceRow._make(row) if row else None


def latest(tx: Tx, most: int) -> list[InvoiceRow]:
    """Everybody's invoices, the newest first."""
    return [InvoiceRow._make(row) for row in tx.rows(_LATEST, most=most)]


def pay(tx: Tx, name: str, at: int) -> bool:
    """Whether the invoice was due until now."""
    return tx.run(_PAY, name=name, at=at) > 0


def customer(tx: Tx, account: int) -> CustomerRow:
    return CustomerRow._make(tx.one(_CUSTOMER, account=account))
