"""What a request becomes: who is left out, what each message says and costs, when it leaves."""

from dataclasses import replace

import pytest

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, BadDate, Refusal
from chappe.domain.plans import ALERT, MARKETING, SINGLE, Excluded, LeftOut, Limits, Plan
from chappe.domain.requests import SubmitRequest
from chappe.domain.routing import RouteTable
from chappe.domain.rulebook import Defaults, Rulebook
from chappe.domain.submission import plan
from tests.routings import routes_to
from tests.rulebooks import HOURS, rules_of

NOW = 1_937_000_000_000  # 2031-05-20 01:33:20 in Paris
SHOP = Account(1, 1, None, "shop@example.org", "FR", None)
ANYWHERE = routes_to({}, 5)
LIMITS = Limits()
MOBILES = [f"33612{i:06d}" for i in range(20)]


def planned(
    request: SubmitRequest,
    account: Account = SHOP,
    routes: RouteTable = ANYWHERE,
    limits: Limits = LIMITS,
    **rules: str,
) -> Plan:
    return plan(request, rules_of(account, **rules), routes, limits, NOW, hours=HOURS)


def to(*numbers: str, text: str = "Hello", **more: object) -> SubmitRequest:
    return SubmitRequest(text, list(numbers), **more)  # type: ignore[arg-type]


def test_one_number_becomes_one_message_of_one_part_for_one_credit() -> None:
    made = planned(to("0612345678"))
    assert (made.numbers, made.countries, made.lanes) == ([33612345678], ["FR"], [5])
    assert (made.parts, made.prices_mc, made.cost_mc) == ([1], [1000], 1000)
    assert (made.total, made.left_out.invalid, made.left_out.duplicated) == (1, 0, 0)


def test_numbers_are_read_as_the_accounts_country_writes_them() -> None:
    swiss = replace(SHOP, country="CH")
    assert planned(to("079 123 45 67"), swiss).numbers == [41791234567]
    assert planned(to("+33 6 12 34 56 78"), swiss).numbers == [33612345678]


def test_what_is_no_mobile_number_is_counted_as_invalid_and_left_out() -> None:
    made = planned(to("0612345678", "0142345678", "hello", "", "0699999999"))
    assert made.numbers == [33612345678, 33699999999]
    assert (made.total, made.left_out.invalid, made.left_out.duplicated) == (5, 3, 0)


def test_the_same_number_in_any_form_is_one_message_and_the_rest_duplicates() -> None:
    made = planned(to("0612345678", "+33612345678", "0033 6 12 34 56 78", "33612345678"))
    assert made.numbers == [33612345678]
    assert (made.total, made.left_out.invalid, made.left_out.duplicated) == (4, 0, 3)


def test_an_invalid_number_that_comes_twice_is_invalid_twice() -> None:
    made = planned(to("0142345678", "0142345678"))
    assert (made.left_out.invalid, made.left_out.duplicated, made.numbers) == (2, 0, [])


def test_a_request_whose_numbers_are_all_left_out_is_accepted_and_costs_nothing() -> None:
    made = planned(to("hello", "12"))
    assert (made.cost_mc, made.total, made.left_out.invalid) == (0, 2, 2)
    assert (made.numbers, made.parts, made.lanes, made.texts) == ([], [], [], [])


def test_who_said_stop_and_who_does_not_exist_is_left_out_and_counted_in_this_order() -> None:
    request = to("x", "0612345601", "0612345601", "0612345602", "0612345603", "0612345604", "0612345602")
    excluded = Excluded({33612345601, 33612345602, 33612345603}, {33612345603, 33612345604})
    made = plan(request, rules_of(SHOP), ANYWHERE, LIMITS, NOW, hours=HOURS, excluded=excluded)
    assert (
        made.total,
        made.left_out.invalid,
        made.left_out.duplicated,
        made.left_out.blacklisted,
        made.left_out.npai,
    ) == (7, 1, 2, 3, 1)
    assert made.numbers == []


@pytest.mark.parametrize("kind", ["alert", "marketing"])
def test_who_is_left_out_is_left_out_of_alerts_and_of_marketing(kind: str) -> None:
    excluded = Excluded({33612345601}, {33612345602})
    request = to("0612345601", "0612345602", "0612345603", kind=kind)
    made = plan(request, rules_of(SHOP), ANYWHERE, LIMITS, NOW, hours=HOURS, excluded=excluded)
    assert (made.numbers, made.left_out.blacklisted, made.left_out.npai, made.cost_mc) == ([33612345603], 1, 1, 1000)


