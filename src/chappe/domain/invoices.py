"""What a top-up costs in money, and how an invoice says it.

Units: money is decimal where a price may be a fraction of a cent, and whole cents where it was rounded. Every rounding
is to the nearest cent, halves up.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal, get_args

from chappe.domain.errors import BadData

PaymentType = Literal["transfer", "card", "cheque", "cash", "direct_debit", "other"]
PAYMENT_TYPES: Final[tuple[PaymentType, ...]] = get_args(PaymentType)
Status = Literal["paid", "due"]

MAX_DECIMALS: Final = 6
MAX_MONEY: Final = Decimal(1_000_000_000)
_CENT: Final = Decimal("0.01")
_SMALLEST: Final = Decimal(1).scaleb(-MAX_DECIMALS)


@dataclass(frozen=True, slots=True)
class Terms:
    """How this installation sells credits.

    Shape: without a `credit_price` a top-up has an invoice only when it is given a price; `issuer` is who writes
           the invoices: name, address, registration and VAT number, a line each.
    """

    credit_price: Decimal | None = None
    currency: str = "EUR"
    vat_percent: Decimal = Decimal(20)
    issuer: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Sale:
    """What an operator says about a top-up. Shape: `price` is the net price of all the credits, `unit_price` of one."""

    price: Decimal | None = None
    unit_price: Decimal | None = None
    payment_type: PaymentType = "transfer"
    is_paid: bool = True
    has_invoice: bool = True


@dataclass(frozen=True, slots=True)
class Amounts:
    """The money of an invoice. Units: cents; `unit_price` is the net price of one credit."""

    unit_price: Decimal
    net_cents: int
    vat_cents: int

    @property
    def total_cents(self) -> int:
        return self.net_cents + self.vat_cents


def amounts(credits_: int, sale: Sale, terms: Terms) -> Amounts | None:
    """The money of a top-up, None when it is given without an invoice.

    Raises: BadData when there are two prices, a price that cannot be, or one for credits that are taken back.
    """
    if not sale.has_invoice:
        if sale.price is not None or sale.unit_price is not None:
            raise BadData("is for a top-up with an invoice", field="price")
        return None
    if sale.price is not None and sale.unit_price is not None:
        raise BadData("give the price of all credits or of one, not both", field="price")
    if credits_ <= 0:
        if sale.price is not None or sale.unit_price is not None:
            raise BadData("no invoice is written for credits that are taken back", field="price")
        return None
    unit_price = sale.unit_price if sale.unit_price is not None else terms.credit_price
    if sale.price is not None:
        net = _checked(sale.price)
        unit_price = (net / credits_).quantize(_SMALLEST, ROUND_HALF_UP)
    elif unit_price is not None:
        net = _checked(_checked(unit_price) * credits_)
    else:
        return None
    net_cents = cents(net)
    return Amounts(unit_price, net_cents, cents(Decimal(net_cents) / 100 * terms.vat_percent / 100))


def cents(money: Decimal) -> int:
    """Money in whole cents, the nearest, halves up."""
    return int(money.quantize(_CENT, ROUND_HALF_UP) * 100)


def money_text(amount_cents: int) -> str:
    """Cents as the contract writes money: 45.00."""
    return f"{amount_cents // 100}.{amount_cents % 100:02}"


def decimal_text(number: Decimal, *, least: int = 0) -> str:
    """A decimal without zeros at its end, but for the first `least` decimals: 0.045, 20, 5.50."""
    text = format(number.normalize(), "f")
    whole, _, fraction = text.partition(".")
    fraction = fraction.ljust(least, "0")
    return f"{whole}.{fraction}" if fraction else whole


def invoice_name(prefix: str, year: int, count: int) -> str:
    """The number that is printed on an invoice: 2031-0007 is the seventh of its year."""
    return f"{prefix}{year}-{count:04}"


def read_money(text: str, *, low: Decimal = Decimal(0), high: Decimal = MAX_MONEY) -> Decimal:
    """A decimal number with a point, as settings and operators write it. Raises: ValueError."""
    digits = text.strip()
    if not digits.isascii() or not digits.replace(".", "", 1).isdigit() or len(digits) > 20:
        raise ValueError(f"must be a decimal number like 0.045, not {text!r}")
    number = Decimal(digits)
    if not low <= number <= high:
        raise ValueError(f"must be between {low} and {high}, not {text}")
    if number != number.quantize(_SMALLEST):
        raise ValueError(f"must have at most {MAX_DECIMALS} decimals")
    return number


def _checked(money: Decimal) -> Decimal:
    if not 0 <= money <= MAX_MONEY:
        raise BadData(f"must be between 0 and {MAX_MONEY}", field="price")
    return money
