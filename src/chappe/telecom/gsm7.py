"""The seven-bit alphabet every phone understands, and the national tables that extend it.

A text is written as septets. Characters of the extension table take two: the escape, then a code. Over SMPP
each septet normally travels in an octet of its own; `pack` squeezes eight into seven octets, as radio does.
"""

import codecs
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal, get_args

import msgspec

Language = Literal["turkish", "spanish", "portuguese"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

ESCAPE: Final = 0x1B
_ESC: Final = "\x1b"
_NOTHING: Final = "\ufffe"  # how a charmap table says "no character here"
_UNKNOWN: Final = "\ufffd"

# One octet per character while encoding: bit 7 set for the locking table, clear for the shift table.
_LOW_SEVEN: Final = bytes(octet & 0x7F for octet in range(256))
_SHIFTED: Final = re.compile(rb"[\x01-\x7f]")
_ESCAPED: Final = re.compile(_ESC + "(.?)", re.DOTALL)


class NotInAlphabet(ValueError):
    """A character has no septet in the alphabet it should be written in."""

    def __init__(self, character: str, position: int) -> None:
        super().__init__(f"U+{ord(character):04X} ({character!a}) at {position} is not in the GSM alphabet")
        self.character = character
        self.position = position


class _Tables(msgspec.Struct, frozen=True):
    """A locking table in septet order, if the language has one, and a shift table by hexadecimal septet."""

    shift: dict[str, str]
    locking: str | None
    language_id: int


class _Default(msgspec.Struct, frozen=True):
    shift: dict[str, str]
    locking: str


class _File(msgspec.Struct, frozen=True):
    source: str
    default: _Default
    national: dict[Language, _Tables]


@cache
def _file() -> _File:
    path = files("chappe.rules").joinpath("alphabets/gsm0338.json")
    return msgspec.json.decode(path.read_bytes(), type=_File)


class Alphabet:
    """A locking table with a shift table: enough to write, measure and read a text in septets.

    Shape: `single_id` and `locking_id` are the languages a header must announce, 0 for the default table.
    """

    __slots__ = (
        "_charmap",
        "_find_shifted",
        "_is_plain",
        "_is_writable",
        "_outside",
        "_shift",
        "_table",
        "locking_id",
        "single_id",
    )

    def __init__(self, locking: str, shift: Mapping[int, str], *, single_id: int = 0, locking_id: int = 0) -> None:
        plain = locking.replace(_ESC, "")
        # What the locking table can say costs one septet, so the shift table is for the rest.
        shifted = {code: character for code, character in shift.items() if character not in plain}
        octets = ["\0", *[_NOTHING] * 127, *locking.replace(_ESC, _NOTHING)]
        for code, character in shifted.items():
            octets[code] = character
        some = re.escape("".join(shifted.values()))
        self.single_id = single_id
        self.locking_id = locking_id
        self._is_plain = re.compile(f"[{re.escape(plain)}]*").fullmatch
        self._is_writable = re.compile(f"[{re.escape(plain)}{some}]*").fullmatch
        self._outside = re.compile(f"[^{re.escape(plain)}{some}]")
        self._find_shifted = re.compile(f"[{some}]").findall
        self._charmap = codecs.charmap_build("".join(octets))
        self._table = locking + _UNKNOWN * 128
        self._shift = {locking[code]: character for code, character in shift.items()}

    def is_plain(self, text: str) -> bool:
        """Say whether the text needs no escape: then its length is its number of septets."""
        return self._is_plain(text) is not None

    def has(self, text: str) -> bool:
        """Say whether every character of the text is in the alphabet."""
        return self._is_writable(text) is not None

    def outside(self, text: str) -> list[str]:
        """List the characters that are not in the alphabet, each as often as it occurs."""
        return self._outside.findall(text)

    def replace_outside(self, text: str, replacements: Mapping[str, str]) -> str:
        """Replace each character that is not in the alphabet; all of them have to be in `replacements`."""
        return self._outside.sub(lambda found: replacements[found[0]], text)

    def measure(self, text: str) -> int | None:
        """Count the septets of a text, or give None when a character is not in the alphabet."""
        if self._is_plain(text):
            return len(text)
        if self._is_writable(text):
            return len(text) + len(self._find_shifted(text))
        return None

    def septets(self, text: str) -> int:
        """Count the septets of a text; a character of the shift table takes two.

        Raises: NotInAlphabet.
        """
        count = self.measure(text)
        return len(self.encode(text)) if count is None else count  # encode finds and names the character

    def encode(self, text: str) -> bytes:
        """Write a text as septets, one in each octet.

        Raises: NotInAlphabet.
        """
        try:
            octets, _ = codecs.charmap_encode(text, "strict", self._charmap)
        except UnicodeEncodeError as error:
            raise NotInAlphabet(text[error.start], error.start) from None
        if 0 in octets:  # a charmap always has a place for NUL; the alphabet has not
            position = octets.index(0)
            raise NotInAlphabet(text[position], position)
        return _SHIFTED.sub(b"\x1b\\g<0>", octets).translate(_LOW_SEVEN)

    def decode(self, octets: bytes) -> str:
        """Read septets, one in each octet, whatever they are.

        Shape:  an unknown code after the escape reads as the character of the locking table, an escape with
                none as a space; an octet above 0x7F is no septet and reads as U+FFFD.
        Source: 3GPP TS 23.038 6.2.1.1.
        """
        text, _ = codecs.charmap_decode(octets, "strict", self._table)
        if _ESC not in text:
            return text
        return _ESCAPED.sub(self._unescape, text)

    def _unescape(self, found: re.Match[str]) -> str:
        base = found[1]
        if base in ("", _ESC):
            return " "
        return self._shift.get(base, base)


def _by_septet(shift: dict[str, str]) -> dict[int, str]:
    return {int(code, 16): character for code, character in shift.items()}


def national(*, single: Language | None = None, locking: Language | None = None) -> Alphabet:
    """Give the alphabet of a language: its shift table, its locking table, or both.

    Raises: ValueError for Spanish as a locking table, which has none.
    Source: 3GPP TS 23.038 annex A.
    """
    return _national(single, locking)


@cache
def _national(single: Language | None, locking: Language | None) -> Alphabet:
    file = _file()
    letters, locking_id = file.default.locking, 0
    shift, single_id = file.default.shift, 0
    if locking is not None:
        tables = file.national[locking]
        if tables.locking is None:
            raise ValueError(f"{locking} has no locking table")
        letters, locking_id = tables.locking, tables.language_id
    if single is not None:
        shift, single_id = file.national[single].shift, file.national[single].language_id
    return Alphabet(letters, _by_septet(shift), single_id=single_id, locking_id=locking_id)


@cache
def by_ids(single_id: int, locking_id: int) -> Alphabet:
    """Give the alphabet that a header announces by the ids of its languages, 0 for the default table.

    Raises: ValueError for a table that is not known.
    Source: 3GPP TS 23.038 6.2.1.2.4.
    """
    if not single_id and not locking_id:
        return DEFAULT
    names: dict[int, Language | None] = {tables.language_id: name for name, tables in _file().national.items()}
    names[0] = None
    if single_id not in names or locking_id not in names:
        raise ValueError(f"there is no table for the languages {single_id} and {locking_id}")
    return national(single=names[single_id], locking=names[locking_id])


# Bound once: these run for every text of every campaign.
DEFAULT: Final = Alphabet(_file().default.locking, _by_septet(_file().default.shift))
is_gsm7 = DEFAULT.has
septets = DEFAULT.septets
encode = DEFAULT.encode
decode = DEFAULT.decode


def pack(septets: bytes, *, fill_bits: int = 0) -> bytes:
    """Squeeze septets into octets, low bits first.

    Shape:  `fill_bits` zero bits come first: behind a header they align the septets.
    Source: 3GPP TS 23.038 6.1.2.1.1, 23.040 9.2.3.24.
    """
    bits = "".join([f"{septet & 0x7F:07b}" for septet in reversed(septets)]) + "0" * fill_bits
    return int(bits or "0", 2).to_bytes((len(bits) + 7) // 8, "little")


def unpack(octets: bytes, *, count: int | None = None, fill_bits: int = 0) -> bytes:
    """Spread packed octets into septets, one in each octet.

    Shape:  `count` septets, at most as many as there are; without it as many as fit, so seven octets always
            give eight septets, the last perhaps only padding.
    Source: 3GPP TS 23.038 6.1.2.1.1.
    """
    there = max(0, len(octets) * 8 - fill_bits) // 7
    wanted = there if count is None else min(count, there)
    if not wanted:
        return b""
    number = int.from_bytes(octets, "little") >> fill_bits
    bits = f"{number:0{7 * there}b}"
    end = len(bits)
    return bytes([int(bits[at - 7 : at], 2) for at in range(end, end - 7 * wanted, -7)])
