"""Where short links lead, their codes, and the texts they stand in."""

import pytest

from chappe.domain.accounts import Account
from chappe.domain.addresses import MAX_URL, ascii_address
from chappe.domain.clicks import Click, Device, Recipient, clicker_payload
from chappe.domain.devices import device_of
from chappe.domain.errors import BadData
from chappe.domain.links import (
    ALPHABET,
    CODE_CHARACTERS,
    MAX_LINKS,
    MAX_MESSAGE_ID,
    NO_CODE,
    LinkCodes,
    Shortener,
    link_targets,
)
from chappe.domain.plans import NOBODY, Limits, Plan
from chappe.domain.requests import SubmitRequest
from chappe.domain.submission import Planner, read_recipients
from tests.routings import routes_to
from tests.rulebooks import HOURS, rules_of

NOW = 1_937_000_000_000
SHOP = Account(1, 1, None, "shop@example.org", "FR", None)
CODES = LinkCodes(bytes(range(32)))
SHORTENER = Shortener("sms.example", CODES)
OFFER, MAP = "https://shop.example/o", "https://shop.example/map"
ANA, LI = ("Ana", None, None, None), ("Li", "x", None, None)


def test_the_codes_of_a_secret_never_change_because_people_have_them_in_their_phones() -> None:
    assert CODES.of(1, 3, 0) == ["yfEtB9pA", "UUee4vrk", "pHam2Gkd"]
    assert CODES.of(1, 1, 7) == ["cSMDnE2Z"]
    assert CODES.of(123_456_789, 1, 2) == ["xGt8LcxV"]
    assert CODES.of(MAX_MESSAGE_ID, 1, 7) == ["FPpEtQct"]


def test_there_are_no_codes_beyond_the_last_message() -> None:
    with pytest.raises(OverflowError):
        CODES.of(MAX_MESSAGE_ID, 2, 0)


def test_no_two_characters_of_a_code_look_alike() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 56
    assert not set(ALPHABET) & set("0Oo1Il")


@pytest.mark.parametrize(
    "garbage", ["", "abc", "abcdefgh9", "abcdefg0", "abcdefgO", "abcdefg-", "abcdéfgh", "٣٣٣٣٣٣٣٣", "abcdefg\n"]
)
def test_what_has_not_the_form_of_a_code_is_none(garbage: str) -> None:
    assert CODES.read(garbage) is None


def test_each_link_of_a_text_takes_the_next_address_and_more_are_ignored() -> None:
    text = "Offers: <-short-> map: <-short->"
    assert link_targets(text, [OFFER, MAP]) == [OFFER, MAP]
    assert link_targets(text, [MAP, OFFER, "no address at all"]) == [MAP, OFFER]
    assert link_targets("No link", [OFFER]) == []


@pytest.mark.parametrize("links", [[], [OFFER]])
def test_fewer_addresses_than_links_are_refused(links: list[str]) -> None:
    with pytest.raises(BadData) as refusal:
        link_targets("<-short-> <-short->", links)
    assert refusal.value.field == "links"


def test_a_text_may_have_so_many_links_and_no_more() -> None:
    assert link_targets("<-short->" * MAX_LINKS, [OFFER] * MAX_LINKS) == [OFFER] * MAX_LINKS
    with pytest.raises(BadData, match="at most 8"):
        link_targets("<-short->" * (MAX_LINKS + 1), [OFFER] * (MAX_LINKS + 1))


def test_an_address_that_a_client_encoded_as_a_whole_is_decoded() -> None:
    assert link_targets("<-short->", ["https%3A%2F%2Fshop.example%2Fo%3Fa%3D1%2526"]) == [
        "https://shop.example/o?a=1%26"
    ]
    assert link_targets("<-short->", ["https%3a//shop.example/o"]) == [OFFER]
    assert link_targets("<-short->", ["https://shop.example/a%2Fb"]) == ["https://shop.example/a%2Fb"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "shop.example/o",
        "javascript:alert(1)",
        "javascript%3Aalert(1)",
        "ftp://shop.example/",
        "data:text/html,x",
        "https://",
        "https:///o",
        "https://me:secret@shop.example/",
        "https://shop.example\\@evil.example/",
        "https://shop.example/a b",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "https%3A%2F%2Fshop.example%2F%0d%0aSet-Cookie: a=b",
        "https://shop.example:0/",
        "https://[::1/",
        "https://é..example/",
        "https://shop.example/".ljust(MAX_URL + 1, "a"),
        "https://shop.example/\ud800",
    ],
)
def test_an_address_that_cannot_be_used_is_refused(address: str) -> None:
    with pytest.raises(BadData) as refusal:
        link_targets("<-short->", [address])
    assert refusal.value.field == "links"