def test_the_fields_of_a_contact_stay_with_its_number_whether_the_text_uses_them_or_not() -> None:
    infos = [("Ana", None, None, None), None, (None, "Li", None, None), (None, None, None, None)]
    made = planned(to("0612345601", "0612345602", "0612345603", "0612345604", infos=infos))
    assert made.infos == ["Ana", None, "\x1fLi", None]
    assert planned(to("0612345601", infos=[None])).infos == []


def test_references_stay_with_their_numbers_when_others_are_left_out() -> None:
    made = planned(to("x", "0612345678", "0612345678", "0612345679", client_refs=["a", "b", "c", "d"]))
    assert list(zip(made.numbers, made.client_refs, strict=True)) == [(33612345678, "b"), (33612345679, "d")]


def test_a_request_without_references_carries_no_column_of_them() -> None:
    assert planned(to(*MOBILES)).client_refs == []
    assert planned(to("0612345678", "0612345679", client_refs=[None, None])).client_refs == []
    assert planned(to("0612345678", "0612345679", client_refs=[None, "b"])).client_refs == [None, "b"]


@pytest.mark.parametrize(
    ("text", "is_unicode", "encoding", "parts"),
    [
        ("a" * 160, False, 0, 1),
        ("a" * 161, False, 0, 2),
        ("a" * 153 * 10, False, 0, 10),
        ("€" * 80, False, 0, 1),
        ("€" * 81, False, 0, 2),
        ("a" * 70, True, 1, 1),
        ("a" * 71, True, 1, 2),
        ("你" * 70, True, 1, 1),
        ("🎉" * 35, True, 1, 1),
        ("🎉" * 36, True, 1, 2),
    ],
)
def test_each_part_of_a_text_is_paid_for(text: str, is_unicode: bool, encoding: int, parts: int) -> None:
    made = planned(to(*MOBILES, text=text, is_unicode=is_unicode))
    assert made.encodings == [encoding] * len(MOBILES)
    assert made.parts == [parts] * len(MOBILES)
    assert made.cost_mc == parts * 1000 * len(MOBILES)
    assert made.texts == []


def test_without_unicode_a_text_is_written_in_the_gsm_alphabet() -> None:
    made = planned(to("0612345678", text="L’œuf “á” 你"))
    assert made.text == 'L\'oeuf "a" ?'
    assert made.encodings == [0]


def test_with_unicode_a_text_stays_as_it_was_written() -> None:
    made = planned(to("0612345678", text="L’œuf “á” 你", is_unicode=True))
    assert made.text == "L’œuf “á” 你"
    assert made.encodings == [1]


def test_accents_that_come_apart_from_their_letters_are_put_together() -> None:
    made = planned(to("0612345678", text="caf" + "e\u0301"))
    assert made.text == "café"


def test_line_ends_are_one_character() -> None:
    made = planned(to("0612345678", text="a\r\n" * 80))
    assert (made.text, made.parts) == ("a\n" * 80, [1])


@pytest.mark.parametrize("text", ["", " ", "\n \t", "\r\n", "\0", "\x1b \x07", "\u200b\u200d", "\ufeff\n"])
def test_an_empty_text_is_refused(text: str) -> None:
    with pytest.raises(BadData) as refusal:
        planned(to("0612345678", text=text))
    assert refusal.value.field == "text"


@pytest.mark.parametrize("text", ["\0a", "a\u200b", "\n.", "\U0001f469\u200d\U0001f680", "\ue000", "\u0301"])
def test_a_text_with_anything_to_be_seen_is_sent(text: str) -> None:
    assert planned(to("0612345678", text=text, is_unicode=True)).parts == [1]


def test_no_number_at_all_is_refused() -> None:
    with pytest.raises(BadData):
        planned(to())


def test_more_numbers_than_allowed_are_refused_before_they_are_read() -> None:
    limits = Limits(max_recipients=3)
    assert len(planned(to(*MOBILES[:3]), limits=limits).numbers) == 3
    with pytest.raises(BadData, match="4 numbers; at most 3"):
        planned(to(*MOBILES[:4]), limits=limits)


def test_a_text_of_more_parts_than_allowed_is_refused() -> None:
    assert planned(to("0612345678", text="a" * 306), max_parts="2").parts == [2]
    with pytest.raises(BadData, match="3 parts, at most 2"):
        planned(to("0612345678", text="a" * 307), max_parts="2")


def test_one_contact_whose_own_text_is_too_long_refuses_the_request() -> None:
    infos = [("short", None, None, None), ("x" * 200, None, None, None)]
    request = to(*MOBILES[:2], text="Hello [info1]", infos=infos)
    with pytest.raises(BadData):
        planned(request, max_parts="1")


