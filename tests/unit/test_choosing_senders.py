"""Which sender a country gets to see: what it refuses is mended or gives way, and a remark says so."""

import pytest

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData
from chappe.domain.rulebook import EVERYBODY, EVERYWHERE, Defaults, Override, Rulebook, check
from chappe.domain.senders import Sender, choose_sender

ACME = "Acme"


def account(sender: str | None = None, id_: int = 5, parent: int | None = None) -> Account:
    return Account(id_, id_, parent, "club@example.org", "FR", sender)


def override(name: str, value: str, country: str = EVERYWHERE, account: int = 5) -> Override:
    return Override(account, country, name, value, "a test")


def chosen(
    asked: str | None,
    country: str,
    *rules: Override,
    whose: Account | None = None,
    approved: dict[int, list[tuple[str, str]]] | None = None,
    carrier_senders: dict[str, tuple[str, ...]] | None = None,
    stop_number: str = "36173",
) -> Sender:
    book = Rulebook(Defaults(stop_number=stop_number), rules, approved, carrier_senders)
    return choose_sender(asked, book.of(whose or account()).country(country))


def codes(sender: Sender) -> list[str]:
    return [remark.code for remark in sender.remarks]


FRANCE = [
    ("Acme", "Acme", []),
    ("Acme 42", "Acme42", ["sender_mended"]),
    ("Salmon et fils", "Salmonetf", ["sender_mended"]),
    ("Café-Zoë", "CafeZoe", ["sender_mended"]),
    ("AcmeBoutiques", "AcmeBoutiqu", ["sender_mended"]),
    ("3615Ulla", "3615Ulla", []),
    ("Oui", "Oui", ["sender_short"]),
    ("Ouis", "Ouis", []),
    ("12345", None, ["sender_numeric"]),
    ("0612345678", None, ["sender_numeric"]),
    ("+33 6 12 34 56 78", None, ["sender_numeric"]),
    ("33712345678", None, ["sender_numeric"]),
    ("24-7", None, ["sender_shape"]),
    ("12", None, ["sender_shape"]),
    ("1234567890123456", None, ["sender_shape"]),
    ("---", None, ["sender_shape"]),
    ("你好", None, ["sender_shape"]),
    ("RDV", None, ["sender_word"]),
    ("r-d-v", None, ["sender_word"]),
    ("Alertis", "Alertis", []),
    ("", None, []),
    ("  ", None, []),
    (None, None, []),
]
BELGIUM = [
    ("Acme", None, ["sender_refused"]),
    ("8123", None, ["sender_numeric"]),
    ("", None, []),
]
SWITZERLAND = [
    ("Acme", "Acme", []),
    ("Salmon et fils", "Salmon et f", ["sender_mended"]),
    ("41781234567", "Chappe", ["sender_numeric"]),
    ("543", "Chappe", ["sender_numeric"]),
    ("你好", "Chappe", ["sender_shape"]),
    ("", "Chappe", ["sender_default"]),
    (None, "Chappe", ["sender_default"]),
]
OTHERS = [
    ("DE", "Acme", "Acme", []),
    ("DE", "4915112345678", "4915112345678", []),
    ("DE", "+49 151 12345678", "4915112345678", []),
    ("IT", "Acme", None, ["sender_unregistered"]),
    ("BG", "Acme", "Acme", ["sender_may_change"]),
    ("ZA", "Acme", "Acme", ["sender_may_change"]),
    ("RO", "Acme", "Acme", ["sender_may_change"]),
    ("US", "Acme", None, ["sender_refused"]),
    ("XX", "Acme", "Acme", []),
]


@pytest.mark.parametrize(
    ("country", "asked", "sent_as", "remarks"),
    [
        *(("FR", *row) for row in FRANCE),
        *(("BE", *row) for row in BELGIUM),
        *(("CH", *row) for row in SWITZERLAND),
        *OTHERS,
    ],
)
def test_each_kind_of_country_gets_a_sender_it_takes(
    country: str, asked: str | None, sent_as: str | None, remarks: list[str]
) -> None:
    sender = chosen(asked, country)
    assert (sender.text, codes(sender)) == (sent_as, remarks)


def test_a_remark_says_what_is_shown_instead() -> None:
    belgium = chosen("Acme", "BE", whose=account("Club"))
    assert [remark.text for remark in belgium.remarks] == [
        "Belgium takes no names as senders: the carrier's own number is shown instead"
    ]
    (said,) = chosen("RDV", "FR", whose=account("Club")).remarks
    assert said.text == "carriers in France refuse RDV as a sender: Club is shown instead"


@pytest.mark.parametrize("country", ["FR", "DE", "CH"])
def test_the_asked_comes_before_the_accounts_for_the_country_before_the_accounts(country: str) -> None:
    club, here = account("Club"), override("default_sender", "Here", country)
    elsewhere = override("default_sender", "Else", "PL")
    assert chosen("Acme", country, here, whose=club).text == "Acme"
    assert chosen("", country, here, elsewhere, whose=club).text == "Here"
    assert chosen("", country, elsewhere, whose=club).text == "Club"
    assert chosen("", country, elsewhere).text == ("Chappe" if country == "CH" else None)


