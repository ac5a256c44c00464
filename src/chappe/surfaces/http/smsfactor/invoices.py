"""GET /account/invoice, /account/invoice/:id and /account/invoice/:id/download."""

import msgspec

from chappe.domain.invoices import money_text
from chappe.store.invoices import InvoiceRow
from chappe.surfaces.http.smsfactor.answers import Answer, File
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.fields import date_text


class LineFields(msgspec.Struct, frozen=True):
    """One line of an invoice; every value is a text."""

    description: str
    unit_price: str
    quantities: str
    price: str


class InvoiceFields(msgspec.Struct, frozen=True):
    """An invoice; every value is a text, `validation` is empty until it is paid. Source: the contract's invoices."""

    id: str
    name: str
    creation: str
    validation: str
    price: str
    vat: str
    total: str
    currency: str
    status: str
    lists: list[LineFields]
    payment_type: str


class Found(Answer, frozen=True):
    """Invoices, the newest first."""

    invoices: list[InvoiceFields]


async def all_of_account(call: Call) -> Found:
    """List the invoices."""
    return Found(invoices=[_fields(row) for row in await call.use_cases.invoices.of_account(call.account)])


async def one(call: Call) -> Found:
    """Read one invoice."""
    return Found(invoices=[_fields(call.use_cases.invoices.get(call.account, call.id_of("invoice")))])


async def download(call: Call) -> File:
    """Download an invoice as a PDF."""
    invoices = call.use_cases.invoices
    found = await invoices.file(invoices.get(call.account, call.id_of("invoice")))
    return File(found.content, "application/pdf", found.name)


def _fields(row: InvoiceRow) -> InvoiceFields:
    line = LineFields(
        description=row.description,
        unit_price=row.unit_price,
        quantities=str(row.quantity),
        price=money_text(row.net_cents),
    )
    return InvoiceFields(
        id=str(row.id),
        name=row.name,
        creation=date_text(row.created_at),
        validation="" if row.paid_at is None else date_text(row.paid_at),
        price=money_text(row.net_cents),
        vat=money_text(row.vat_cents),
        total=money_text(row.total_cents),
        currency=row.currency,
        status=row.status,
        lists=[line],
        payment_type=row.payment_type,
    )
