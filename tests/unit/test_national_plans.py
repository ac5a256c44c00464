"""Requests of accounts that ask for national tables, on carriers that have them and carriers that have not."""

from chappe.domain.legal_hours import LegalHours
from chappe.domain.plan_remarks import PlanRemarks
from chappe.domain.plans import NOBODY, Limits, Plan
from chappe.domain.requests import SubmitRequest
from chappe.domain.routing import RouteTable
from chappe.domain.submission import Planner, read_recipients
from chappe.telecom.gsm7 import LANGUAGES, Language
from tests.routings import routes_to
from tests.rulebooks import rules_of
from tests.unit.test_links import SHORTENER
from tests.unit.test_submission import NOW, SHOP

TURKISH: tuple[Language, ...] = ("turkish",)
# Carrier 5 takes everything, carrier 7 takes France; only 5 knows the Turkish tables.
ROUTES = routes_to({"FR": 7}, 5, {5: TURKISH})


def planner_of(request: SubmitRequest, routes: RouteTable = ROUTES, wants: str = "yes") -> Planner:
    rules = rules_of(SHOP, national_alphabets=wants)
    return Planner(request, rules, routes, Limits(), NOW, LegalHours(), SHORTENER)


def planned(request: SubmitRequest, routes: RouteTable = ROUTES, wants: str = "yes") -> Plan:
    return planner_of(request, routes, wants).plan(read_recipients(request, SHOP, Limits()), NOBODY)


def to(text: str, *numbers: str, **more: object) -> SubmitRequest:
    return SubmitRequest(text, list(numbers or ("+41791234567",)), **more)  # type: ignore[arg-type]


def texts(made: Plan) -> list[str]:
    return [text or made.text for text in made.texts or [None] * len(made.numbers)]


def test_letters_stay_where_the_account_asks_and_the_carrier_has_the_tables() -> None:
    made = planned(to("Şifreniz güvenliğiniz için"))
    assert (texts(made), made.encodings, made.parts) == (["Şifreniz güvenliğiniz için"], [16], [1])


def test_letters_are_replaced_as_ever_where_either_does_not() -> None:
    for made in (
        planned(to("Şifreniz için"), wants="no"),
        planned(to("Şifreniz için"), routes_to({}, 5)),
        planned(to("Şifreniz için", "+33612345678")),
    ):
        assert (texts(made), made.encodings) == (["Sifreniz icin"], [0])


def test_the_countries_of_one_request_get_what_their_carriers_have() -> None:
    made = planned(to("Şifreniz", "+41791234567", "+33612345678", "+41791234568"))
    assert made.encodings == [16, 0, 16]
    assert texts(made) == ["Şifreniz", "Sifreniz", "Şifreniz"]


def test_who_asks_for_unicode_gets_unicode() -> None:
    assert planned(to("Şifreniz", is_unicode=True)).encodings == [1]


def test_the_announcement_takes_room_that_is_paid_for() -> None:
    text = "ş" * 156
    assert (planned(to(text)).parts, planned(to(text), wants="no").parts) == ([2], [1])


def test_personal_texts_may_each_have_an_encoding_of_their_own() -> None:
    infos = [("Şule", None, None, None), ("Anna", None, None, None), ("ş" * 100, None, None, None)]
    numbers = [f"+4179123456{i}" for i in range(3)]
    made = planned(to("Hi [info1]", *numbers, infos=infos))
    assert made.encodings == [16, 0, 256]
    assert texts(made) == ["Hi Şule", "Hi Anna", "Hi " + "ş" * 100]


def test_links_do_not_change_the_letters_around_them() -> None:
    request = to("Şok % fırsat: <-short-> ğ", "+41791234567", "+33612345678", links=["https://shop.example/"])
    planner = planner_of(request)
    made = planner.plan(read_recipients(request, SHOP, Limits()), NOBODY)
    linked = planner.with_links(made, 1)
    assert made.encodings == [16, 0]
    first, second = texts(linked)
    assert first.startswith("Şok % fırsat: sms.example/")
    assert first.endswith(" ğ")
    assert second.startswith("Sok % firsat: sms.example/")


def test_personal_texts_with_links_keep_the_letters_of_their_encoding() -> None:
    infos = [("Şule", None, None, None)] * 2
    request = to("[info1]: <-short->", "+41791234567", "+33612345678", infos=infos, links=["https://shop.example/"])
    planner = planner_of(request)
    linked = planner.with_links(planner.plan(read_recipients(request, SHOP, Limits()), NOBODY), 1)
    assert [text.partition(":")[0] for text in texts(linked)] == ["Şule", "Sule"]


def test_nobody_is_warned_of_letters_that_stay() -> None:
    for text, told in (("Şifreniz", []), ("Şifreniz ж", ["ж"])):
        request = to(text)
        planner = planner_of(request)
        remarks = PlanRemarks(request, planner)
        remarks.add(planner.plan(read_recipients(request, SHOP, Limits()), NOBODY))
        found = [each.text for each in remarks.found() if each.code == "characters_replaced"]
        assert ["ж" for each in found if "ж" in each] == told
        assert not any("Ş" in each for each in found)


def test_a_carrier_may_have_the_tables_of_several_languages() -> None:
    routes = routes_to({}, 5, {5: LANGUAGES})
    assert [planned(to(text), routes).encodings for text in ("Şule", "não é", "código")] == [[16], [48], [32]]
