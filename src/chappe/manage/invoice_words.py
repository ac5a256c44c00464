"""The words of an invoice in the languages it is written in."""

from dataclasses import dataclass
from typing import Final

from chappe.domain.invoices import PaymentType

LANGUAGES: Final = ("en", "fr", "it")


@dataclass(frozen=True, slots=True)
class Words:
    """What an invoice says beside names and numbers.

    Shape: `date_format` is strftime's; `point` stands before the decimals, `thousands` between the thousands.
    """

    invoice: str
    number: str
    date: str
    customer: str
    credits: str
    description: str
    quantity: str
    unit_price: str
    amount: str
    net: str
    vat: str
    total: str
    paid: str
    due: str
    date_format: str
    point: str
    thousands: str
    payments: dict[PaymentType, str]


_WORDS: Final = {
    "en": Words(
        invoice="Invoice",
        number="Number",
        date="Date",
        customer="Billed to",
        credits="SMS credits",
        description="Description",
        quantity="Quantity",
        unit_price="Unit price",
        amount="Amount",
        net="Total without VAT",
        vat="VAT",
        total="Total",
        paid="Paid on {date} by {payment}.",
        due="To be paid by {payment}.",
        date_format="%d %B %Y",
        point=".",
        thousands=",",
        payments={
            "transfer": "bank transfer",
            "card": "card",
            "cheque": "cheque",
            "cash": "cash",
            "direct_debit": "direct debit",
            "other": "other means",
        },
    ),
    "fr": Words(
        invoice="Facture",
        number="Numéro",
        date="Date",
        customer="Facturé à",
        credits="Crédits SMS",
        description="Désignation",
        quantity="Quantité",
        unit_price="Prix unitaire",
        amount="Montant",
        net="Total HT",
        vat="TVA",
        total="Total TTC",
        paid="Payée le {date} par {payment}.",
        due="À régler par {payment}.",
        date_format="%d/%m/%Y",
        point=",",
        thousands="\u00a0",
        payments={
            "transfer": "virement",
            "card": "carte bancaire",
            "cheque": "chèque",
            "cash": "espèces",
            "direct_debit": "prélèvement",
            "other": "autre moyen",
        },
    ),
    "it": Words(
        invoice="Fattura",
        number="Numero",
        date="Data",
        customer="Intestata a",
        credits="Crediti SMS",
        description="Descrizione",
        quantity="Quantità",
        unit_price="Prezzo unitario",
        amount="Importo",
        net="Imponibile",
        vat="IVA",
        total="Totale",
        paid="Pagata il {date} con {payment}.",
        due="Da pagare con {payment}.",
        date_format="%d/%m/%Y",
        point=",",
        thousands=".",
        payments={
            "transfer": "bonifico",
            "card": "carta",
            "cheque": "assegno",
            "cash": "contanti",
            "direct_debit": "addebito diretto",
            "other": "altro mezzo",
        },
    ),
}


def words_of(lang: str) -> Words:
    """The words of a language, the English ones for a language that we do not write."""
    return _WORDS.get(lang, _WORDS["en"])


def written_money(decimal: str, words: Words) -> str:
    """A decimal as it is written in a language: 1234.50 as 1,234.50 or 1 234,50."""
    whole, _, fraction = decimal.partition(".")
    grouped = f"{int(whole):,}".replace(",", words.thousands)
    return f"{grouped}{words.point}{fraction}" if fraction else grouped