def test_a_link_without_an_address_is_refused_and_not_sent_as_text() -> None:
    with pytest.raises(BadData, match="links"):
        planned(to("0612345678", text="See <-short->"))


def test_each_contact_gets_its_own_text_price_and_alphabet() -> None:
    infos = [("Ana", None, None, None), ("a" * 160, None, None, None), None, ("Zoë 你", None, None, None)]
    made = planned(to("x", *MOBILES[:3], text="Hi [info1]!", infos=infos))
    assert made.texts == ["Hi " + "a" * 160 + "!", "Hi !", "Hi Zoe ?!"]
    assert made.parts == [2, 1, 1]
    assert made.prices_mc == [2000, 1000, 1000]
    assert made.text == "Hi [info1]!"


def test_tags_of_a_request_without_contact_fields_are_left_out() -> None:
    assert planned(to(*MOBILES[:2], text="Hi [info1]!")).texts == ["Hi !", "Hi !"]


def test_a_field_cannot_bring_in_another_field() -> None:
    infos = [("[info2]", "secret", None, None)]
    assert planned(to("0612345678", text="Hi [info1]", infos=infos)).texts == ["Hi [info2]"]


@pytest.mark.parametrize(
    ("request_", "priority"),
    [
        (to("0612345678"), SINGLE),
        (to(*MOBILES[:2]), ALERT),
        (to("0612345678", kind="marketing"), MARKETING),
        (to(*MOBILES, kind="marketing"), MARKETING),
    ],
)
def test_a_single_alert_goes_before_a_campaign_and_that_before_marketing(
    request_: SubmitRequest, priority: int
) -> None:
    assert planned(request_).priority == priority
    assert SINGLE < ALERT < MARKETING


def test_a_message_leaves_now_and_has_two_days_to_do_so() -> None:
    made = planned(to("0612345678"))
    assert (made.send_at, made.ready) == (NOW, [])
    assert made.expires_at == NOW + 48 * 3600 * 1000


def test_a_message_for_later_has_its_two_days_from_then() -> None:
    made = planned(to("0612345678", delay="2031-05-21 01:33:20"))
    assert (made.send_at, made.ready) == (NOW + 24 * 3600 * 1000, [])
    assert made.expires_at == made.send_at + 48 * 3600 * 1000


def test_a_time_that_has_just_passed_means_now() -> None:
    made = planned(to("0612345678", delay="2031-05-20 01:00:00"))
    assert (made.send_at, made.ready) == (NOW, [])


def test_a_past_time_is_refused() -> None:
    with pytest.raises(BadDate):
        planned(to("0612345678", delay="2031-05-19 12:00:00"))


def test_the_sender_is_the_asked_one_else_the_accounts() -> None:
    shop = replace(SHOP, sender="Shop")
    assert planned(to("0612345678", sender="Ana"), shop).sender == "Ana"
    assert planned(to("0612345678"), shop).sender == "Shop"
    assert planned(to("0612345678")).sender is None


def test_each_country_takes_its_own_lane_and_the_others_the_default() -> None:
    routes = routes_to({"FR": 7, "CH": 8}, 9)
    made = planned(to("0612345678", "+41791234567", "+32470123456"), routes=routes)
    assert list(zip(made.countries, made.lanes, strict=True)) == [("FR", 7), ("CH", 8), ("BE", 9)]


def test_without_any_carrier_messages_wait_in_no_lane() -> None:
    assert planned(to("0612345678"), routes=routes_to({})).lanes == [0]


@pytest.mark.parametrize("text", ["a\x00b", "\ufeff", "\u2028", "\u200b", "🏳️‍🌈" * 3])
@pytest.mark.parametrize("is_unicode", [True, False])
def test_odd_characters_are_refused_or_can_be_written_down(text: str, is_unicode: bool) -> None:
    try:
        made = planned(to("0612345678", text=text, is_unicode=is_unicode))
    except Refusal:
        return
    made.text.encode("utf-8")
    assert made.parts == [1]


def test_the_price_is_that_of_the_recipients_country_kept_exactly() -> None:
    request = to("+33612345601", "+33612345602", "+41791234501", text="a" * 161)
    made = planned(request, price__FR="0.8", price__CH="2")
    assert made.prices_mc == [1600, 1600, 4000]
    assert made.cost_mc == 7200


def test_a_country_that_is_not_allowed_is_left_out_and_counted() -> None:
    made = planned(to("+33612345601", "+41791234501", "+41791234502"), may_send="no", may_send__FR="yes")
    assert made.numbers == [33612345601]
    assert (made.total, made.left_out) == (3, LeftOut(not_allowed=2))


