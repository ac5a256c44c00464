"""For whom a text is by the number it was sent to and the word it begins with."""

import pytest

from chappe.domain.errors import BadData
from chappe.domain.inbound import Claim, InboundNumber, InboundNumbers, read_keyword
from chappe.manage.inbound import read_number

SHOP, BAKERY, OWNER = 1, 2, 3
NUMBERS = InboundNumbers(
    [
        InboundNumber("36180", "PROMO", SHOP),
        InboundNumber("36180", "PAIN", BAKERY),
        InboundNumber("36180", "", OWNER),
        InboundNumber("36181", "PROMO", BAKERY),
        InboundNumber("33644630000", "", SHOP),
        InboundNumber("32460200000", "", BAKERY),
        InboundNumber("33700111222", "", SHOP),
        InboundNumber("32700111222", "", BAKERY),
    ]
)


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("PROMO", SHOP), ("promo 12", SHOP), ("  Promo! yes", SHOP), ("prômo", SHOP), ("«PAIN» svp", BAKERY),
        ("the promo", OWNER), ("PROMOS", OWNER), ("", OWNER), ("x" * 2000, OWNER),
    ],
)  # fmt: skip
def test_the_first_word_says_whose_a_text_is_and_everything_else_is_the_owners(text: str, account: int) -> None:
    found = NUMBERS.claim("36180", text, "reply")
    assert found is not None
    assert found.account_id == account
    assert found.by == ("number" if account == OWNER else "keyword")


def test_an_opt_out_may_have_the_keyword_behind_it() -> None:
    assert NUMBERS.claim("36180", "STOP PAIN", "stop") == Claim(BAKERY, "keyword")
    assert NUMBERS.claim("36180", "STOP", "stop") == Claim(OWNER, "number")
    assert NUMBERS.claim("36180", "I want PAIN", "reply") == Claim(OWNER, "number")


def test_a_shared_number_without_an_owner_is_nobodys_but_for_its_keywords() -> None:
    assert NUMBERS.claim("36181", "promo", "reply") == Claim(BAKERY, "keyword")
    assert NUMBERS.claim("36181", "Hello", "reply") is None
    assert NUMBERS.claim("36999", "promo", "reply") is None


@pytest.mark.parametrize("destination", ["33644630000", "+33644630000", "0033644630000", "0644630000", "644630000"])
def test_a_number_is_known_in_every_form_that_carriers_write(destination: str) -> None:
    assert NUMBERS.claim(destination, "Hello", "reply") == Claim(SHOP, "number")


@pytest.mark.parametrize("destination", ["0700111222", "630000", "+644630000", "0644630001", "", "+", "Shop", "9" * 40])
def test_what_may_be_two_numbers_or_none_is_nobodys(destination: str) -> None:
    assert NUMBERS.claim(destination, "Hello", "reply") is None


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("36180", "36180"), ("+33 6 44 63 00 00", "33644630000"), ("0644630000", "33644630000"),
        ("0033644630000", "33644630000"), ("+32460200000", "32460200000"), ("33186760000", "33186760000"),
        ("+33186760000", "33186760000"), ("88222", "88222"), ("+447860033000", "447860033000"),
    ],
)  # fmt: skip
def test_a_number_is_given_in_any_usual_form(said: str, number: str) -> None:
    assert read_number(said, "FR") == number


@pytest.mark.parametrize("said", ["", "12", "Shop", "1" * 20, "06 44"])
def test_what_is_no_number_is_refused(said: str) -> None:
    with pytest.raises(BadData):
        read_number(said, "FR")


def test_a_keyword_is_one_word() -> None:
    assert read_keyword(" Prômo! ") == "PROMO"
    for said in ("", "two words", "!", "x" * 21):
        with pytest.raises(BadData):
            read_keyword(said)
