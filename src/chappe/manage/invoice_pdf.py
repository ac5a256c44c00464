"""An invoice as a page to print.

Nothing but the invoice decides how it looks: the same invoice is the same file, to the octet.
"""

import unicodedata
from datetime import datetime
from io import BytesIO
from typing import Final

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from chappe.domain.delay import PARIS
from chappe.domain.invoices import money_text
from chappe.manage.invoice_words import Words, words_of, written_money
from chappe.store.invoices import InvoiceRow

# Bitstream Vera, which the library brings along: free, embedded into the file, all of Western Europe's letters.
PLAIN: Final = "ChappeSans"
BOLD: Final = "ChappeSansBold"
_FILES: Final = {PLAIN: "Vera.ttf", BOLD: "VeraBd.ttf"}
# Stands for what the font cannot show, so that nobody takes the rest for the whole name.
UNKNOWN: Final = "?"

# Units: a point is 1/72 of an inch.
mm: Final = 72 / 25.4
_WIDTH: Final[float] = A4[0]
_LEFT: Final[float] = 22 * mm
_RIGHT: Final[float] = _WIDTH - 22 * mm
_TOP: Final[float] = A4[1] - 24 * mm
_MIDDLE: Final[float] = 112 * mm
_INK, _GREY, _RULE = HexColor("#1d2430"), HexColor("#6b7482"), HexColor("#d5d9e0")
_ACCENT: Final = HexColor("#23567a")
# The right edges of the columns of numbers.
_QUANTITY: Final[float] = 122 * mm
_UNIT: Final[float] = 156 * mm
MAX_ADDRESS_LINES: Final = 12


def render(invoice: InvoiceRow) -> bytes:
    """The PDF of an invoice: one page of A4. Cost: some 20 ms; the first time, the fonts are read."""
    _load_fonts()
    words = words_of(invoice.lang)
    out = BytesIO()
    page = Canvas(out, pagesize=A4, invariant=1, lang=invoice.lang)
    page.setTitle(f"{words.invoice} {invoice.name}")
    page.setAuthor(invoice.issuer.partition("\n")[0])
    page.setCreator("Chappe")
    y = _heads(page, invoice, words)
    y = _lines(page, invoice, words, y - 14 * mm)
    y = _sums(page, invoice, words, y - 9 * mm)
    _payment(page, invoice, words, y - 16 * mm)
    _foot(page, invoice)
    page.showPage()
    page.save()
    return out.getvalue()


def shown(text: str, font: str = PLAIN) -> str:
    """A text in characters that the font has: others as their plain letter, or as a question mark.

    Shape: ligatures and wide forms come apart (NFKC), accents the font lacks fall off, the rest is `?`.
    """
    known = pdfmetrics.getFont(font).face.charToGlyph
    kept: list[str] = []
    for character in unicodedata.normalize("NFKC", text):
        if character.isspace():
            kept.append(" ")
        elif unicodedata.category(character) in ("Cc", "Cf", "Mn"):
            continue
        elif ord(character) in known:
            kept.append(character)
        else:
            plain = [each for each in unicodedata.normalize("NFKD", character) if ord(each) in known]
            kept.append("".join(plain) or UNKNOWN)
    return "".join(kept)


def _load_fonts() -> None:
    for name, file in _FILES.items():
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, file))


def _heads(page: Canvas, invoice: InvoiceRow, words: Words) -> float:
    """Who writes it, what it is, and whom it is for; the lower end."""
    issuer = _text_block(page, _LEFT, _TOP, invoice.issuer, _MIDDLE - _LEFT - 10 * mm, heading=11)
    page.setFont(BOLD, 20)
    page.setFillColor(_ACCENT)
    page.drawRightString(_RIGHT, _TOP - 3 * mm, words.invoice)
    y = _TOP - 12 * mm
    for name, value in ((words.number, invoice.name), (words.date, _date(invoice.created_at, words))):
        _label(page, _MIDDLE, y, name)
        page.setFont(BOLD, 9.5)
        page.setFillColor(_INK)
        page.drawRightString(_RIGHT, y, shown(value, BOLD))
        y -= 5.5 * mm
    y = min(issuer, y) - 14 * mm
    _label(page, _MIDDLE, y, words.customer)
    return _text_block(page, _MIDDLE, y - 6 * mm, invoice.customer, _RIGHT - _MIDDLE, heading=10)