MORNING = "2031-05-20 09:00:00"


def test_marketing_under_a_name_tells_how_to_opt_out_where_the_country_asks_for_it() -> None:
    request = to("+33612345601", "+41791234501", text="Sale", kind="marketing", sender="MyClub", delay=MORNING)
    made = planned(request)
    assert made.text == "Sale\nSTOP au 36173"
    assert made.texts == [None, "Sale"]


@pytest.mark.parametrize(
    ("text", "more", "sent"),
    [
        ("Sale", {"kind": "marketing"}, "Sale"),  # people answer the number they see
        ("Sale", {"sender": "MyClub"}, "Sale"),  # an alert
        ("Sale <-stop-> today", {"sender": "MyClub"}, "Sale STOP au 36173 today"),
        ("Sale <-stop-> today", {"kind": "marketing", "sender": "MyClub"}, "Sale STOP au 36173 today"),
        ("Sale STOP 36180 <-stop->", {"kind": "marketing", "sender": "MyClub"}, "Sale STOP 36180 "),
        ("<-stop-> and <-stop->", {"kind": "marketing", "sender": "MyClub"}, "STOP au 36173 and "),
        ("Sale STOP 36180", {"kind": "marketing", "sender": "MyClub"}, "Sale STOP 36180"),
        ("Sale, stop sms au 36173", {"kind": "marketing", "sender": "MyClub"}, "Sale, stop sms au 36173"),
        ("Bus stop 12", {"kind": "marketing", "sender": "MyClub"}, "Bus stop 12\nSTOP au 36173"),
        ("Sale \n", {"kind": "marketing", "sender": "MyClub"}, "Sale\nSTOP au 36173"),
    ],
)
def test_the_mention_stands_once_where_it_belongs(text: str, more: dict[str, str], sent: str) -> None:
    made = planned(to("0612345678", text=text, delay=MORNING, **more))
    assert made.text == sent


@pytest.mark.parametrize(("length", "parts"), [(146, 1), (147, 2)])
def test_the_mention_is_counted_and_paid(length: int, parts: int) -> None:
    made = planned(to("0612345678", text="a" * length, kind="marketing", sender="MyClub", delay=MORNING))
    assert (made.parts, made.prices_mc) == ([parts], [parts * 1000])


def test_a_personal_text_has_the_mention_too() -> None:
    infos = [("Ana", None, None, None), ("Ueli", None, None, None)]
    request = to(
        "+33612345601", "+41791234501", text="Hi [info1]", infos=infos, kind="marketing", sender="MyClub", delay=MORNING
    )
    assert planned(request).texts == ["Hi Ana\nSTOP au 36173", "Hi Ueli"]


def test_each_country_sees_the_sender_it_accepts() -> None:
    request = to("+33612345601", "+32470123456", "+41791234501", sender="My Club")
    made = planned(request)
    assert made.sender == "MyClub"
    assert made.senders == [None, "", "My Club"]


def test_marketing_at_night_is_planned_for_the_morning_and_alerts_leave_at_once() -> None:
    made = planned(to("0612345678", kind="marketing"))
    assert made.send_at == NOW + (6 * 3600 + 26 * 60 + 40) * 1000  # 08:00 of the same day
    assert made.expires_at == made.send_at + 48 * 3600 * 1000
    assert planned(to("0612345678")).send_at == NOW


def test_each_recipient_of_marketing_is_planned_for_his_own_morning() -> None:
    made = planned(to("+33612345601", "+590690001234", "+32470123456", kind="marketing"))
    eight_in_paris = NOW + (6 * 3600 + 26 * 60 + 40) * 1000
    # In Guadeloupe it is 19:33 of the day before: open. Belgium has no hours.
    assert made.ready == [eight_in_paris, NOW, NOW]
    assert (made.send_at, made.expires_at) == (NOW, eight_in_paris + 48 * 3600 * 1000)


def test_the_name_that_a_carrier_shows_of_its_own_cannot_be_answered_either() -> None:
    request = to("0612345678", text="Sale", kind="marketing", delay=MORNING)
    for own, text in (("ShopNet", "Sale\nSTOP au 36173"), ("36180", "Sale"), ("", "Sale")):
        rules = Rulebook(Defaults(), carrier_senders={"": (own,)}).of(SHOP)
        made = plan(request, rules, ANYWHERE, LIMITS, NOW, hours=HOURS)
        assert (made.sender, made.text) == (None, text)
