"""Numbers and keywords at which people reach accounts."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from chappe.domain.errors import BadData
from chappe.domain.reply_kinds import ReplyKind

MAX_NUMBER: Final = 15
MAX_KEYWORD: Final = 20
# Fewer digits than this are no national number: a short code is written one way only.
MIN_NATIONAL: Final = 7
# The longest country code.
MAX_CODE: Final = 3
# As many last digits find the numbers that a national one may be.
_TAIL: Final = 6

_NOT_A_WORD: Final = re.compile(r"[\W_]+")


class InboundNumber(NamedTuple):
    """A number, or a keyword at it, and whose it is.

    Shape: digits, of a long number with its country code; an empty keyword is for whatever else comes to the number.
    """

    number: str
    keyword: str
    account_id: int


class Claim(NamedTuple):
    """The account that a text to a number is for, and by what."""

    account_id: int
    by: Literal["keyword", "number", "hand"]


class InboundNumbers:
    """The numbers of an installation, to find out for whom a text is. Cost: a microsecond a look-up."""

    def __init__(self, rows: Iterable[InboundNumber]) -> None:
        self._accounts: dict[str, dict[str, int]] = {}
        self._by_tail: dict[str, list[str]] = {}
        for row in rows:
            if row.number not in self._accounts:
                self._accounts[row.number] = {}
                self._by_tail.setdefault(row.number[-_TAIL:], []).append(row.number)
            self._accounts[row.number][row.keyword] = row.account_id

    def claim(self, destination: str, text: str, kind: ReplyKind) -> Claim | None:
        """Whose a text is by where it was sent; None when the number is nobody's, or shared without this keyword.

        Shape: the keyword is the first word; of an opt-out it may be the second ("STOP PROMO").
        """
        accounts = self._accounts.get(self._number(destination))
        if accounts is None:
            return None
        words = words_of(text)[: 2 if kind == "stop" else 1]
        for word in words:
            if word in accounts:
                return Claim(accounts[word], "keyword")
        return Claim(accounts[""], "number") if "" in accounts else None

    def _number(self, destination: str) -> str:
        """The number that a carrier means, whether it says it with a plus, with 00, or as its own country does."""
        digits = destination.strip().removeprefix("+")
        if digits in self._accounts:
            return digits
        if digits.startswith("00"):
            return digits[2:]
        national = digits.removeprefix("0")
        if destination.startswith("+") or len(national) < MIN_NATIONAL:
            return digits
        fitting = [
            number
            for number in self._by_tail.get(national[-_TAIL:], ())
            if number.endswith(national) and len(number) - len(national) <= MAX_CODE
        ]
        return fitting[0] if len(fitting) == 1 else digits


def words_of(text: str) -> list[str]:
    """The words of a text in capitals, without accents and signs."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join([c for c in plain if unicodedata.category(c) not in ("Mn", "Cf")]).upper()
    return _NOT_A_WORD.sub(" ", plain).split()


def read_keyword(text: str) -> str:
    """A keyword as it is compared. Raises: BadData when it is no single word."""
    words = words_of(text)
    if len(words) != 1 or len(words[0]) > MAX_KEYWORD:
        raise BadData(f"is one word of {MAX_KEYWORD} letters and digits at most, unlike {text!r}", field="keyword")
    return words[0]
