"""Addresses as a carrier wants them: type of number, numbering plan, and how the digits are written."""

from typing import Final, NamedTuple

from chappe.carriers.smpp_options import Form, SmppOptions
from chappe.domain.sender_shape import one_of, pool_of, shape

_KEPT: Final = 4096


class WireAddress(NamedTuple):
    """An address on the wire."""

    ton: int
    npi: int
    text: str


class Addresses:
    """The addresses of one carrier's submits."""

    def __init__(self, options: SmppOptions) -> None:
        self._options = options
        self._pool = pool_of(options.sender)
        self._none = WireAddress(options.no_sender_ton, options.no_sender_npi, "")
        self._known: dict[str, WireAddress] = {}
        self._is_plain = options.dest_form == "digits"
        self._dest_kind = (options.dest_ton, options.dest_npi)

    def source(self, sender: str | None, number: int) -> WireAddress:
        """The sender's address; of a pool of our own numbers the one that this person always sees."""
        text = sender or one_of(self._pool, number)
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[text] = self._source(text)
        return found

    def destination(self, number: int) -> WireAddress:
        if self._is_plain:
            return WireAddress(*self._dest_kind, str(number))
        return self._number(str(number), self._options.dest_form, *self._dest_kind)

    def _source(self, text: str) -> WireAddress:
        options = self._options
        if not text:
            return self._none
        kind = shape(text)
        if kind == "alphanumeric":
            return WireAddress(options.alphanumeric_ton, options.alphanumeric_npi, text)
        if kind == "short":
            return WireAddress(options.short_ton, options.short_npi, text)
        return self._number(text, options.sender_form, options.international_ton, options.international_npi)

    def _number(self, digits: str, form: Form, ton: int, npi: int) -> WireAddress:
        options = self._options
        match form:
            case "plus":
                return WireAddress(ton, npi, f"+{digits}")
            case "00":
                return WireAddress(ton, npi, f"00{digits}")
            case "national" if options.national_code and digits.startswith(options.national_code):
                short = options.national_prefix + digits.removeprefix(options.national_code)
                return WireAddress(options.national_ton, options.national_npi, short)
            case _:
                return WireAddress(ton, npi, digits)
