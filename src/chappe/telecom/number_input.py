"""Phone numbers as people and spreadsheets write them, brought down to their digits."""

import re
import unicodedata
from typing import Final, Literal, NamedTuple

MAX_INPUT: Final = 64
"""Characters; nothing longer is a phone number."""

Unreadable = Literal["bad_format", "lossy"]
Problem = Unreadable | Literal["too_short", "too_long", "unassigned", "short_code", "not_mobile"]
"""Why no message can go to what was given as a number."""

SEPARATORS: Final = " \t\n\r.,-/()_"
"""What people put between digits."""

_NO_SEPARATORS: Final = str.maketrans("", "", SEPARATORS)
_LABEL: Final = re.compile(r"(?:t[eé]l(?:[eé]phone)?|phone|mobile|portable|gsm|smsto|sms)[\s.]*:?\s*", re.IGNORECASE)
_PARAMETERS: Final = re.compile(r";[a-z].*", re.IGNORECASE | re.DOTALL)  # RFC 3966: tel:+331;ext=12
_QUOTES: Final = "'\"`´‘’‚“”„«»‹›"
_FORMULA: Final = re.compile(r'="(.*)"')
_WHOLE_FLOAT: Final = re.compile(r"(\+?\d+)[.,]0+")
_SCIENTIFIC: Final = re.compile(r"(\+?\d+)(?:[.,](\d+))?[eE]\+?(\d{1,3})")
_WRITTEN: Final = re.compile(r"(\+?)(\d+)", re.ASCII)


class Written(NamedTuple):
    """The digits of a number and whether a plus stood before them."""

    has_plus: bool
    digits: str


def read(raw: str) -> Written | Unreadable:
    """Read what was written down to its digits.

    Shape: labels ("Tel:"), quotes, formulas (="06…"), separators and invisible characters are dropped, digits
           of any script become ASCII. Letters and odd symbols are `bad_format`; scientific notation that has lost
           digits is `lossy`.
    """
    if len(raw) > MAX_INPUT:
        return "bad_format"
    text = "".join([_plain(character) for character in unicodedata.normalize("NFKC", raw)]).strip()
    formula = _FORMULA.fullmatch(text)
    text = (formula[1] if formula else text).strip(_QUOTES + " ")
    label = _LABEL.match(text)
    text = _PARAMETERS.sub("", text[label.end() :] if label else text)
    text = text.replace(" ", "")
    scientific = _SCIENTIFIC.fullmatch(text)
    if scientific:
        return _expand(scientific)
    whole = _WHOLE_FLOAT.fullmatch(text)
    written = _WRITTEN.fullmatch((whole[1] if whole else text).translate(_NO_SEPARATORS))
    return Written(bool(written[1]), written[2]) if written else "bad_format"


def _plain(character: str) -> str:
    """Unify one character: digits of any script, any dash, any space; invisible ones vanish."""
    if character.isascii() and character.isprintable():
        return character
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if kind == "Pd":
        return "-"
    if character.isspace():
        return " "
    return "" if kind in ("Cf", "Cc") else character


def _expand(scientific: re.Match[str]) -> Written | Unreadable:
    """Write 3.3612345678E+10 out, if it has all the digits the exponent asks for."""
    whole, fraction, exponent = scientific[1], scientific[2] or "", int(scientific[3])
    kept, lost = fraction[:exponent], fraction[exponent:]
    if len(kept) < exponent or lost.strip("0"):
        return "lossy"
    digits = whole.removeprefix("+") + kept
    return Written(whole.startswith("+"), digits)
