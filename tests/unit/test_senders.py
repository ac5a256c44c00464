"""Senders as carriers will take them: mended, never refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.sender_shape import MAX_ALPHANUMERIC, plain_sender, shape


@pytest.mark.parametrize(
    ("asked", "text", "kind"),
    [
        ("Shop", "Shop", "alphanumeric"),
        ("  Shop ", "Shop", "alphanumeric"),
        ("Salmon et fils", "Salmon et f", "alphanumeric"),
        ("Chez le bon coin", "Chez le bon", "alphanumeric"),
        ("Café Zoë", "Cafe Zoe", "alphanumeric"),
        ("3615 Ulla", "3615 Ulla", "alphanumeric"),
        ("A&B", "A&B", "alphanumeric"),
        ("Shop\r\nX", "ShopX", "alphanumeric"),
        ("Shop🎉", "Shop", "alphanumeric"),
        ("36180", "36180", "short"),
        ("118", "118", "short"),
        ("33612345678", "33612345678", "international"),
        ("+33612345678", "33612345678", "international"),
        ("123456789012345", "123456789012345", "international"),
        ("٣٦١٨٠", None, None),
        ("你好", None, None),
        ("", None, None),
        ("   ", None, None),
        ("\x00\x01", None, None),
    ],
)
def test_a_sender_is_mended_to_what_networks_take(asked: str, text: str | None, kind: str | None) -> None:
    assert plain_sender(asked) == text
    if text is not None:
        assert shape(text) == kind


@given(st.text(max_size=40))
def test_whatever_is_asked_the_sender_fits_into_the_address_field(asked: str) -> None:
    text = plain_sender(asked)
    if text is not None:
        assert text.isascii()
        assert text.isprintable()
        assert text == text.strip()
        assert 1 <= len(text) <= (15 if shape(text) == "international" else MAX_ALPHANUMERIC)
        assert plain_sender(text) == text
