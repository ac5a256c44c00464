"""A person is asked about what an operator set to be held, however it is disguised, and about nothing else."""

import pytest
from pyroaring import BitMap64

from chappe.domain.accounts import Account
from chappe.domain.moderation import DAY_MS, Finding, Watch, decoded, encoded, has_run, links_in, words_in
from chappe.domain.notices import refusal_notice
from chappe.domain.plans import NOBODY, Limits, Recipients
from chappe.domain.requests import SubmitRequest
from chappe.domain.submission import Planner, recipients_of
from tests.routings import routes_to
from tests.rulebooks import HOURS, rules_of

SHOP = Account(1, 1, None, "shop@example.org", "FR", None)
NOW = 1_937_000_000_000
WORDS = frozenset({"bank", "crédit agricole", "bill", "$$$", "паспорт"})


def findings(text: str = "Hello", numbers: list[str] | None = None, age_days: int = 100, **rules: str) -> list[Finding]:
    """What a person is asked about a request of the shop."""
    return chunked([numbers or ["33612345678"]], SubmitRequest(text, ["33612345678"]), age_days, **rules)


def chunked(chunks: list[list[str]], request: SubmitRequest, age_days: int = 100, **rules: str) -> list[Finding]:
    of_shop = rules_of(SHOP, **rules)
    planner = Planner(request, of_shop, routes_to({}), Limits(), NOW, HOURS)
    watch = Watch(of_shop, age_days * DAY_MS)
    for numbers in chunks:
        watch.add(planner.plan(read(numbers, request), NOBODY))
    return watch.findings()


def read(numbers: list[str], request: SubmitRequest) -> Recipients:
    infos = ["\x1f".join(part or "" for part in info) if info else None for info in request.infos]
    return recipients_of(numbers, "FR", [], infos if len(infos) == len(numbers) else [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Your BANK called", "bank"),
        ("your bänk called", "bank"),
        ("your b.a.n.k called", "bank"),
        ("your b a n k called", "bank"),
        ("your b - a - n - k called", "bank"),
        ("your b4nk called", "bank"),
        ("your b@nk called", "bank"),
        ("your ban\u200bk called", "bank"),
        ("your \u0432\u0430nk called", "bank"),  # with two Cyrillic letters
        ("Bank!", "bank"),
        ("Credit-Agricole: urgent", "crédit agricole"),
        ("a bi11 is due", "bill"),
        ("earn $$$ now", "$$$"),
        ("ПАСПОРТ", "паспорт"),
    ],
)
def test_a_word_is_found_as_a_reader_finds_it(text: str, found: str) -> None:
    assert words_in(text, WORDS) == [found]


@pytest.mark.parametrize(
    "text",
    [
        "bankers",
        "embankment",
        "ban    k",
        "b a n ker",
        "xb ank",
        "ban key",
        "your ban",
        "agricole crédit",
        "billet",
        "",
    ],
)
def test_a_part_of_another_word_is_no_word(text: str) -> None:
    assert words_in(text, WORDS) == []


def test_a_word_is_found_behind_one_that_begins_like_it() -> None:
    assert words_in("b a b an k, then credit and credit agricole", WORDS) == ["bank", "crédit agricole"]


def test_letters_of_two_texts_make_no_word() -> None:
    assert words_in("ba\0nk", WORDS) == []


@pytest.mark.parametrize(
    "text",
    [
        "see https://bit.ly/x",
        "see bit.ly/x",
        "see BIT.LY",
        "see bit.ly.",
        "see a.b.bit.ly",
        "see...bit.ly",
        "see http://x@bit.ly",
        "see bit\u3002ly",
        "see bit.ly.Thanks",
    ],
)
def test_a_listed_domain_is_found_without_its_scheme_and_with_names_under_it(text: str) -> None:
    assert links_in(text, frozenset({"bit.ly"})) == ["bit.ly"]


@pytest.mark.parametrize("text", ["rabbit.ly", "bit.lya", "my-bit.ly", "a bit, ly", "bit .ly"])
def test_a_domain_that_only_looks_like_a_listed_one_is_none(text: str) -> None:
    assert links_in(text, frozenset({"bit.ly"})) == []


