"""What may be registered as a sender: what would be sent as it stands, and what the law lets a business use."""

import pytest

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData
from chappe.domain.notices import sender_notice
from chappe.domain.registrations import registrable
from tests.rulebooks import rules_of

SHOP = rules_of(Account(5, 5, None, "shop@example.org", "FR", None))


@pytest.mark.parametrize(
    ("text", "country", "registered"),
    [
        ("MyClub", "SG", "MyClub"),
        (" MyClub ", "SG", "MyClub"),
        ("My Club", "SG", "My Club"),
        ("MYCLUB", "TR", "MYCLUB"),
        ("Info", "FR", "Info"),
        ("My Club", "", "My Club"),
        ("36180", "FR", "36180"),
        ("+41 78 123 45 67", "CH", "41781234567"),
        ("8123", "", "8123"),
    ],
)
def test_what_would_be_sent_as_it_stands_may_be_registered(text: str, country: str, registered: str) -> None:
    assert registrable(text, country, SHOP) == registered


@pytest.mark.parametrize(
    ("text", "country", "reason"),
    [
        ("Salmon et fils", "SG", "at most 11 printable ASCII"),
        ("Zoë", "SG", "at most 11 printable ASCII"),
        ("12", "SG", "3 to 15 digits"),
        ("My Club", "FR", "would be sent as 'MyClub' in France"),
        ("MyClub", "TR", "would be sent as 'MYCLUB' in"),
        ("MyClub42", "IN", "would be sent as 'MyClub' in India"),
        ("No", "ES", "at least 3 characters in Spain"),
        ("MyClub", "BE", "Belgium takes none as senders"),
        ("0612345678", "FR", "mobile number"),
        ("+33 7 12 34 56 78", "FR", "mobile number"),
        ("33612345678", "", "mobile number"),
    ],
)
def test_what_would_not_is_refused_with_the_reason(text: str, country: str, reason: str) -> None:
    with pytest.raises(BadData, match=reason) as refused:
        registrable(text, country, SHOP)
    assert refused.value.field == "sender.text"


@pytest.mark.parametrize(
    ("lang", "approved", "refused", "everywhere"),
    [
        ("EN", "is approved", "is not approved", "every country"),
        ("fr", "est accepté", "n'est pas accepté", "tous les pays"),
        ("IT", "è approvato", "non è approvato", "tutti i paesi"),
        ("DE", "is approved", "is not approved", "every country"),
    ],
)
def test_the_decision_is_told_in_the_language_of_the_account(
    lang: str, approved: str, refused: str, everywhere: str
) -> None:
    yes = sender_notice(lang, "shop@example.org", "{MyClub}", "SG (Singapore)", "as filed", is_approved=True)
    no = sender_notice(lang, "shop@example.org", "MyClub", None, "no proof", is_approved=False)
    assert approved in yes.subject
    assert refused in no.subject
    assert all(word in yes.body for word in ("shop@example.org", "{MyClub}", "SG (Singapore)", "as filed"))
    assert everywhere in no.body
