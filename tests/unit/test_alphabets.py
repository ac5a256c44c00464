"""Which alphabet a text is written in where tables of languages may be used."""

import pytest

from chappe.domain.encodings import alphabet_of, encoding_name, encoding_of, language_of
from chappe.domain.measure import measurer
from chappe.telecom.alphabets import announced, choose
from chappe.telecom.gsm7 import DEFAULT, LANGUAGES, Language, by_ids, national
from chappe.telecom.udh import Element, find_languages, languages, split_udh
from tests.unit.test_segments import FILE, National

TURKISH: tuple[Language, ...] = ("turkish",)
SPANISH: tuple[Language, ...] = ("spanish",)


@pytest.mark.parametrize(
    ("text", "known", "encoding", "parts"),
    [
        ("Hello {you} for 5 €", LANGUAGES, 0, 1),
        ("Şifreniz: 1234, güvenliğiniz için", ("turkish",), 16, 1),
        ("Su código es 1234", ("spanish",), 32, 1),
        ("Sua encomenda não será entregue", ("portuguese",), 48, 1),
        ("ş" * 77, ("turkish",), 16, 1),  # 154 septets with the shift table
        ("ş" * 78, ("turkish",), 256, 1),  # 156: one part with the locking table only
        ("ş" * 155, ("turkish",), 256, 1),
        ("ã" * 150 + "Φ", ("portuguese",), 816, 1),  # 152 septets; only the shift table has the Greek letter
        ("ş" * 60 + "[]" * 20, ("turkish",), 256, 1),
    ],
)
def test_the_fewest_parts_win_and_then_the_most_harmless_table(
    text: str, known: tuple[Language, ...], encoding: int, parts: int
) -> None:
    assert measurer(False, 10, known)(text) == (text, encoding, parts)


def test_look_alikes_are_replaced_and_do_not_call_for_a_table() -> None:
    assert choose("“Hello” – it’s me", LANGUAGES)[:2] == (DEFAULT, '"Hello" - it\'s me')


def test_letters_of_the_table_stay_and_others_are_replaced_as_ever() -> None:
    chosen = choose("Şu “çay” žlutý 🎉", TURKISH)
    assert chosen.text == 'Şu "çay" zluty ?'
    assert [change.character for change in chosen.changes] == ["“", "”", "ž", "ý", "🎉"]


def test_a_text_that_no_table_helps_stays_in_the_plain_alphabet() -> None:
    assert choose("Привет", LANGUAGES).alphabet is DEFAULT
    assert choose("Şule", SPANISH).alphabet is DEFAULT


def test_the_language_that_keeps_most_letters_is_taken() -> None:
    assert choose("Promoção, não, ş", LANGUAGES).alphabet is national(single="portuguese")


def test_an_accent_sent_apart_is_put_on_its_letter_first() -> None:
    assert choose("s\u0327eker", TURKISH)[:2] == (national(single="turkish"), "şeker")


@pytest.mark.parametrize("vector", FILE.national_vectors, ids=lambda v: f"{v.language}-{v.mode}-{v.septets}")
def test_the_texts_of_the_vectors_keep_their_letters_in_one_part(vector: National) -> None:
    text, encoding, parts = measurer(False, 10, (vector.language.lower(),))(vector.text)  # type: ignore[arg-type]
    assert (text, parts) == (vector.text, 1)
    assert alphabet_of(encoding) is by_ids(vector.language_id, 0)


def test_an_encoding_says_in_words_what_it_is() -> None:
    names = [encoding_name(code) for code in (0, 1, 16, 32, 768, 272)]
    assert names == [
        "GSM-7",
        "UCS-2",
        "GSM-7 with the Turkish shift table",
        "GSM-7 with the Spanish shift table",
        "GSM-7 with the Portuguese locking table",
        "GSM-7 with the Turkish shift and locking tables",
    ]
    assert language_of(1) is None


@pytest.mark.parametrize("code", [2, 17, 64, 512, 4096, 65_536])
def test_a_number_that_is_no_encoding_is_not_taken_for_one(code: int) -> None:
    with pytest.raises(ValueError, match=r"there is no|no locking table"):
        alphabet_of(code)


def test_every_alphabet_has_a_number_of_its_own() -> None:
    found = [national(single=language) for language in LANGUAGES]
    found += [
        national(locking="turkish"),
        national(locking="portuguese"),
        national(single="turkish", locking="turkish"),
    ]
    assert len({encoding_of(alphabet) for alphabet in found}) == len(found)


def test_a_header_announces_its_languages_and_is_read_back() -> None:
    elements = languages(1, 3)
    assert elements == (Element(0x24, b"\x01"), Element(0x25, b"\x03"))
    assert find_languages(elements) == (1, 3)
    assert languages(0, 0) == ()
    assert announced(split_udh(b"\x03\x24\x01\x01")[0]) is national(single="turkish")


def test_a_language_nobody_knows_is_read_as_plain_letters() -> None:
    assert announced((Element(0x24, b"\x0d"),)) is DEFAULT
    assert announced((Element(0x24, b""), Element(0x25, b"\x01\x01"))) is DEFAULT
