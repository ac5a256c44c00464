"""The numbering plans of the world as regular expressions, made from the metadata of libphonenumber.

A pattern recognises what is beyond doubt in a fraction of a microsecond; whatever it leaves goes to the library
itself. Each is made when its country is first met, which takes milliseconds.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS
from phonenumbers.phonemetadata import PhoneMetadata, PhoneNumberDesc

Recogniser = Callable[[str], re.Match[str] | None]

FRENCH_PLAN: Final = "FR"
FRENCH_OVERSEAS: Final = ("GP", "BL", "MF", "GF", "MQ", "RE", "YT")
"""Territories whose numbers are dialled as in mainland France: 06 and 07 are the mobiles of all of them."""

FRENCH_MOBILE_CODES: Final = (590, 594, 596, 262, 508)
"""Calling codes of mobiles that are written 06 or 07 in France. Source: ranges in libphonenumber's metadata."""

_NOT_MOBILE: Final = "not_mobile_"
_NEVER: Final = "(?!)"
_nothing: Final = re.compile(_NEVER).fullmatch
_ODD_TYPES: Final = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)


class Kind(NamedTuple):
    """What kind of number a group of a pattern recognises."""

    calling_code: str
    country: str
    is_mobile: bool


class Kinds(dict[str, Kind]):
    """The kinds of number by the names of the groups that recognise them; worked out when first met."""

    def __missing__(self, group: str) -> Kind:
        country = group.removeprefix(_NOT_MOBILE)[:2]
        code = calling_code(metadata(country))
        self[group] = kind = Kind(str(code), country, not group.startswith(_NOT_MOBILE))
        return kind


def metadata(country: str) -> PhoneMetadata:
    """Give what the library knows of a country.

    Raises: LookupError when it knows none of this name.
    """
    found = PhoneMetadata.metadata_for_region(country, None)
    if found is None:
        raise LookupError(country)
    return found


def calling_code(plan: PhoneMetadata) -> int:
    """Give the digits that stand for a country abroad."""
    if plan.country_code is None:
        raise LookupError(plan.id)
    return plan.country_code


@cache
def at_home(country: str) -> Recogniser:
    """Make the pattern for numbers as they are written within a country, or with its own calling code.

    Shape: digits, perhaps after a plus. A match without a group name means "ask the library".
    """
    if country in FRENCH_OVERSEAS:
        country = FRENCH_PLAN
    if country not in SUPPORTED_REGIONS:
        return _nothing
    plan = metadata(country)
    code = calling_code(plan)
    abroad = f"00|{plan.international_prefix or _NEVER}"
    bare = f"{_no_trunk(plan, '^')}(?:(?={_lengths(_plans(code))}$)|{code}{_no_trunk(plan, f'^{code}')})"
    # What starts like a way to dial abroad, or like a carrier's prefix, is not beyond doubt.
    doubtful = f"{abroad}|(?:{plan.national_prefix_for_parsing or _NEVER})(?<!^)"
    start = f"{_from_abroad(code, plus='+')}|(?!{abroad})(?:{_trunk(plan, '^')}|{bare})"
    return re.compile(f"(?:{start})(?:{_body(code)})|(?:{doubtful}).*", re.ASCII).fullmatch


class Abroad(dict[str, Recogniser]):
    """The patterns for international numbers by their first four characters; made when first asked for."""

    def __missing__(self, start: str) -> Recogniser:
        digits = start.removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            return _nothing  # not kept: there is no end of what people write
        codes = [int(digits[:size]) for size in (1, 2, 3)]
        known = [code for code in codes if code in COUNTRY_CODE_TO_REGION_CODE]
        self[start] = found = with_calling_code(known[0]) if known else _nothing
        return found


@cache
def with_calling_code(code: int) -> Recogniser:
    """Make the pattern for numbers that start with a calling code, after a plus or not."""
    if COUNTRY_CODE_TO_REGION_CODE[code][0] not in SUPPORTED_REGIONS:
        return _nothing  # satellites and the like: the library knows what they are
    plus = f"(?:{_from_abroad(code, plus='+')}|{_from_abroad(code, plus='')})"
    return re.compile(f"{plus}(?:{_body(code)})", re.ASCII).fullmatch


