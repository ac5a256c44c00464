"""What libphonenumber says about one number: slow, complete, and the truth the fast patterns must agree with."""

import re
from typing import Final, NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumber,
    PhoneNumberType,
    ValidationResult,
    is_possible_number_with_reason,
    national_significant_number,
    number_type,
    parse,
    region_code_for_number,
)

from chappe.telecom.number_input import Problem, Written, read
from chappe.telecom.number_plans import FRENCH_MOBILE_CODES, FRENCH_OVERSEAS, FRENCH_PLAN, metadata


class Verdict(NamedTuple):
    """One number in E.164 digits, its country, and why no message can go there; all as far as known."""

    e164: str | None
    country: str | None
    problem: Problem | None


E164_MAX_DIGITS: Final = 15
SHORT_CODE_MAX_DIGITS: Final = 6

_MOBILE_TYPES: Final = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
_FRENCH_MOBILE: Final = re.compile(r"[67]\d{8}")
_FRENCH_SHAPE_CODES: Final = (33, 590, 594, 596, 262)
_BAD_FORMAT: Final = Verdict(None, None, "bad_format")


def national_part(e164: str) -> int | None:
    """A number without its country's code; None when the code is no country's."""
    try:
        return parse(f"+{e164}").national_number
    except NumberParseException:
        return None


def verdict(raw: str, country: str) -> Verdict:
    """Judge one number as someone in `country` wrote it.

    Source: ITU-T E.164 for the form, libphonenumber for the plans.
    Cost:   some tens of microseconds.
    """
    written = read(raw)
    if not isinstance(written, Written):
        return Verdict(None, None, written)
    digits = written.digits
    if written.has_plus:
        return _international(digits)
    if not digits.strip("0"):
        return _BAD_FORMAT
    if digits.startswith("00") and digits[2:3] != "0":
        return _international(digits[2:])
    national = _national(digits, country)
    if national.problem is None or digits.startswith("0"):
        return national
    if len(digits) <= SHORT_CODE_MAX_DIGITS:
        return Verdict(None, None, "short_code" if len(digits) > 2 else "too_short")
    abroad = _international(digits)
    return abroad if national.e164 is None else min(national, abroad, key=_rank)


def _rank(reading: Verdict) -> int:
    """Order the readings of the same digits by how much they make sense."""
    order: tuple[Problem | None, ...] = (None, "not_mobile", "unassigned")
    return order.index(reading.problem) if reading.problem in order else len(order)


def _international(digits: str) -> Verdict:
    try:
        number = parse("+" + digits, None)
    except NumberParseException as error:
        return _unparsed(error, None)
    return _judge(number)


def _national(digits: str, country: str) -> Verdict:
    if country not in SUPPORTED_REGIONS:
        return _BAD_FORMAT
    if country in FRENCH_OVERSEAS:
        return min(_within(digits, FRENCH_PLAN), _within(digits, country), key=_rank)
    return _within(digits, country)


def _within(digits: str, country: str) -> Verdict:
    try:
        number = parse(digits, country)
    except NumberParseException as error:
        return _unparsed(error, country)
    return _judge(number)


def _unparsed(error: NumberParseException, country: str | None) -> Verdict:
    match error.error_type:
        case NumberParseException.TOO_LONG:
            return Verdict(None, None, "too_long")
        case NumberParseException.INVALID_COUNTRY_CODE if country is None:
            return _BAD_FORMAT
        case NumberParseException.INVALID_COUNTRY_CODE:
            # Too many zeros in front: neither a number of this country nor of another.
            return Verdict(None, country, "too_long")
        case _:
            return Verdict(None, country, "too_short")


def _judge(number: PhoneNumber) -> Verdict:
    national = national_significant_number(number)
    code = number.country_code
    if code is None:
        return _BAD_FORMAT
    kind = number_type(number)
    country = region_code_for_number(number) or COUNTRY_CODE_TO_REGION_CODE[code][0]
    e164 = f"{code}{national}"
    if kind in _MOBILE_TYPES:
        return Verdict(e164, country, None)
    if kind != PhoneNumberType.UNKNOWN:
        return Verdict(e164, country, "not_mobile")
    if code in _FRENCH_SHAPE_CODES and _FRENCH_MOBILE.fullmatch(national):
        # The metadata lags behind ARCEP: what has the shape of a French mobile is worth a try.
        return (_overseas(national) if code == 33 else None) or Verdict(e164, country, None)
    problem = _length_problem(number, e164, country)
    return Verdict(None if problem != "unassigned" else e164, country, problem)


def _overseas(national: str) -> Verdict | None:
    """Find the overseas territory whose mobile was written like one of mainland France."""
    for code in FRENCH_MOBILE_CODES:
        number = PhoneNumber(country_code=code, national_number=int(national))
        if number_type(number) in _MOBILE_TYPES:
            return Verdict(f"{code}{national}", region_code_for_number(number), None)
    return None


def _length_problem(number: PhoneNumber, e164: str, country: str) -> Problem:
    if len(e164) > E164_MAX_DIGITS:
        return "too_long"
    match is_possible_number_with_reason(number):
        case ValidationResult.TOO_LONG:
            return "too_long"
        case ValidationResult.TOO_SHORT | ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            return "too_short"
        case ValidationResult.INVALID_LENGTH:
            # Between the lengths that exist: digits are more often forgotten than added.
            return "too_short"
        case _:
            # The library takes 0 61 23 45 67 for nine digits; someone forgot one after the trunk 0.
            has_trunk = country in SUPPORTED_REGIONS and metadata(country).national_prefix == "0"
            return "too_short" if has_trunk and number.italian_leading_zero else "unassigned"