def test_a_domain_may_be_listed_as_an_address_or_with_a_star_and_in_either_form_of_its_letters() -> None:
    for listed in ("https://bit.ly/", "*.bit.ly", "bit.ly."):
        assert links_in("go to a.bit.ly", frozenset({listed})) == [listed]
    assert links_in("xn--e1afmkfd.xn--p1ai", frozenset({"пример.рф"})) == ["пример.рф"]


@pytest.mark.parametrize(
    "text", ["x.io", "https://10.0.0.1/a", "WWW.X.COM", "go: shop.example/now", "xn--e1afmkfd.xn--p1ai"]
)
def test_a_star_means_whatever_a_phone_makes_a_link_of(text: str) -> None:
    assert links_in(text, frozenset({"*"}))


@pytest.mark.parametrize("text", ["It costs 3.50 EUR", "At 8.30 pm.", "Closed.Open tomorrow", "A. B. C.", "..."])
def test_a_star_does_not_mean_every_dot(text: str) -> None:
    assert links_in(text, frozenset({"*"})) == []


def test_without_rules_nothing_is_held() -> None:
    assert not rules_of(SHOP).asks_a_person
    assert findings("bank http://bit.ly", age_days=0) == []


def test_every_rule_has_its_reason() -> None:
    found = findings(
        "Your bank: bit.ly/x",
        [str(33_612_000_000 + i) for i in range(5)],
        3,
        hold_words="bank,parcel",
        hold_links="bit.ly",
        hold_above="4",
        hold_first_days="7",
        hold_sequences="5",
    )
    assert found == [
        Finding("hold_words", "bank"),
        Finding("hold_links", "bit.ly"),
        Finding("hold_above", "5 messages"),
        Finding("hold_first_days", "the account is 3 days old"),
        Finding("hold_sequences", "5 numbers or more in a row"),
    ]
    assert decoded(encoded(found)) == found
    assert encoded([]) is None


def test_a_limit_is_what_may_still_go() -> None:
    numbers = ["33612345678", "33612345670"]
    assert findings(numbers=numbers, hold_above="2") == []
    assert findings(age_days=7, hold_first_days="7") == []


def test_senders_links_and_fields_of_recipients_are_looked_at_too() -> None:
    number = [["33612345678"]]
    assert chunked(number, SubmitRequest("Hello", ["x"], sender="MyBank"), hold_words="mybank") == [
        Finding("hold_words", "mybank")
    ]
    in_fields = SubmitRequest("[info1] [info2]", ["x"], infos=[("mybank", "bit.ly", None, None)])
    found = chunked(number, in_fields, hold_words="mybank", hold_links="bit.ly")
    assert [each.rule for each in found] == ["hold_words", "hold_links"]


def test_runs_of_numbers_are_found_across_chunks_in_any_order() -> None:
    first = 33_612_000_000
    request = SubmitRequest("Hello", ["x"])
    chunks = [[str(first + i) for i in order] for order in ([5, 1, 3], [0, 9, 4], [2])]
    assert chunked(chunks, request, hold_sequences="6") == [Finding("hold_sequences", "6 numbers or more in a row")]
    assert chunked(chunks, request, hold_sequences="7") == []


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 9, 100])
def test_a_run_is_as_long_as_it_is(length: int) -> None:
    apart = BitMap64(range(10, 2000, 2))
    assert has_run(apart | BitMap64(range(5001, 5001 + length)), length)
    assert not has_run(apart | BitMap64(range(5001, 5001 + length)), length + 1)


def test_who_gets_nothing_is_no_reason() -> None:
    assert findings("bank", ["12"], hold_words="bank", hold_first_days="500") == []


def test_what_is_told_is_bounded() -> None:
    words = ",".join(f"word{i}x" for i in range(30))
    assert len(findings(words.replace(",", " "), hold_words=words)) == 10


@pytest.mark.parametrize(
    ("lang", "word"), [("EN", "refused"), ("fr", "refusée"), ("IT", "rifiutata"), ("xx", "refused")]
)
def test_the_mail_is_in_the_accounts_language(lang: str, word: str) -> None:
    notice = refusal_notice(lang, "shop@example.org", 12, 3, NOW, "Send us your {papers}.")
    assert word in notice.body
    assert "shop@example.org" in notice.body
    assert "\nSend us your {papers}.\n" in notice.body
    assert "12" in notice.subject
