"""Which rule holds: the narrower before the wider, an enforced fact before the default, a hint never."""

from collections.abc import Iterable

import pytest

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData
from chappe.domain.legal_hours import Holidays, window_text
from chappe.domain.rule_table import RULES, read_value
from chappe.domain.rulebook import EVERYBODY, EVERYWHERE, AccountRules, Defaults, Override, Rulebook, check

SHOP = Account(1, 1, None, "shop@example.org", "FR", None)
BRANCH = Account(2, 1, 1, "branch@example.org", "FR", None)


def rules(account: Account, overrides: Iterable[tuple[int, str, str, str]] = ()) -> AccountRules:
    return Rulebook(Defaults(), [Override(*each) for each in overrides]).of(account)


def test_the_narrower_rule_wins() -> None:
    widest_first = [
        (EVERYBODY, EVERYWHERE, "price", "2"),
        (EVERYBODY, "FR", "price", "3"),
        (1, EVERYWHERE, "price", "4"),
        (1, "FR", "price", "5"),
        (2, EVERYWHERE, "price", "6"),
        (2, "FR", "price", "7"),
    ]
    for count in range(len(widest_first) + 1):
        assert rules(BRANCH, widest_first[:count]).value("price", "FR") == (1000, *range(2000, 8000, 1000))[count]
    assert rules(SHOP, widest_first).value("price", "FR") == 5000
    assert rules(SHOP, widest_first).value("price", "CH") == 4000


def test_a_sub_account_has_its_parents_rules_and_not_the_other_way_round() -> None:
    of_parent = [(1, EVERYWHERE, "messages_per_day", "10")]
    assert rules(BRANCH, of_parent).value("messages_per_day") == 10
    assert rules(BRANCH, of_parent).because("messages_per_day").origin == "parent"
    of_branch = [(2, EVERYWHERE, "messages_per_day", "10")]
    assert rules(SHOP, of_branch).value("messages_per_day") == 0


def test_what_the_country_file_enforces_holds_and_names_its_source() -> None:
    because = rules(SHOP).because("marketing_hours", "FR")
    assert (because.origin, because.confidence, because.value) == (
        "country",
        "seed",
        "mon-sat 08:00-20:00 no-holidays",
    )
    assert "seed" in because.sources


def test_what_the_country_file_only_hints_at_does_not_hold() -> None:
    # Belgium: sources disagree about hours, so none are enforced.
    assert rules(SHOP).country("BE").window is None
    # Switzerland: one source recommends hours.
    assert rules(SHOP).country("CH").window is None
    assert rules(SHOP).because("marketing_hours", "CH").origin == "default"


def test_france_belgium_and_switzerland_are_as_the_seed_has_them() -> None:
    known = rules(SHOP)
    france, belgium, switzerland = (known.country(code) for code in ("FR", "BE", "CH"))
    assert france.window is not None
    assert window_text(france.window) == "mon-sat 08:00-20:00 no-holidays"
    assert (france.sender, france.sender_max, france.needs_mention) == ("allowed", 11, True)
    assert (belgium.sender, belgium.needs_mention) == ("not_supported", False)
    assert (switzerland.sender, switzerland.default_senders) == ("mandatory", ("Chappe",))


def test_only_metropolitan_france_gets_the_mention_of_a_short_number() -> None:
    known = rules(SHOP)
    assert [code for code in ("FR", "GP", "RE", "NC", "BE", "CH", "DE", "US") if known.country(code).needs_mention] == [
        "FR"
    ]


def test_the_mention_is_made_of_its_text_and_its_number() -> None:
    known = rules(SHOP, [(EVERYBODY, "FR", "stop_number", "36180"), (1, EVERYWHERE, "stop_text", "STOP {number}")])
    assert known.country("FR").stop_mention == "STOP 36180"
    assert rules(SHOP).country("FR").stop_mention == "STOP au 36173"


@pytest.mark.parametrize(
    ("profile", "hours"),
    [
        ("seed", "mon-sat 08:00-20:00 no-holidays"),
        ("af2m_2024", "mon-sat 08:00-22:00 no-holidays"),
        ("af2m_2026", "mon-sat 08:00-21:30"),
        ("strict", "mon-sat 08:30-20:00 no-holidays"),
    ],
)
def test_a_french_profile_is_chosen_by_its_name(profile: str, hours: str) -> None:
    window = rules(SHOP, [(EVERYBODY, "FR", "marketing_hours", profile)]).country("FR").window
    assert window is not None
    assert window_text(window) == hours


def test_hours_can_be_opened_for_an_account() -> None:
    assert rules(SHOP, [(1, "FR", "marketing_hours", "always")]).country("FR").window is None


def test_the_holidays_of_alsace_count_for_the_account_that_asks() -> None:
    assert rules(SHOP).country("FR").holidays == Holidays("FR")
    assert rules(SHOP, [(1, EVERYWHERE, "alsace_moselle", "yes")]).country("FR").holidays == Holidays(
        "FR", "Alsace-Moselle"
    )


def test_a_country_that_nobody_knows_has_the_defaults() -> None:
    place = rules(SHOP).country("001")
    assert (place.may_send, place.price_mc, place.window, place.sender) == (True, 1000, None, "allowed")


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_every_default_can_be_read(rule: object) -> None:
    name = rule.name  # type: ignore[attr-defined]
    read_value(name, rules(SHOP).because(name).value)


@pytest.mark.parametrize(
    ("override", "field"),
    [
        (Override(0, "", "prize", "1"), "name"),
        (Override(0, "", "price", "-1"), "price"),
        (Override(0, "", "price", "0.0001"), "price"),
        (Override(0, "", "price", "NaN"), "price"),
        (Override(0, "", "price", "1e30"), "price"),
        (Override(0, "XX", "price", "1"), "country"),
        (Override(0, "FR", "start", "yes"), "country"),
        (Override(0, "", "may_send", "perhaps"), "may_send"),
        (Override(0, "FR", "marketing_hours", "mon-sat"), "marketing_hours"),
        (Override(0, "BE", "marketing_hours", "strict"), "marketing_hours"),
        (Override(0, "FR", "marketing_hours", "mon-sat 20:00-08:00"), "marketing_hours"),
        (Override(0, "", "sender_characters", "z-a"), "sender_characters"),
        (Override(0, "", "stop_number", "STOP"), "stop_number"),
        (Override(0, "", "stop_text", "  "), "stop_text"),
        (Override(0, "DE", "max_parts", "0"), "max_parts"),
        (Override(0, "", "max_parts", "256"), "max_parts"),
        (Override(0, "", "hold_words", "x," * 1500), "hold_words"),
        (Override(0, "", "messages_per_day", "ten"), "messages_per_day"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_its_name(override: Override, field: str) -> None:
    with pytest.raises(BadData) as refused:
        check(override)
    assert refused.value.field == field


def test_prices_are_exact_thousandths() -> None:
    assert [read_value("price", text) for text in ("0.1", "0,1", "1", "0.333", "0")] == [100, 100, 1000, 333, 0]


def test_a_rule_that_cannot_be_read_is_told_and_stops_nothing() -> None:
    book = Rulebook(
        Defaults(),
        [
            Override(1, "FR", "marketing_hours", "a profile of later"),
            Override(1, "FR", "price", "2"),
            Override(0, "", "x", "1"),
        ],
    )
    assert [each.name for each, _ in book.unreadable] == ["marketing_hours", "x"]
    france = book.of(SHOP).country("FR")
    assert france.price_mc == 2000
    assert france.window is not None
    assert window_text(france.window) == "mon-sat 08:00-20:00 no-holidays"
