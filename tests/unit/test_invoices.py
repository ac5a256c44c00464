"""What a top-up costs in money, and the page that says so."""

from decimal import Decimal
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from chappe.domain.errors import BadData
from chappe.domain.invoices import (
    Sale,
    Terms,
    amounts,
    cents,
    decimal_text,
    invoice_name,
    money_text,
    read_money,
)
from chappe.manage.invoice_pdf import render, shown
from chappe.manage.invoice_words import words_of, written_money
from chappe.store.invoices import InvoiceRow

TERMS = Terms(credit_price=Decimal("0.045"))
AT = 1_937_000_000_000  # 2031-05-20 in Paris


def money(credits_: int, sale: Sale | None = None, terms: Terms = TERMS) -> tuple[str, str, str, str] | None:
    """Unit price, net, tax and total as they are printed."""
    found = amounts(credits_, sale or Sale(), terms)
    if found is None:
        return None
    unit_price = decimal_text(found.unit_price, least=2)
    return unit_price, money_text(found.net_cents), money_text(found.vat_cents), money_text(found.total_cents)


@pytest.mark.parametrize(
    ("credits_", "sale", "expected"),
    [
        (1000, Sale(), ("0.045", "45.00", "9.00", "54.00")),
        (333, Sale(), ("0.045", "14.99", "3.00", "17.99")),  # 14.985, halves up
        (1, Sale(), ("0.045", "0.05", "0.01", "0.06")),
        (1000, Sale(price=Decimal(50)), ("0.05", "50.00", "10.00", "60.00")),
        (3, Sale(price=Decimal(1)), ("0.333333", "1.00", "0.20", "1.20")),
        (100, Sale(unit_price=Decimal("0.1")), ("0.10", "10.00", "2.00", "12.00")),
        (100, Sale(unit_price=Decimal(0)), ("0.00", "0.00", "0.00", "0.00")),
    ],
)
def test_a_top_up_costs_its_credits_and_the_tax(credits_: int, sale: Sale, expected: tuple[str, ...]) -> None:
    assert money(credits_, sale) == expected


def test_no_invoice_is_written_without_a_price_or_when_none_is_wanted() -> None:
    assert money(1000, terms=Terms()) is None
    assert money(1000, Sale(has_invoice=False)) is None
    assert money(-5) is None


@pytest.mark.parametrize(
    ("credits_", "sale"),
    [
        (10, Sale(price=Decimal(1), unit_price=Decimal(1))),
        (-10, Sale(price=Decimal(1))),
        (10, Sale(price=Decimal(1), has_invoice=False)),
        (10**9, Sale(unit_price=Decimal(10**6))),
    ],
)
def test_a_price_that_cannot_be_is_refused(credits_: int, sale: Sale) -> None:
    with pytest.raises(BadData):
        amounts(credits_, sale, TERMS)


@given(
    credits_=st.integers(1, 10**9),
    price=st.decimals(0, 10**6, places=2),
    vat=st.decimals(0, 100, places=2),
)
def test_the_total_is_the_sum_of_its_parts_and_the_tax_is_right_to_half_a_cent(
    credits_: int, price: Decimal, vat: Decimal
) -> None:
    found = amounts(credits_, Sale(price=price), Terms(vat_percent=vat))
    assert found is not None
    assert found.net_cents == price * 100
    assert abs(found.vat_cents - price * vat) <= Decimal("0.5")
    assert found.total_cents == found.net_cents + found.vat_cents
    assert Decimal(money_text(found.total_cents)) * 100 == found.total_cents


def test_halves_of_a_cent_go_up() -> None:
    assert [cents(Decimal(text)) for text in ("0.005", "0.015", "0.0149999", "1.005")] == [1, 2, 1, 101]


@pytest.mark.parametrize("text", ["", "-1", "1,5", "1e3", "NaN", "0.0000001", "1000000001", "٣", "1.2.3"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_money(text)


def test_numbers_are_printed_with_their_year() -> None:
    assert (invoice_name("", 2031, 7), invoice_name("F-", 2031, 12345)) == ("2031-0007", "F-2031-12345")


def test_money_is_written_as_each_language_does() -> None:
    written = [written_money("1234567.50", words_of(lang)) for lang in ("en", "fr", "it", "xx")]
    assert written == ["1,234,567.50", "1\u00a0234\u00a0567,50", "1.234.567,50", "1,234,567.50"]


def row(lang: str = "fr", customer: str = "Boulangerie de l'Étoile\nAna Łęcka", paid_at: int | None = AT) -> InvoiceRow:
    return InvoiceRow(
        1, 1, "2031-0007", AT, words_of(lang).credits, 12500, "0.045", 56250, "20", 11250, 67500, "EUR", "transfer",
        "paid", paid_at, "Chappe Services SARL\n75011 Paris\nTVA FR12 123456789", customer, lang,
    )  # fmt: skip


def text_of(pdf: bytes) -> str:
    (page,) = PdfReader(BytesIO(pdf)).pages
    return page.extract_text().replace("\u00a0", " ")


def test_the_page_says_who_whom_what_and_how_much() -> None:
    text = text_of(render(row()))
    for words in (
        "Facture", "2031-0007", "20/05/2031", "Chappe Services SARL", "TVA FR12 123456789", "Boulangerie de l'Étoile",
        "Crédits SMS", "12 500", "0,045 EUR", "562,50 EUR", "TVA 20 %", "112,50 EUR", "675,00 EUR",
        "Payée le 20/05/2031 par virement.",
    ):  # fmt: skip
        assert words in text


def test_the_page_is_written_in_the_language_of_the_customer() -> None:
    assert "To be paid by bank transfer." in text_of(render(row("en", paid_at=None)))
    assert "Pagata il 20/05/2031 con bonifico." in text_of(render(row("it")))


def test_the_same_invoice_is_the_same_file() -> None:
    assert render(row()) == render(row())


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("Ana Łęcka", "Ana Łecka"),
        ("Τηλέγραφος", "??????????"),
        ("東京", "??"),
        ("a\u200bb\x00c\td", "abc d"),
        ("½ ﬁn 😀", "1?2 fin ?"),
        ("\ud800", "?"),
    ],
)
def test_letters_that_the_font_lacks_are_seen_to_be_missing(written: str, printed: str) -> None:
    render(row())  # loads the fonts
    assert shown(written) == printed


@settings(deadline=None, max_examples=30)
@given(st.text(max_size=300))
def test_no_name_of_a_customer_breaks_the_page(name: str) -> None:
    assert render(row(customer=f"{name}\n{name[::-1] * 3}")).startswith(b"%PDF-")
