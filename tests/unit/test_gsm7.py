"""The seven-bit alphabet: the vectors, the tables themselves, and octets that are wrong."""

from pathlib import Path

import msgspec
import pytest

from chappe.telecom import gsm7, ucs2
from chappe.telecom.udh import fill_bits, split_udh

VECTORS = Path(__file__).parents[1] / "vectors" / "encoding.json"


class Octets(msgspec.Struct):
    text: str
    gsm_unpacked_hex: str | None = None
    gsm_packed_hex: str | None = None
    septets: int | None = None
    ucs2_hex: str | None = None


class PackedWithHeader(msgspec.Struct):
    text: str
    udh_hex: str
    fill_bits: int
    tp_ud_hex: str
    udl_septets: int


class File(msgspec.Struct):
    byte_vectors: list[Octets]
    udh_packing_examples: list[PackedWithHeader]


FILE = msgspec.json.decode(VECTORS.read_bytes(), type=File)
IN_GSM = [vector for vector in FILE.byte_vectors if vector.gsm_unpacked_hex is not None]
IN_UCS2 = [vector for vector in FILE.byte_vectors if vector.ucs2_hex is not None]


@pytest.mark.parametrize("vector", IN_GSM, ids=lambda vector: vector.text)
def test_a_text_becomes_the_septets_of_its_vector_and_comes_back(vector: Octets) -> None:
    octets = gsm7.encode(vector.text)
    assert octets.hex() == vector.gsm_unpacked_hex
    assert gsm7.septets(vector.text) == len(octets) == vector.septets
    assert gsm7.decode(octets) == vector.text


@pytest.mark.parametrize("vector", IN_GSM, ids=lambda vector: vector.text)
def test_septets_are_packed_as_in_their_vector_and_unpacked_again(vector: Octets) -> None:
    octets = gsm7.encode(vector.text)
    packed = gsm7.pack(octets)
    assert packed.hex() == vector.gsm_packed_hex
    assert gsm7.unpack(packed, count=len(octets)) == octets


@pytest.mark.parametrize("vector", IN_UCS2, ids=lambda vector: vector.text)
def test_a_text_beyond_the_alphabet_becomes_utf16(vector: Octets) -> None:
    octets = ucs2.encode(vector.text)
    assert octets.hex() == vector.ucs2_hex
    assert ucs2.units(vector.text) * 2 == len(octets)
    assert ucs2.decode(octets) == vector.text


@pytest.mark.parametrize("vector", FILE.udh_packing_examples, ids=lambda vector: vector.udh_hex)
def test_packed_septets_start_at_a_septet_boundary_behind_a_header(vector: PackedWithHeader) -> None:
    header = bytes.fromhex(vector.udh_hex)
    fill = fill_bits(len(header))
    assert fill == vector.fill_bits
    user_data = header + gsm7.pack(gsm7.encode(vector.text), fill_bits=fill)
    assert user_data.hex() == vector.tp_ud_hex
    count = vector.udl_septets - (len(header) * 8 + fill) // 7
    _, rest = split_udh(user_data)
    assert gsm7.decode(gsm7.unpack(rest, count=count, fill_bits=fill)) == vector.text


def test_every_septet_but_the_escape_is_a_character_of_its_own() -> None:
    everything = bytes(range(128)).replace(b"\x1b", b"")
    text = gsm7.decode(everything)
    assert len(set(text)) == 127
    assert gsm7.encode(text) == everything


@pytest.mark.parametrize("character", "\f^{}\\[~]|€")
def test_a_character_of_the_extension_table_takes_two_septets(character: str) -> None:
    assert gsm7.is_gsm7(character)
    assert gsm7.septets(character) == len(gsm7.encode(character)) == 2


@pytest.mark.parametrize("character", "`çáíóúêâîôûœŒ«»’–…\u00a0\t\0\x1b😀")
def test_a_character_outside_the_alphabet_is_named(character: str) -> None:
    text = f"abc{character}"
    assert not gsm7.is_gsm7(text)
    for measure in (gsm7.encode, gsm7.septets):
        with pytest.raises(gsm7.NotInAlphabet, match=f"U\\+{ord(character):04X}") as caught:
            measure(text)
        assert (caught.value.character, caught.value.position) == (character, 3)


def test_nine_is_the_capital_c_with_cedilla() -> None:
    assert gsm7.decode(b"\x09") == "Ç"


def test_an_unknown_code_after_the_escape_reads_as_the_plain_character() -> None:
    assert gsm7.decode(b"a\x1bbc\x1b\x65") == "abc€"


def test_an_escape_that_escapes_nothing_reads_as_a_space() -> None:
    assert gsm7.decode(b"a\x1b") == "a "
    assert gsm7.decode(b"a\x1b\x1bb") == "a b"


def test_an_octet_that_is_no_septet_reads_as_unknown() -> None:
    assert gsm7.decode(b"a\xe9b\x1b\xff") == "a\ufffdb\ufffd"


def test_turkish_needs_no_escape_with_its_locking_table() -> None:
    turkish = gsm7.national(locking="turkish")
    assert turkish.is_plain("Şğıİç")
    assert not turkish.has("è")
    assert turkish.locking_id == 1
    assert turkish.single_id == 0


def test_a_language_with_both_tables_prefers_the_one_without_escape() -> None:
    both = gsm7.national(single="portuguese", locking="portuguese")
    assert both.septets("ãê") == 2
    assert both.decode(both.encode("ãêÔΦ")) == "ãêÔΦ"
    assert both.septets("Φ") == 2


def test_spanish_has_no_locking_table() -> None:
    assert gsm7.national(single="spanish").septets("á") == 2
    with pytest.raises(ValueError, match="no locking table"):
        gsm7.national(locking="spanish")


def test_seven_packed_octets_hold_eight_septets_unless_told_otherwise() -> None:
    packed = gsm7.pack(gsm7.encode("1234567"))
    assert gsm7.unpack(packed) == gsm7.encode("1234567@")
    assert gsm7.unpack(packed, count=7) == gsm7.encode("1234567")
    assert gsm7.unpack(packed, count=99) == gsm7.unpack(packed)
    assert gsm7.unpack(b"") == b""
