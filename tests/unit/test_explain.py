"""One message, explained: the same decision as a send, with the rule and the source of each piece."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.accounts import Account
from chappe.domain.delay import paris_instant
from chappe.domain.errors import BadData, BadDate, InsufficientCredits
from chappe.domain.explain import explain
from chappe.domain.explanation import Explanation
from chappe.domain.plans import Excluded, Limits
from chappe.domain.quotas import Quota
from chappe.domain.requests import SubmitRequest
from chappe.domain.submission import plan
from chappe.telecom.segments import Encoding
from tests.routings import routes_to
from tests.rulebooks import HOURS, rules_of

SHOP = Account(1, 1, None, "shop@example.org", "FR", None)
MENTION = "\nSTOP au 36173"
FRENCH, BELGIAN, SWISS, AMERICAN = "+33612345678", "+32470123456", "+41791234567", "+12125550123"


def at(wall: str) -> int:
    return int(paris_instant(datetime.strptime(wall, "%Y-%m-%d %H:%M")).timestamp() * 1000)


SUNDAY, MONDAY = at("2026-11-22 12:00"), at("2026-11-23 10:00")


def told(text: str = "Hello", to: str = FRENCH, now: int = MONDAY, **more: object) -> Explanation:
    rules = {
        name: more.pop(name) for name in list(more) if name in ("price__FR", "may_send__US", "marketing_hours__FR")
    }
    excluded = more.pop("excluded", Excluded(frozenset(), frozenset()))
    quota = more.pop("quota", Quota())
    request = SubmitRequest(text, [to], **more)  # type: ignore[arg-type]
    return explain(
        request, rules_of(SHOP, **rules), routes_to({"FR": 7}, names={7: "paris"}), Limits(), now,  # type: ignore[arg-type]
        hours=HOURS, excluded=excluded, left=lambda *_: quota,  # type: ignore[arg-type]
    )  # fmt: skip


def marketing(text: str = "Hello", to: str = FRENCH, now: int = MONDAY, **more: object) -> Explanation:
    return told(text, to, now, kind="marketing", **{"sender": "Acme", **more})


def codes(explanation: Explanation) -> list[str]:
    return [remark.code for remark in explanation.remarks]


def test_the_number_is_told_as_it_was_given_and_as_it_is_read() -> None:
    found = told(to="06 12 34 56 78").to
    assert (found.given, found.number, found.country, found.country_name) == (
        "06 12 34 56 78", 33612345678, "FR", "France",
    )  # fmt: skip
    assert found.left_out == ""


@pytest.mark.parametrize(
    ("given", "number", "why"),
    [
        ("0142345678", 33142345678, "it is no mobile number"),
        ("hello", 0, "it cannot be read as a number"),
        ("061234", 0, "it has too few digits"),
        ("36173", 0, "a short code takes no messages"),
    ],
)
def test_a_number_that_gets_nothing_is_told_with_the_reason(given: str, number: int, why: str) -> None:
    found = told(to=given)
    assert (found.to.number, found.to.left_out, found.to.why) == (number, "invalid", why)
    assert not found.is_sent
    assert found.price.total_mc == 0


@pytest.mark.parametrize(
    ("count", "facts"),
    [
        ("blacklisted", {"excluded": Excluded(frozenset({33612345678}), frozenset())}),
        ("npai", {"excluded": Excluded(frozenset(), frozenset({33612345678}))}),
        ("flood", {"quota": Quota(flooded=frozenset({33612345678}))}),
        ("country_limit", {"quota": Quota(by_country={"FR": 0})}),
    ],
)
def test_who_is_left_out_is_told_under_the_count_of_a_send(count: str, facts: dict[str, object]) -> None:
    found = told(**facts)  # type: ignore[arg-type]
    assert (found.to.left_out, found.price.total_mc, found.is_sent) == (count, 0, False)
    assert found.to.why
    assert found.wording.text == "Hello"


def test_a_spent_cap_of_the_day_is_refused_as_a_send_is() -> None:
    with pytest.raises(InsufficientCredits, match="daily cap"):
        told(quota=Quota(credits_mc=500, cap_mc=5000))


def test_a_country_that_may_not_be_written_to_is_told_with_the_rule() -> None:
    found = told(to=AMERICAN, may_send__US="no")
    assert found.to.left_out == "not_allowed"
    assert found.to.because[-1].rule == "may_send"
    assert (found.to.because[-1].origin, found.to.because[-1].note) == ("account", "a test")


def test_the_character_that_costs_is_named() -> None:
    found = told("Soirée crêpes à 5 €").wording
    assert (found.encoding, found.units, found.room, found.parts) == (Encoding.GSM7, 20, 160, 1)
    assert [(each.character, each.replacement, each.times) for each in found.replaced] == [("ê", "e", 1)]
    assert [each.character for each in found.costly] == ["€"]
    assert found.outside is not None
    assert (found.outside.character, found.outside.at) == ("ê", 10)
    assert codes(told("Soirée crêpes")) == ["characters_replaced"]


def test_the_other_choice_of_unicode_is_told_where_it_makes_a_difference() -> None:
    text = "Soirée crêpes " * 6
    assert (told(text).wording.parts, told(text).wording.parts_otherwise) == (1, 2)
    assert (told(text, is_unicode=True).wording.parts, told(text, is_unicode=True).wording.parts_otherwise) == (2, 1)
    assert told("a" * 200).wording.parts_otherwise is None


def test_unicode_for_nothing_is_remarked() -> None:
    assert codes(told("a" * 100, is_unicode=True)) == ["unicode_needless"]
    assert codes(told("a" * 20, is_unicode=True)) == []


@pytest.mark.parametrize(("letters", "parts"), [(145, 1), (146, 1), (147, 2), (160, 2)])
def test_the_mention_counts_before_encoding_and_price(letters: int, parts: int) -> None:
    found = marketing("a" * letters)
    assert found.wording.text == "a" * letters + MENTION
    assert (found.wording.units, found.wording.parts) == (letters + len(MENTION), parts)
    assert found.price.total_mc == parts * 1000
    assert told("a" * letters).wording.parts == 1


def test_how_much_less_would_be_a_part_less_leaves_the_mention_alone() -> None:
    assert marketing("a" * 147).wording.to_drop == 1
    assert marketing("a" * 160).wording.to_drop == 14


@pytest.mark.parametrize(
    ("text", "kind", "sender", "place", "mention"),
    [
        ("Hello", "marketing", "Acme", "end", "STOP au 36173"),
        ("Hello <-stop-> bye", "marketing", "Acme", "token", "STOP au 36173"),
        ("Hello <-stop->", "alert", "Acme", "token", "STOP au 36173"),
        ("Hello STOP 36111", "marketing", "Acme", "author", ""),
        ("Hello", "marketing", None, "none", ""),
        ("Hello", "alert", "Acme", "none", ""),
    ],
)
def test_the_mention_is_told_with_its_place(text: str, kind: str, sender: str | None, place: str, mention: str) -> None:
    found = told(text, kind=kind, sender=sender).mention
    assert (found.place, found.text) == (place, mention)
    assert found.why


def test_a_sender_is_told_as_it_leaves_with_the_rule_that_changed_it() -> None:
    found = marketing(sender="My Club!").sender
    assert (found.asked, found.sent_as, found.why) == ("My Club!", "MyClub", "as the country takes it")
    assert found.because[0].rule == "sender_characters"
    assert found.because[0].sources
    refused = marketing(to=BELGIAN, sender="My Club").sender
    assert (refused.sent_as, refused.because[0].rule, refused.because[0].origin) == (None, "sender", "country")


def test_the_default_sender_of_a_country_that_needs_a_name_is_told() -> None:
    found = told(to=SWISS).sender
    assert (found.asked, found.sent_as, found.why) == (None, "Chappe", "the default sender")


def test_marketing_that_waits_is_told_with_its_hours_and_their_source() -> None:
    found = marketing(now=SUNDAY)
    assert found.timing.is_held
    assert found.timing.planned_at == at("2026-11-23 08:00")
    assert found.timing.hours == "mon-sat 08:00-20:00, not on public holidays"
    assert [(clock.zone, clock.time) for clock in found.timing.clocks] == [("Europe/Paris", "2026-11-23 08:00:00")]
    assert (found.timing.because[0].rule, found.timing.because[0].confidence) == ("marketing_hours", "seed")
    assert "held" in codes(found)


def test_hours_that_were_set_to_a_profile_name_the_sources_of_that() -> None:
    found = marketing(marketing_hours__FR="af2m_2024").timing
    assert found.hours == "mon-sat 08:00-22:00, not on public holidays"
    assert (found.because[0].value, found.because[0].origin) == ("af2m_2024", "account")
    assert found.because[0].sources


def test_what_is_known_too_unsurely_is_told_as_a_hint() -> None:
    found = marketing(to=SWISS, now=SUNDAY).timing
    assert (found.hours, found.is_held) == ("at any time", False)
    assert [reason.origin for reason in found.because] == ["default", "hint"]


def test_the_time_is_told_where_the_recipient_is() -> None:
    found = marketing(to=AMERICAN, now=at("2026-11-24 12:00")).timing
    assert [(clock.zone, clock.time) for clock in found.clocks] == [("America/New_York", "2026-11-24 08:00:00")]


def test_the_carrier_of_the_country_is_told() -> None:
    assert (told().way.carrier, told().way.is_default) == ("paris", False)
    assert (told(to=SWISS).way.carrier, told(to=SWISS).way.because) == (None, ())


def test_a_price_is_told_with_who_set_it() -> None:
    found = told("a" * 200, price__FR="0.8").price
    assert (found.part_mc, found.total_mc, found.because[0].origin) == (800, 1600, "account")


def test_what_a_send_refuses_is_refused() -> None:
    with pytest.raises(BadData, match="takes 14 parts"):
        told("a" * 2000)
    with pytest.raises(BadDate):
        told(delay="2020-01-01 00:00:00")
    with pytest.raises(BadData, match="is empty"):
        told(" ")


@settings(deadline=None)
@given(
    text=st.text(alphabet="aé€ê🎉 {", min_size=1, max_size=300).filter(lambda text: text.strip()),
    kind=st.sampled_from(["alert", "marketing"]),
    to=st.sampled_from([FRENCH, BELGIAN, SWISS, AMERICAN, "0142345678"]),
    sender=st.sampled_from([None, "Acme", "My Club!", "alert", "0612345678"]),
    is_unicode=st.booleans(),
)
def test_an_explanation_says_what_the_plan_of_a_send_is(
    text: str, kind: str, to: str, sender: str | None, is_unicode: bool
) -> None:
    request = SubmitRequest(text, [to], kind, sender, is_unicode=is_unicode)  # type: ignore[arg-type]
    rules = rules_of(SHOP)
    planned = plan(request, rules, routes_to({}), Limits(), SUNDAY, hours=HOURS)
    found = explain(request, rules, routes_to({}), Limits(), SUNDAY, hours=HOURS)
    assert found.is_sent == bool(planned.numbers)
    assert found.price.total_mc == planned.cost_mc
    if planned.numbers:
        assert [found.wording.parts] == planned.parts
        assert found.sender.sent_as == planned.sender
        assert found.wording.text == planned.text
        assert found.timing.planned_at == planned.send_at
        assert found.timing.expires_at == planned.expires_at
