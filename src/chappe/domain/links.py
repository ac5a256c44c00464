"""Short links: where they lead, and the code that says whose it is and which of a message's.

A code is no row in a table but the message's id and the link's position, put through a keyed permutation of all codes
(docs/decisions/0012-links-without-rows.md): a million recipients cost a million computations and no write.
"""

from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct
from typing import Final
from urllib.parse import unquote

from chappe.domain.addresses import ascii_address, web_address
from chappe.domain.errors import BadData

SHORT: Final = "<-short->"
MAX_LINKS: Final = 8
FIELD: Final = "links"

# Digits and letters without those that look alike when they are copied by hand: 0 O o, 1 I l.
ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"
CODE_CHARACTERS: Final = 8
# As long as any code, and nobody's: what a simulation writes.
NO_CODE: Final = ALPHABET[0] * CODE_CHARACTERS

_BASE: Final = len(ALPHABET)
_PAIRS: Final = [first + second for first in ALPHABET for second in ALPHABET]
_PAIR: Final = _BASE**2
# A half of a code; the permutation works on halves, so that every code is one of its values.
_HALF: Final = _BASE**4
MAX_MESSAGE_ID: Final = _HALF**2 // MAX_LINKS - 1
_DIGITS: Final = {character: digit for digit, character in enumerate(ALPHABET)}
_FIRST_8_OCTETS: Final = Struct(">Q").unpack_from
_ROUNDS: Final = 6


class LinkCodes:
    """The codes of one installation.

    Shape: a Feistel network of six rounds over pairs of numbers below 56^4, added instead of XORed; its round
           function is BLAKE2b with a key of each round's own, derived from the secret.
    Source: J. Patarin, Security of Random Feistel Schemes with 5 or more Rounds (CRYPTO 2004): not told from a random
           permutation by anyone who knows far fewer than 56^4 (ten million) codes.
    """

    __slots__ = ("_keys",)

    def __init__(self, secret: bytes) -> None:
        self._keys = [blake2b(b"link code %d" % turn, key=secret, digest_size=32).digest() for turn in range(_ROUNDS)]

    def of(self, first_message: int, count: int, position: int) -> list[str]:
        """The codes of one position's link for messages with consecutive ids. Cost: 4 microseconds a code."""
        if first_message + count - 1 > MAX_MESSAGE_ID:
            raise OverflowError("there are no codes left")
        start = first_message * MAX_LINKS + position
        values = range(start, start + count * MAX_LINKS, MAX_LINKS)
        left = [value // _HALF for value in values]
        right = [value % _HALF for value in values]
        for key in self._keys:
            left, right = (
                right,
                [
                    (one + _FIRST_8_OCTETS(blake2b(key + other.to_bytes(4, "big")).digest())[0]) % _HALF
                    for one, other in zip(left, right, strict=True)
                ],
            )
        pairs = _PAIRS
        return [
            pairs[a // _PAIR] + pairs[a % _PAIR] + pairs[b // _PAIR] + pairs[b % _PAIR]
            for a, b in zip(left, right, strict=True)
        ]

    def read(self, code: str) -> tuple[int, int] | None:
        """The message's id and the link's position; None for what has not the form of a code.

        Shape: every code of the right form stands for some message, which need not exist.
        """
        if len(code) != CODE_CHARACTERS:
            return None
        value = 0
        for character in code:
            digit = _DIGITS.get(character)
            if digit is None:
                return None
            value = value * _BASE + digit
        left, right = divmod(value, _HALF)
        for key in reversed(self._keys):
            mixed = _FIRST_8_OCTETS(blake2b(key + left.to_bytes(4, "big")).digest())[0]
            left, right = (right - mixed) % _HALF, left
        return divmod(left * _HALF + right, MAX_LINKS)


class Shortener:
    """Writes the short links of an installation.

    Shape: `base` is what stands before the code in a text; `no_link` is as long as any link, and nobody's.
    """

    __slots__ = ("_codes", "base", "no_link")

    def __init__(self, base: str, codes: LinkCodes) -> None:
        self.base = base.rstrip("/") + "/"
        self.no_link = self.base + NO_CODE
        self._codes = codes

    def links(self, tokens: int, first_message: int, count: int) -> list[list[str]]:
        """For each token of a text the links of messages with consecutive ids."""
        base = self.base
        return [[base + code for code in self._codes.of(first_message, count, position)] for position in range(tokens)]


def link_targets(text: str, links: Sequence[str]) -> list[str]:
    """Where the links of a text lead, in the order of its tokens; links beyond them are ignored.

    Raises: BadData when there are too few, or one cannot be used.
    """
    tokens = text.count(SHORT)
    if tokens > MAX_LINKS:
        raise BadData(f"has {SHORT} {tokens} times, at most {MAX_LINKS} are allowed", field="text")
    if tokens > len(links):
        raise BadData(f"must have an address for each {SHORT} of the text: {tokens}, not {len(links)}", field=FIELD)
    return [_target(link) for link in links[:tokens]]


def _target(asked: str) -> str:
    url = web_address(_decoded(asked), field=FIELD)
    try:
        ascii_address(url)
    except ValueError:
        raise BadData("cannot be written in ASCII", field=FIELD) from None
    return url


def _decoded(asked: str) -> str:
    """A known client percent-encodes the whole address."""
    if "://" in asked or "%" not in asked:
        return asked
    decoded = unquote(asked)
    return decoded if decoded.lower().startswith(("http://", "https://")) else asked
