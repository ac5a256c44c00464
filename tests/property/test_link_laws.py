"""What holds for every code of a short link."""

import itertools
from collections import Counter
from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.links import ALPHABET, CODE_CHARACTERS, MAX_LINKS, MAX_MESSAGE_ID, LinkCodes

secrets = st.binary(min_size=32, max_size=32)
messages = st.integers(0, MAX_MESSAGE_ID)
positions = st.integers(0, MAX_LINKS - 1)
codes = st.text(st.sampled_from(ALPHABET), min_size=CODE_CHARACTERS, max_size=CODE_CHARACTERS)
MANY = LinkCodes(b"s" * 32).of(1_000_000, 20_000, 0)


@given(secrets, messages, positions)
def test_a_code_is_read_as_what_it_was_made_from(secret: bytes, message: int, position: int) -> None:
    (code,) = LinkCodes(secret).of(message, 1, position)
    assert LinkCodes(secret).read(code) == (message, position)


@given(secrets, codes)
def test_every_text_of_the_form_is_the_code_of_exactly_one_link(secret: bytes, code: str) -> None:
    found = LinkCodes(secret).read(code)
    assert found is not None
    assert LinkCodes(secret).of(found[0], 1, found[1]) == [code]


@given(secrets, st.integers(0, MAX_MESSAGE_ID - 20), st.integers(0, 20), positions)
def test_many_codes_at_once_are_those_of_one_at_a_time(secret: bytes, first: int, count: int, position: int) -> None:
    one_by_one = [LinkCodes(secret).of(first + i, 1, position)[0] for i in range(count)]
    assert LinkCodes(secret).of(first, count, position) == one_by_one


@given(secrets, secrets, messages)
def test_another_secret_gives_other_codes(one: bytes, other: bytes, message: int) -> None:
    assert (LinkCodes(one).of(message, 1, 0) == LinkCodes(other).of(message, 1, 0)) == (one == other)


def test_the_codes_of_consecutive_messages_are_all_different() -> None:
    assert len(set(MANY)) == len(MANY)


def test_each_character_is_as_frequent_as_any_other_at_each_place() -> None:
    expected = len(MANY) / len(ALPHABET)
    for place in range(CODE_CHARACTERS):
        found = Counter(code[place] for code in MANY)
        chi_squared = sum((found[character] - expected) ** 2 / expected for character in ALPHABET)
        assert chi_squared < 120, place  # 55 degrees of freedom: 1 in a million


def test_neighbours_have_no_more_in_common_than_strangers() -> None:
    equal = sum(a == b for one, other in itertools.pairwise(MANY) for a, b in zip(one, other, strict=True))
    expected = (len(MANY) - 1) * CODE_CHARACTERS / len(ALPHABET)
    assert abs(equal - expected) < 6 * expected**0.5


def test_a_code_says_nothing_of_the_order_in_which_messages_were_sent() -> None:
    rises = sum(one < other for one, other in itertools.pairwise(MANY))
    assert abs(rises - len(MANY) / 2) < 6 * (len(MANY) / 12) ** 0.5


def test_the_round_keys_are_not_the_secret() -> None:
    secret = b"s" * 32
    assert secret not in LinkCodes(secret)._keys
    assert len(set(LinkCodes(secret)._keys)) == 6
    assert blake2b(b"link code 0", key=secret, digest_size=32).digest() == LinkCodes(secret)._keys[0]