@pytest.mark.parametrize(
    ("address", "ascii_form"),
    [
        ("https://shop.example/a%20b?x=é#ü", "https://shop.example/a%20b?x=%C3%A9#%C3%BC"),
        ("https://bücher.example:8443/é", "https://xn--bcher-kva.example:8443/%C3%A9"),
        ("https://bücher.example?a", "https://xn--bcher-kva.example?a"),
        ("https://shop.example/?q=/é", "https://shop.example/?q=/%C3%A9"),
        ("https://shop.example/<\"'>", "https://shop.example/<\"'>"),
    ],
)
def test_an_address_goes_into_a_header_as_ascii(address: str, ascii_form: str) -> None:
    assert ascii_address(address) == ascii_form


def written(text: str, *infos: tuple[str | None, ...] | None, links: list[str], **more: object) -> tuple[Plan, Plan]:
    """The plan before and after its messages have ids, which are 1, 2, ..."""
    numbers = [f"061234560{i}" for i in range(len(infos))]
    given = list(infos) if any(infos) else []
    request = SubmitRequest(text, numbers, links=links, infos=given, **more)  # type: ignore[arg-type]
    planner = Planner(request, rules_of(SHOP), routes_to({}, 5), Limits(), NOW, HOURS, SHORTENER)
    planned = planner.plan(read_recipients(request, SHOP, Limits()), NOBODY)
    return planned, planner.with_links(planned, 1)


def test_every_recipient_gets_his_own_link() -> None:
    planned, linked = written("Offers: <-short-> map: <-short->!", None, None, links=[OFFER, MAP])
    assert linked.texts == [
        "Offers: sms.example/yfEtB9pA map: sms.example/{}!".format(*CODES.of(1, 1, 1)),
        "Offers: sms.example/UUee4vrk map: sms.example/{}!".format(*CODES.of(2, 1, 1)),
    ]
    assert linked.link_urls == [OFFER, MAP]
    assert linked.text == "Offers: <-short-> map: <-short->!"
    assert planned.texts == []


def test_links_and_a_contacts_fields_stand_in_one_text() -> None:
    text = "100 % [info1]: <-short-> [info2] [info1]"
    planned, linked = written(text, ANA, LI, links=[OFFER])
    assert linked.texts == ["100 % Ana: sms.example/yfEtB9pA  Ana", "100 % Li: sms.example/UUee4vrk x Li"]
    assert planned.texts[0] == f"100 % Ana: sms.example/{NO_CODE}  Ana"
    assert [len(text or "") for text in planned.texts] == [len(text or "") for text in linked.texts]


def test_a_field_cannot_bring_in_a_link_of_its_own() -> None:
    _, linked = written("Hi [info1] <-short->", ("<-short->", None, None, None), ANA, links=[OFFER])
    assert linked.texts == ["Hi <-short-> sms.example/yfEtB9pA", "Hi Ana sms.example/UUee4vrk"]


def test_what_only_looks_like_a_link_after_its_replacement_is_none() -> None:
    _, linked = written("＜-short-＞ <-short->", None, links=[OFFER])
    text = linked.texts[0] or ""
    assert text.endswith(" sms.example/yfEtB9pA")
    assert text.count("sms.example") == 1


@pytest.mark.parametrize(("filler", "parts"), [(140, 1), (141, 2)])
def test_a_link_counts_as_long_as_it_is(filler: int, parts: int) -> None:
    planned, linked = written("a" * filler + "<-short->", None, links=[OFFER])
    assert planned.parts == linked.parts == [parts]
    assert len(linked.texts[0] or "") == filler + len("sms.example/") + CODE_CHARACTERS


def test_a_unicode_text_has_links_too() -> None:
    _, linked = written("你好 <-short->", None, links=[OFFER], is_unicode=True)
    assert linked.texts == ["你好 sms.example/yfEtB9pA"]
    assert linked.encodings == [1]


def test_a_click_is_told_with_the_fields_and_types_of_the_contract() -> None:
    click = Click(1, 20450017, 9001, 0, "4kQz", OFFER, 1_936_856_470_000, "")
    told = clicker_payload(click, Device("Acme", "Phone 3", "Android"), Recipient("m-1", "Ana"), 2)
    assert told == (
        '{"campaign_id":"20450017","gsmsid":"m-1","date":"2031-05-18 09:41:10","long_url":"https://shop.example/o",'
        '"short_url":"4kQz","brand":"Acme","model":"Phone 3","os":"Android","info1":"Ana","info2":"","info3":"",'
        '"info4":"","clicks_on_link":"2"}'
    )
    assert '"gsmsid":null' in clicker_payload(click, Device(), Recipient(), 1)


def test_a_user_agent_says_brand_model_and_system_or_nothing() -> None:
    phone = "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0 Mobile"
    assert device_of(phone) == Device("Samsung", "SM-S918B", "Android")
    assert device_of("") == device_of("curl/8.1") == Device("", "", "")
