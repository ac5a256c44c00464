"""Whatever sender is asked for, what leaves is one that the country takes, or the carrier's own number."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.accounts import Account
from chappe.domain.countries import countries
from chappe.domain.rulebook import EVERYBODY, EVERYWHERE, CountryRules, Defaults, Rulebook
from chappe.domain.senders import Sender, choose_sender

PLACES = st.sampled_from(countries())
WORDS = [
    "info",
    "RDV",
    "Alerte",
    "r d v",
    "06 12 34 56 78",
    "+33612345678",
    "36180",
    "Salmon et fils",
    "ñandú",
    "AD-Acme",
]
ASKED = st.none() | st.text(max_size=30) | st.sampled_from(WORDS) | st.from_regex(r"\+?[0-9 .-]{1,20}", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z0-9 .-]{1,11}", fullmatch=True) | st.sampled_from(["Info", "36180", "MyClub"])


def rules(place: str, default: str | None, approved: list[tuple[str, str]]) -> CountryRules:
    account = Account(5, 5, None, "club@example.org", "FR", default)
    return Rulebook(Defaults(), (), {EVERYBODY: approved}).of(account).country(place)


def fits(sender: Sender, place: CountryRules, approved: bool) -> bool:
    """Whether a country's own file, read here once more, takes the sender."""
    text, facts = sender.text, place.country
    if text is None:
        return not facts.alpha_sender or facts.alpha_sender.value != "mandatory"

    def enforced(name: str) -> object:
        fact = getattr(facts, name)
        return fact.value if fact and fact.is_enforced else None

    style, numbers, forbidden = enforced("alpha_sender"), enforced("numeric_sender"), facts.alpha_forbidden
    if text.isdigit():
        is_refused = numbers in ("not_supported", "only_numbers_bought_from_the_provider") or style == "mandatory"
        return re.fullmatch(r"[0-9]{3,15}", text) is not None and (approved or not is_refused)
    charset = enforced("alpha_charset") or " -~"
    least, most = facts.alpha_min_len, facts.alpha_max_len
    return (
        text.isascii()
        and text == text.strip()
        and re.fullmatch(f"[{charset}]+", text) is not None
        and len(text) >= (least.value if least and least.is_enforced else 1)
        and len(text) <= (most.value if most else 11)
        and style != "not_supported"
        and (approved or style != "registration")
        and (approved or not forbidden or text.casefold() not in forbidden.value.generic_words)
    )


@settings(max_examples=500)
@given(ASKED, ASKED, PLACES)
def test_the_sender_that_leaves_fits_the_rules_of_the_country(asked: str | None, own: str | None, code: str) -> None:
    place = rules(code, own, [])
    assert fits(choose_sender(asked, place), place, approved=False)


@settings(max_examples=300)
@given(ASKED, PLACES, st.lists(st.tuples(NAMES, PLACES | st.just(EVERYWHERE)), max_size=3), st.data())
def test_an_approval_never_lets_through_what_the_country_cannot_show(
    other: str | None, code: str, approved: list[tuple[str, str]], data: st.DataObject
) -> None:
    place = rules(code, None, approved)
    asked = data.draw(st.sampled_from([other, *(text for text, _ in approved)]))
    assert fits(choose_sender(asked, place), place, approved=True)


@given(ASKED, PLACES)
def test_a_sender_that_left_would_leave_again_as_it_is(asked: str | None, code: str) -> None:
    place = rules(code, None, [])
    text = choose_sender(asked, place).text
    if text is not None:
        assert choose_sender(text, place).text == text


@given(ASKED, PLACES)
def test_who_is_not_told_anything_gets_what_he_asked_for(asked: str | None, code: str) -> None:
    sender = choose_sender(asked, rules(code, None, []))
    if not sender.remarks:
        wanted = re.sub(r"[^A-Za-z0-9]", "", asked or "")
        assert re.sub(r"[^A-Za-z0-9]", "", sender.text or "") == wanted or not (asked or "").strip()