def test_an_installations_default_is_for_countries_that_need_a_name() -> None:
    house = override("default_sender", "House", account=EVERYBODY)
    assert chosen("", "CH", house).text == "House"
    assert chosen("", "FR", house).text is None
    assert chosen("", "CH", house, whose=account("Club")).text == "Club"


def test_an_account_may_go_without_a_name_in_a_country() -> None:
    def without(country: str) -> Override:
        return override("default_sender", "", country)

    assert chosen("", "FR", without("FR"), whose=account("Club")).text is None
    assert chosen("", "DE", without("FR"), whose=account("Club")).text == "Club"
    assert chosen("", "CH", without("CH"), whose=account("Club")).text == "Chappe"


def test_a_sub_account_has_its_parents_default() -> None:
    parents = override("default_sender", "Parent", "FR", account=4)
    assert chosen("", "FR", parents, whose=account("Child", parent=4)).text == "Parent"


@pytest.mark.parametrize(("country", "number"), [("FR", "36180"), ("BE", "8123")])
def test_the_carriers_own_number_and_the_one_for_stop_may_be_asked_for(country: str, number: str) -> None:
    assert chosen(number, country, carrier_senders={country: (number,)}).text == number
    assert chosen(number, country, carrier_senders={EVERYWHERE: (number,)}).text == number
    assert chosen(number, country, carrier_senders={country: ("1999",), EVERYWHERE: (number,)}).text is None
    assert chosen(number, country, stop_number=number).text == number
    assert chosen(number, country, override("stop_number", number, country)).text == number
    assert chosen(number, "CH", carrier_senders={EVERYWHERE: (number,)}, stop_number=number).text == "Chappe"


def test_the_examples_number_for_stop_is_nobodys_sender() -> None:
    assert chosen("36173", "FR").text is None


def test_a_name_that_needs_a_registration_is_sent_exactly_as_it_was_approved() -> None:
    approved = {5: [("MyClub", "IT")]}
    for asked in ("MyClub", "myclub", "MYCLUB"):
        assert chosen(asked, "IT", approved=approved).text == "MyClub"
    assert chosen("MyClub2", "IT", approved=approved).text is None
    assert chosen("MyClub", "SG", approved=approved).text is None
    both = {5: [("MyClub", "IT"), ("MYCLUB", "IT")]}
    assert chosen("MYCLUB", "IT", approved=both).text == "MYCLUB"
    assert chosen("myClub", "IT", approved=both).text == "MyClub"


def test_an_approval_is_the_accounts_its_parents_or_everybodys() -> None:
    assert chosen("Acme", "SG", approved={5: [("Acme", EVERYWHERE)]}).text == "Acme"
    assert chosen("Acme", "SG", approved={EVERYBODY: [("Acme", "SG")]}).text == "Acme"
    assert chosen("Acme", "SG", approved={4: [("Acme", "SG")]}).text is None
    assert chosen("Acme", "SG", approved={4: [("Acme", "SG")]}, whose=account(parent=4)).text == "Acme"


def test_an_approval_lifts_what_needs_a_proof_and_not_what_no_network_shows() -> None:
    everywhere = {5: [("Info", EVERYWHERE), ("38123", "FR"), ("My Club", EVERYWHERE)]}
    assert chosen("info", "FR", approved=everywhere).text == "Info"
    assert chosen("38123", "FR", approved=everywhere).text == "38123"
    assert chosen("38123", "BE", approved=everywhere).text is None
    assert chosen("Info", "BE", approved=everywhere).text is None
    assert chosen("My Club", "FR", approved=everywhere).text == "MyClub"
    assert chosen("my-club", "TR", approved={5: [("MYCLUB", "TR")]}).text == "MYCLUB"


def test_an_approved_name_is_not_said_to_be_replaced_by_some_networks() -> None:
    assert codes(chosen("Acme", "ZA", approved={5: [("Acme", "ZA")]})) == []


def test_what_the_operator_sets_holds_over_the_countrys_file() -> None:
    assert chosen("Acme", "BE", override("sender", "allowed", "BE", EVERYBODY)) == Sender("Acme", (), "Acme")
    assert chosen("41781234567", "CH", override("numeric_sender", "allowed", "CH")).text == "41781234567"
    assert chosen("Acme Shop", "FR", override("sender_characters", "A-Za-z ", "FR")).text == "Acme Shop"
    assert chosen("Acme", "FR", override("sender_words", "acme, club", "FR")).text is None
    assert chosen("Acme", "FR", override("sender_min", "5", "FR")).text is None
    assert codes(chosen("Acme", "BG", override("sender", "allowed", "BG"))) == []


@pytest.mark.parametrize("value", ["Salmon et fils", "12", "Zoë"])
def test_a_default_that_no_network_shows_is_not_set(value: str) -> None:
    with pytest.raises(BadData, match="default_sender: must have at most 11"):
        check(override("default_sender", value, "FR"))


def test_only_names_cannot_be_answered() -> None:
    assert Sender("Acme").is_name
    assert not Sender("36180").is_name
    assert not Sender(None).is_name
