"""The query of a URL."""

from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.errors import BadData
from chappe.surfaces.http.smsfactor.query import MAX_FIELDS, query_of


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=5), st.sampled_from([quote, quote_plus]))
def test_what_is_percent_encoded_is_read_back(fields: dict[str, str], encode: object) -> None:
    assert callable(encode)
    text = "&".join(f"{encode(name, safe='')}={encode(value, safe='')}" for name, value in fields.items())
    assert query_of(text.encode()) == fields


@given(st.text(st.sampled_from("x=+%41&"), max_size=20))
def test_odd_queries_are_read_as_the_standard_library_reads_them(text: str) -> None:
    assert query_of(text.encode()) == dict(parse_qsl(text, keep_blank_values=True))


def test_the_last_field_of_a_name_counts_and_a_bare_name_is_empty() -> None:
    assert query_of(b"a=1&null&a=2&=x&b=1=2") == {"a": "2", "null": "", "": "x", "b": "1=2"}


def test_a_query_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(BadData, match="query: must be UTF-8"):
        query_of(b"text=caf%E9")


def test_a_query_of_too_many_fields_is_refused() -> None:
    assert query_of(b"&".join([b"a=1"] * MAX_FIELDS)) == {"a": "1"}
    with pytest.raises(BadData, match="query: has more than"):
        query_of(b"&".join([b"a=1"] * (MAX_FIELDS + 1)))