def _from_abroad(code: int, *, plus: str) -> str:
    """Match a calling code and perhaps a stray trunk prefix: +33 (0)6."""
    plan = metadata(COUNTRY_CODE_TO_REGION_CODE[code][0])
    lead = re.escape(plus) + str(code)
    return f"{lead}(?:{_trunk(plan, '^' + lead)}|{_no_trunk(plan, '^' + lead)})"


def _trunk(plan: PhoneMetadata, lead: str) -> str:
    """Match the trunk prefix where the library would drop it and nothing else."""
    prefix = plan.national_prefix
    if not prefix or not plan.national_prefix_for_parsing:
        return _NEVER
    only_it = f"(?!(?:{plan.national_prefix_for_parsing})(?<!{lead}{prefix}))"
    return f"{only_it}{prefix}(?={_lengths([plan])}$)"


def _no_trunk(plan: PhoneMetadata, lead: str) -> str:
    """Match nothing, where the library would drop nothing."""
    if not plan.national_prefix_for_parsing:
        return ""
    return f"(?!(?:{plan.national_prefix_for_parsing})(?<!{lead}))"


def _plans(code: int) -> list[PhoneMetadata]:
    return [metadata(country) for country in COUNTRY_CODE_TO_REGION_CODE[code]]


def _lengths(plans: list[PhoneMetadata]) -> str:
    """Match as many digits as a national number may have: rejects other forms at a glance."""
    known = {size for plan in plans if plan.general_desc is not None for size in plan.general_desc.possible_length}
    return "(?:" + "|".join([rf"\d{{{size}}}" for size in sorted(known)]) + ")"


def _body(code: int) -> str:
    """Match a national number under a calling code; the group that matches says what it is.

    Shape: the alternatives stand in the order in which the library tries countries and types.
    """
    if code == 33:
        return _french_body()
    return "|".join([_country(plan) for plan in _plans(code)])


def _country(plan: PhoneMetadata) -> str:
    odd = _either([getattr(plan, kind) for kind in _ODD_TYPES])
    fixed = _either([plan.fixed_line])
    mobile = fixed if plan.same_mobile_and_fixed_line_pattern else _either([plan.mobile])
    types = f"(?P<{_NOT_MOBILE}{plan.id}>{odd})|(?P<{plan.id}>{mobile})|(?P<{_NOT_MOBILE}{plan.id}_fixed>{fixed})"
    # Leading digits alone decide the country, even if the number is of no known type there.
    return f"(?={plan.leading_digits})(?:{types}|.*)" if plan.leading_digits else types


def _french_body() -> str:
    """As `_country`, but 06 and 07 may be a mobile overseas, and their shape alone makes a mobile."""
    overseas = [metadata(country) for code in FRENCH_MOBILE_CODES for country in COUNTRY_CODE_TO_REGION_CODE[code]]
    shape = r"(?=[67]\d{8}$)"  # leaves the six digits of local numbers out
    moved = _either([plan.mobile for plan in overseas])
    groups = "|".join([f"(?P<{plan.id}>{shape}(?:{_either([plan.mobile])}))" for plan in overseas])
    own = metadata(FRENCH_PLAN)
    lenient = f"(?P<FR>{_either([own.mobile])}|{shape}(?!(?:{moved})$).*)"
    rest = f"(?P<{_NOT_MOBILE}FR>{_either([getattr(own, kind) for kind in (*_ODD_TYPES, 'fixed_line')])})"
    return f"{lenient}|{groups}|{rest}"


def _either(types: list[PhoneNumberDesc | None]) -> str:
    patterns = [kind.national_number_pattern for kind in types if kind is not None]
    return "|".join([pattern for pattern in patterns if pattern]) or _NEVER
