"""A text as a vendor can take it: as Unicode, to be brought into GSM-7 or UCS-2 by it."""

from typing import NamedTuple

from chappe.domain.encodings import GSM7, UCS2, encoding_name, is_national
from chappe.telecom.segments import count_parts
from chappe.telecom.transliterate import to_gsm7


class Written(NamedTuple):
    """How a vendor gets a text. Shape: `note` says why it is not as it was measured, if it is not."""

    text: str
    encoding: int
    note: str = ""


def written_for(text: str, encoding: int, parts: int) -> Written:
    """The text in the encoding it was measured in, unless that needs tables of a language: no vendor has those.

    Shape: then in plain letters, if they take no more parts than were measured, else in UCS-2.
    """
    if not is_national(encoding):
        return Written(text, encoding)
    plain = to_gsm7(text).text
    found, other = (plain, GSM7) if count_parts(plain) <= parts else (text, UCS2)
    why = f"the carrier has no {encoding_name(encoding).removeprefix('GSM-7 with the ')}"
    return Written(found, other, f"in {encoding_name(other)}: {why}")