def _lines(page: Canvas, invoice: InvoiceRow, words: Words, y: float) -> float:
    """The table of what was bought; the lower end."""
    _label(page, _LEFT, y, words.description)
    for right, name in ((_QUANTITY, words.quantity), (_UNIT, words.unit_price), (_RIGHT, words.amount)):
        _label(page, right, y, name, is_right=True)
    _rule(page, y - 3 * mm)
    y -= 9.5 * mm
    page.setFont(PLAIN, 9.5)
    page.setFillColor(_INK)
    page.drawString(_LEFT, y, _cut(shown(invoice.description), PLAIN, 9.5, 70 * mm))
    page.drawRightString(_QUANTITY, y, shown(written_money(str(invoice.quantity), words)))
    page.drawRightString(_UNIT, y, shown(f"{written_money(invoice.unit_price, words)} {invoice.currency}"))
    page.drawRightString(_RIGHT, y, _money(invoice.net_cents, invoice, words))
    _rule(page, y - 5 * mm)
    return y - 5 * mm


def _sums(page: Canvas, invoice: InvoiceRow, words: Words, y: float) -> float:
    """Net, tax and total; the lower end."""
    rate = written_money(invoice.vat_percent, words)
    for name, cents in ((words.net, invoice.net_cents), (f"{words.vat} {rate} %", invoice.vat_cents)):
        page.setFont(PLAIN, 9.5)
        page.setFillColor(_GREY)
        page.drawString(_MIDDLE, y, shown(name))
        page.setFillColor(_INK)
        page.drawRightString(_RIGHT, y, _money(cents, invoice, words))
        y -= 6.5 * mm
    _rule(page, y + 2.5 * mm, left=_MIDDLE)
    y -= 4 * mm
    page.setFillColor(_ACCENT)
    page.setFont(BOLD, 12)
    page.drawString(_MIDDLE, y, words.total)
    page.drawRightString(_RIGHT, y, _money(invoice.total_cents, invoice, words))
    return y


def _payment(page: Canvas, invoice: InvoiceRow, words: Words, y: float) -> None:
    payment = {str(name): word for name, word in words.payments.items()}.get(invoice.payment_type, invoice.payment_type)
    if invoice.paid_at is None:
        text = words.due.format(payment=payment)
    else:
        text = words.paid.format(date=_date(invoice.paid_at, words), payment=payment)
    page.setFont(PLAIN, 9.5)
    page.setFillColor(_INK)
    page.drawString(_LEFT, y, shown(text))


def _foot(page: Canvas, invoice: InvoiceRow) -> None:
    """What this is, for a sheet that lies alone."""
    _rule(page, 20 * mm)
    page.setFont(PLAIN, 7)
    page.setFillColor(_GREY)
    line = f"{shown(invoice.issuer.partition(chr(10))[0])}  ·  {words_of(invoice.lang).invoice} {shown(invoice.name)}"
    page.drawCentredString(_WIDTH / 2, 15.5 * mm, _cut(line, PLAIN, 7, _RIGHT - _LEFT))


def _text_block(page: Canvas, x: float, y: float, text: str, width: float, *, heading: float) -> float:
    """Some lines under each other, the first one bold; the lower end."""
    lines = [line.strip() for line in text.splitlines() if line.strip()][:MAX_ADDRESS_LINES]
    page.setFillColor(_INK)
    for at, line in enumerate(lines):
        font, size = (BOLD, heading) if at == 0 else (PLAIN, 9.5)
        page.setFont(font, size)
        for piece in _wrapped(shown(line, font), font, size, width):
            page.drawString(x, y, piece)
            y -= 4.8 * mm
    return y + 4.8 * mm


def _wrapped(text: str, font: str, size: float, width: float) -> list[str]:
    """A line cut into at most two that fit."""
    if pdfmetrics.stringWidth(text, font, size) <= width:
        return [text]
    words = text.split(" ")
    first = ""
    while words and pdfmetrics.stringWidth(f"{first} {words[0]}".strip(), font, size) <= width:
        first = f"{first} {words.pop(0)}".strip()
    if not first:  # one word that is too long
        return [_cut(text, font, size, width)]
    return [first, _cut(" ".join(words), font, size, width)]


def _cut(text: str, font: str, size: float, width: float) -> str:
    """As much of a text as fits, with dots where it was cut."""
    if pdfmetrics.stringWidth(text, font, size) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if pdfmetrics.stringWidth(text[:middle] + "…", font, size) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def _label(page: Canvas, x: float, y: float, text: str, *, is_right: bool = False) -> None:
    page.setFont(PLAIN, 8)
    page.setFillColor(_GREY)
    (page.drawRightString if is_right else page.drawString)(x, y, shown(text))


def _rule(page: Canvas, y: float, *, left: float = _LEFT) -> None:
    page.setStrokeColor(_RULE)
    page.setLineWidth(0.7)
    page.line(left, y, _RIGHT, y)


def _money(cents: int, invoice: InvoiceRow, words: Words) -> str:
    return shown(f"{written_money(money_text(cents), words)} {invoice.currency}")


def _date(at: int, words: Words) -> str:
    return datetime.fromtimestamp(at / 1000, PARIS).strftime(words.date_format)
