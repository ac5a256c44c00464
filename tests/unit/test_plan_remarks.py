"""The warnings of a simulation: what every message of a plan is remarked for, in few lines."""

from datetime import datetime

from chappe.domain.accounts import Account
from chappe.domain.countries import countries, country
from chappe.domain.delay import paris_instant
from chappe.domain.plan_remarks import MAX_OF_A_CODE, PlanRemarks
from chappe.domain.plans import NOBODY, Limits
from chappe.domain.remarks import Warned
from chappe.domain.requests import SubmitRequest
from chappe.domain.submission import Planner, read_recipients
from tests.routings import routes_to
from tests.rulebooks import HOURS, rules_of

RULES = rules_of(Account(1, 1, None, "shop@example.org", "FR", None))
SUNDAY = int(paris_instant(datetime(2026, 11, 22, 12)).timestamp() * 1000)
MONDAY = SUNDAY + 86_400_000
FRENCH = [f"+336123456{i:02d}" for i in range(50)]


def warned(request: SubmitRequest, chunks: int = 1) -> list[Warned]:
    """What is found when the recipients are planned in so many chunks."""
    planner = Planner(request, RULES, routes_to({}), Limits(), SUNDAY, HOURS)
    remarks = PlanRemarks(request, planner)
    given = read_recipients(request, RULES.account, Limits())
    size = -(-len(given.numbers) // chunks)
    for start in range(0, len(given.numbers), size):
        chunk = type(given)(
            given.numbers[start : start + size],
            given.countries[start : start + size],
            [],
            given.infos[start : start + size],
        )
        remarks.add(planner.plan(chunk, NOBODY))
    return remarks.found()


def test_a_send_as_asked_has_no_warnings() -> None:
    assert warned(SubmitRequest("Hello", FRENCH)) == []
    assert warned(SubmitRequest("Hello", ["12", "hello"])) == []


def test_each_country_is_told_with_the_number_of_its_messages() -> None:
    belgian = ["+32470123456", "+32470123457"]
    found = warned(SubmitRequest("Hello", [*FRENCH, *belgian, "no number"], "marketing", "My Club"))
    assert [(each.code, each.country, each.messages) for each in found] == [
        ("sender_mended", "FR", 50),
        ("stop_number_example", "FR", 50),
        ("sender_refused", "BE", 2),
        ("held", "FR", 50),
    ]
    assert "2026-11-23 08:00:00" in found[-1].text
    assert found[0].rule == "sender_characters"


def test_a_number_for_stop_that_was_set_is_no_example() -> None:
    account = RULES.account
    planner = Planner(
        SubmitRequest("Hello", FRENCH, "marketing", "Acme"), rules_of(account, stop_number="36184"), routes_to({}),
        Limits(), MONDAY, HOURS,
    )  # fmt: skip
    remarks = PlanRemarks(SubmitRequest("Hello", FRENCH, "marketing", "Acme"), planner)
    remarks.add(planner.plan(read_recipients(SubmitRequest("Hello", FRENCH), account, Limits()), NOBODY))
    assert remarks.found() == []


def test_what_is_the_same_in_several_countries_is_told_once() -> None:
    [found] = warned(SubmitRequest("à la crêperie", [*FRENCH, "+32470123456", "+41791234567"], sender="Chappe"))[:1]
    assert (found.code, found.messages, found.country) == ("characters_replaced", 52, "")
    assert "ê -> e" in found.text


def test_characters_in_the_recipients_fields_are_told_too() -> None:
    infos = [("Zoë", None, None, None), ("Inês", None, "not asked for: Ü ê", None)]
    request = SubmitRequest("Hello [info1]", FRENCH[:2], infos=[*infos])
    [found] = warned(request)
    assert found.text == "in the recipients' fields, what GSM-7 lacks is replaced: ë -> e, ê -> e; unicode keeps it"


def test_chunks_make_no_difference() -> None:
    infos = [(f"Zoë {i}", None, None, None) for i in range(51)]
    request = SubmitRequest("Crêpes [info1]", [*FRENCH, "+32470123456"], "marketing", "My Club", infos=[*infos])
    assert warned(request, 7) == warned(request, 1)


def test_the_whole_world_is_told_in_few_lines() -> None:
    numbers = [f"+{country(code).mobile_example}" for code in countries() if country(code).mobile_example]
    assert len(numbers) > 200
    found = warned(SubmitRequest("Hello", numbers, "marketing", "My_Club"))
    counts = [sum(each.code == code for each in found) for code in {each.code for each in found}]
    assert max(counts) == MAX_OF_A_CODE + 1
    assert len(found) < 50
    rest = [each for each in found if each.text.startswith("and the like")]
    assert rest
    assert all(each.messages > 0 for each in found)


def test_a_public_short_link_is_warned_of_and_ones_own_is_not() -> None:
    [found] = warned(SubmitRequest("Look: https://bit.ly/3xYz and TinyURL.com/abc", FRENCH))
    assert (found.code, found.messages, found.rule) == ("public_shortener", 50, "public_shorteners")
    assert "bit.ly, tinyurl.com" in found.text
    assert warned(SubmitRequest("Look: https://shop.example/offers or habit.lyon", FRENCH)) == []


def test_a_mention_with_the_number_of_another_country_is_warned_of() -> None:
    request = SubmitRequest("Hello <-stop->", ["+41791234567"], "alert", "Acme")
    assert [each.code for each in warned(request)] == ["mention_elsewhere", "stop_number_example"]
    for rules, codes in (
        ({"stop_number__CH": "3600"}, []),
        ({"stop_number": "3600"}, ["mention_elsewhere"]),
        ({"stop_mention__CH": "yes", "stop_number": "3600"}, []),
    ):
        planner = Planner(request, rules_of(RULES.account, **rules), routes_to({}), Limits(), MONDAY, HOURS)
        remarks = PlanRemarks(request, planner)
        remarks.add(planner.plan(read_recipients(request, RULES.account, Limits()), NOBODY))
        assert [each.code for each in remarks.found()] == codes
