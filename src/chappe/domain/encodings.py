"""How a message is encoded, as one number that is kept with it.

0 is GSM-7 and 1 is UCS-2. Every other number is GSM-7 with tables of a language: sixteen times the id of the shift
table's language and 256 times that of the locking table's, as the header of the message announces them.
"""

from typing import Final

from chappe.telecom.gsm7 import DEFAULT, LANGUAGES, Alphabet, Language, by_ids, national

GSM7: Final = 0
UCS2: Final = 1
_SINGLE: Final = 16
_LOCKING: Final = 256
_NAMES: Final[dict[int, Language]] = {national(single=language).single_id: language for language in LANGUAGES}


def encoding_of(alphabet: Alphabet) -> int:
    """The encoding that writes septets of an alphabet."""
    return _SINGLE * alphabet.single_id + _LOCKING * alphabet.locking_id


def is_national(encoding: int) -> bool:
    """Whether an encoding needs tables that not every carrier and phone has."""
    return encoding > UCS2


def alphabet_of(encoding: int) -> Alphabet:
    """The alphabet of an encoding; of UCS-2, which needs none, the plain one. Raises: ValueError for no encoding."""
    if not is_national(encoding):
        return DEFAULT
    locking, rest = divmod(encoding, _LOCKING)
    single, other = divmod(rest, _SINGLE)
    if other:
        raise ValueError(f"there is no encoding {encoding}")
    return by_ids(single, locking)


def language_of(encoding: int) -> Language | None:
    """The language whose tables an encoding uses."""
    if not is_national(encoding):
        return None
    alphabet = alphabet_of(encoding)
    return _NAMES[alphabet.single_id or alphabet.locking_id]


def encoding_name(encoding: int) -> str:
    """An encoding in words, such as `GSM-7 with the Turkish shift table`."""
    language = language_of(encoding)
    if language is None:
        return "UCS-2" if encoding == UCS2 else "GSM-7"
    alphabet = alphabet_of(encoding)
    tables = [
        name for name, known in (("shift", alphabet.single_id), ("locking", alphabet.locking_id)) if known
    ]  # fmt: skip
    plural = "s" if len(tables) > 1 else ""
    return f"GSM-7 with the {language.title()} {' and '.join(tables)} table{plural}"
