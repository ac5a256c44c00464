"""A text in a carrier's own alphabet: never wrong letters, and a note where it is not as it was measured."""

from functools import lru_cache
from typing import Final, Literal, NamedTuple

from chappe.carriers.smpp_options import CarrierAlphabet, SmppOptions
from chappe.domain.encodings import GSM7, UCS2, alphabet_of, encoding_name, is_national, language_of
from chappe.telecom.gsm7 import pack
from chappe.telecom.segments import Encoding, count_parts, segments
from chappe.telecom.transliterate import plainly, to_gsm7
from chappe.telecom.udh import fill_bits

_PROTOCOL_MAX_PARTS = 255
# Alphabets other than GSM-7, as Python calls them, and as people do.
CODECS: Final[dict[CarrierAlphabet, str]] = {"latin1": "latin-1", "ascii": "ascii"}
_NAMES: Final[dict[CarrierAlphabet, str]] = {"latin1": "Latin-1", "ascii": "ASCII"}


class Written(NamedTuple):
    """How a carrier gets a text. Shape: `note` says why it is not as it was measured, if it is not."""

    text: str
    encoding: int
    note: str = ""


class Octets(NamedTuple):
    """A text as octets, a part each. Shape: `is_ucs2` when they are UTF-16, whatever the text was measured in."""

    is_ucs2: bool
    parts: tuple[bytes, ...]


def written_for(options: SmppOptions, text: str, encoding: int, parts: int) -> Written:
    """The text as this carrier can take it: in the encoding it was measured in, unless that needs tables of a language
    or letters that the carrier does not have.

    Shape: without the tables in plain letters, if they take no more parts than were measured, else in UCS-2; without
           the letters in UCS-2, or as `missing_letters` says.
    """
    codec = CODECS.get(options.alphabet)
    if encoding == GSM7:
        return Written(text, encoding) if codec is None or text.isascii() else _within(options, codec, text, parts)
    if not is_national(encoding) or (codec is None and language_of(encoding) in options.national_alphabets):
        return Written(text, encoding)
    plain = to_gsm7(text).text
    found, other = (plain, GSM7) if count_parts(plain) <= parts else (text, UCS2)
    why = f"the carrier has no {encoding_name(encoding).removeprefix('GSM-7 with the ')}"
    note = f"in {encoding_name(other)}: {why}"
    if codec is None or other == UCS2:
        return Written(found, other, note)
    narrowed = _within(options, codec, found, parts)
    return narrowed._replace(note=narrowed.note or note)


@lru_cache(maxsize=1024)
def _narrowed(text: str, codec: str) -> tuple[str, str]:
    """The text in letters that a codec has, and the ones it lacks."""
    lacking = "".join([letter for letter in dict.fromkeys(text) if not _has(codec, letter)])
    return (plainly(text, lambda letter: _has(codec, letter)) if lacking else text), lacking


def _has(codec: str, text: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _within(options: SmppOptions, codec: str, text: str, parts: int) -> Written:
    plain, lacking = _narrowed(text, codec)
    if not lacking:
        return Written(text, GSM7)
    why = f"the carrier's {_NAMES[options.alphabet]} lacks {lacking}"
    if options.missing_letters == "replace" and count_parts(plain) <= parts:
        return Written(plain, GSM7, f"with letters replaced: {why}")
    return Written(text, UCS2, f"in UCS-2: {why}")


@lru_cache(maxsize=1024)
def cut(text: str, encoding: int, reference_bits: Literal[8, 16], alphabet: CarrierAlphabet) -> Octets:
    """The octets of each part, without headers and not packed.

    Shape: a carrier with another alphabet than GSM-7 brings the text into GSM-7 itself: parts are as long as there.
    Cost:  the messages of a campaign share their text, so the cache hits.
    """
    own = alphabet_of(encoding)
    found = segments(
        text, unicode=encoding == UCS2 or None, limit=_PROTOCOL_MAX_PARTS, reference_bits=reference_bits, alphabet=own
    )
    if found.encoding is Encoding.UCS2:
        return Octets(True, tuple(part.encode("utf-16-be", "surrogatepass") for part in found.parts))
    codec = CODECS.get(alphabet)
    return Octets(False, tuple(part.encode(codec) if codec else own.encode(part) for part in found.parts))


@lru_cache(maxsize=1024)
def packed(septets: bytes, header_octets: int) -> bytes:
    """Septets eight in seven octets, aligned behind a header."""
    return pack(septets, fill_bits=fill_bits(header_octets))
