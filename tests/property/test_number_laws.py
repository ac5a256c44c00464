"""Laws of reading numbers: the fast patterns say what the library says, and nothing makes reading fail."""

from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS
from phonenumbers.phonemetadata import PhoneMetadata

from chappe.telecom.number_plans import metadata
from chappe.telecom.number_verdicts import verdict
from chappe.telecom.numbers import normalise

# The first number of a country also pays for making its pattern.
unhurried = settings(deadline=None)

COUNTRIES = sorted(SUPPORTED_REGIONS)
TYPES = ("mobile", "fixed_line", "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager")

# France and its neighbours in the same plan have rules of their own, so they are drawn more often.
countries = st.sampled_from(["FR", "GP", "RE", "PM"]) | st.sampled_from(COUNTRIES)


def patterns(plan: PhoneMetadata) -> list[str]:
    found = [getattr(plan, kind) for kind in TYPES]
    return [kind.national_number_pattern for kind in found if kind and kind.national_number_pattern]


@st.composite
def national_numbers(draw: st.DrawFn, plan: PhoneMetadata) -> str:
    """Numbers a plan knows, sometimes with a digit changed, added or lost."""
    number = draw(st.from_regex(draw(st.sampled_from(patterns(plan))), fullmatch=True, alphabet="0123456789"))
    if draw(st.booleans()):
        return number
    at = draw(st.integers(0, len(number)))
    middle = draw(st.text("0123456789", max_size=2))
    return number[:at] + middle + number[at + draw(st.integers(0, 2)) :]


@st.composite
def numbers(draw: st.DrawFn, account: str) -> str:
    """Numbers of the account's country or another, in the ways people write them."""
    plan = metadata(account if draw(st.booleans()) else draw(countries))
    number = draw(national_numbers(plan))
    trunk = plan.national_prefix or "0"
    starts = ["", trunk, f"+{plan.country_code}", f"00{plan.country_code}", str(plan.country_code)]
    starts += [f"+{plan.country_code}{trunk}", f"+{plan.country_code}({trunk})", f"{plan.country_code}{trunk}"]
    separator = draw(st.sampled_from(["", "", " ", ".", "-"]))
    return draw(st.sampled_from(starts)) + separator.join([number[:2], number[2:5], number[5:]])


@unhurried
@given(st.data(), countries)
def test_patterns_and_library_agree_on_every_country(data: st.DataObject, account: str) -> None:
    batch = data.draw(st.lists(numbers(account), min_size=1, max_size=20))
    found = normalise(batch, account)
    rows = list(zip(found.e164, found.country, found.problem, strict=True))
    assert rows == [tuple(verdict(raw, account)) for raw in batch]


@unhurried
@given(st.lists(st.text("0123456789", max_size=17)), countries)
def test_patterns_and_library_agree_on_digits_without_sense(batch: list[str], account: str) -> None:
    found = normalise(batch, account)
    rows = list(zip(found.e164, found.country, found.problem, strict=True))
    assert rows == [tuple(verdict(raw, account)) for raw in batch]


anything = st.one_of(
    st.text(), st.text("0123456789+.,eE() \n\u00a0-", max_size=70), st.none(), st.integers(), st.binary()
)


@unhurried
@given(st.lists(anything, max_size=10), countries | st.text(max_size=3))
def test_nothing_given_as_a_number_makes_reading_fail(batch: list[str], account: str) -> None:
    found = normalise(batch, account)
    assert len(found.e164) == len(found.country) == len(found.problem) == len(batch)
    for number, country, problem in zip(found.e164, found.country, found.problem, strict=True):
        assert problem is not None or (number is not None and country is not None)
        assert number is None or (number.isascii() and number.isdigit() and len(number) <= 15)


@unhurried
@given(st.data(), countries)
def test_a_number_in_its_final_form_is_read_as_itself(data: st.DataObject, account: str) -> None:
    found = normalise([data.draw(numbers(account))], account)
    if found.problem == [None]:
        assert normalise([f"+{found.e164[0]}"], account) == found
