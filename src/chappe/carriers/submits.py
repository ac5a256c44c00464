"""A message as the PDUs that carry it: alphabet, parts, addresses."""

from functools import lru_cache
from typing import Final, Literal, NamedTuple

from chappe.carriers.options import SmppOptions
from chappe.domain.encodings import GSM7, UCS2, alphabet_of, encoding_name, is_national, language_of
from chappe.domain.sender_shape import shape
from chappe.telecom.gsm7 import Alphabet
from chappe.telecom.segments import Encoding, count_parts, segments
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.transliterate import to_gsm7
from chappe.telecom.udh import Concatenation, build, concatenation, languages

UDHI: Final = 0x40  # esm_class: the text begins with a user data header
FINAL_RECEIPT: Final = 1  # registered_delivery: tell success or failure
_GSM7_CODING, _UCS2_CODING = 0, 8
_MAX_VALIDITY_S = 72 * 3600  # what carriers commonly take
_PROTOCOL_MAX_PARTS = 255


class Written(NamedTuple):
    """How a carrier gets a text. Shape: `note` says why it is not as it was measured, if it is not."""

    text: str
    encoding: int
    note: str = ""


def written_for(options: SmppOptions, text: str, encoding: int, parts: int) -> Written:
    """The text as this carrier can take it: in the encoding it was measured in, unless that needs tables of a language
    that the carrier does not support.

    Shape: then in plain letters, if they take no more parts than were measured, else in UCS-2.
    """
    if not is_national(encoding) or language_of(encoding) in options.national_alphabets:
        return Written(text, encoding)
    plain = to_gsm7(text).text
    found, other = (plain, GSM7) if count_parts(plain) <= parts else (text, UCS2)
    why = f"the carrier has no {encoding_name(encoding).removeprefix('GSM-7 with the ')}"
    return Written(found, other, f"in {encoding_name(other)}: {why}")


@lru_cache(maxsize=1024)
def _cut(text: str, encoding: int, reference_bits: Literal[8, 16]) -> tuple[int, tuple[bytes, ...]]:
    """The data coding and the octets of each part, without headers. The messages of a campaign share their text, so
    the cache hits.
    """
    alphabet = alphabet_of(encoding)
    cut = segments(
        text, unicode=encoding == UCS2 or None, limit=_PROTOCOL_MAX_PARTS, reference_bits=reference_bits,
        alphabet=alphabet,
    )  # fmt: skip
    if cut.encoding is Encoding.UCS2:
        return _UCS2_CODING, tuple(part.encode("utf-16-be", "surrogatepass") for part in cut.parts)
    return _GSM7_CODING, tuple(alphabet.encode(part) for part in cut.parts)


def submits(
    options: SmppOptions, *, message_id: int, number: int, text: str, sender: str | None, encoding: int,
    validity_s: float,
) -> list[ShortMessage]:  # fmt: skip
    """The submit_sm bodies of one message, in the order of its parts.

    Shape: the reference that joins the parts is made from the message's id, so a part that is submitted again later
           still belongs to the same message on the handset.
    """
    ton, npi, source = source_of(options, sender)
    coding, octets = _cut(text, encoding, options.reference_bits)
    validity = _validity(validity_s) if options.sends_validity else ""
    references = _references(message_id, len(octets)) if options.is_idempotent else [b""] * len(octets)
    # Languages are announced for septets only.
    alphabet = alphabet_of(encoding if coding == _GSM7_CODING else UCS2)
    headers = _headers(options.reference_bits, message_id, len(octets), alphabet)
    return [
        ShortMessage(
            ton, npi, source, options.dest_ton, options.dest_npi, str(number), UDHI if header else 0, coding,
            header + part, FINAL_RECEIPT, validity, tlvs=tlvs,
        )
        for header, part, tlvs in zip(headers, octets, references, strict=True)
    ]  # fmt: skip


def _references(message_id: int, parts: int) -> list[bytes]:
    """The user_message_reference of each part: the same whenever the part is submitted.

    Source: SMPP 3.4, 5.3.2.17.
    """
    first = message_id * _PROTOCOL_MAX_PARTS
    return [tlv.encode([tlv.value_of("user_message_reference", (first + part) & 0xFFFF)]) for part in range(parts)]


def _headers(reference_bits: Literal[8, 16], message_id: int, total: int, alphabet: Alphabet) -> list[bytes]:
    """The header of each part, its length octet first; empty where none is needed."""
    tables = languages(alphabet.single_id, alphabet.locking_id)
    if total == 1:
        return [build(tables) if tables else b""]
    reference = message_id & (0xFFFF if reference_bits == 16 else 0xFF)
    places = [Concatenation(reference, total, number, reference_bits) for number in range(1, total + 1)]
    return [build((concatenation(place), *tables)) for place in places]


def source_of(options: SmppOptions, sender: str | None) -> tuple[int, int, str]:
    """The source address of a message: TON, NPI and address."""
    text = sender or options.sender
    if not text:
        return 0, 0, ""
    kind = shape(text)
    if kind == "alphanumeric":
        return options.alphanumeric_ton, options.alphanumeric_npi, text
    if kind == "short":
        return options.short_ton, options.short_npi, text
    return options.international_ton, options.international_npi, text


def _validity(seconds: float) -> str:
    """A relative time as SMPP writes it. Source: SMPP 3.4, 7.1.1.2."""
    left = int(max(60, min(seconds, _MAX_VALIDITY_S)))
    days, rest = divmod(left, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    return f"0000{days:02d}{hours:02d}{minutes:02d}{secs:02d}000R"
