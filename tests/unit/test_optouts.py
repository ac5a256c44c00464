"""Replies that ask not to be written to any more, and those that only look like it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.optouts import is_optout

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors/optouts.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['country']} {vector['text']!r}")
def test_a_reply_is_read_as_written_in_the_vectors(vector: dict[str, Any]) -> None:
    assert is_optout(vector["text"], vector["country"]) is vector["is_optout"]


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("Bonjour, stop s'il vous plaît", "FR", True),
        ("arrêtez merci", "FR", True),
        ("S T O P", "FR", True),
        ("BAJA", "ES", True),
        ("BAJA", "FR", False),
        ("arrêt bus Gare", "FR", False),
        ("The bus stop is on the left, see you", "GB", False),
        ("Stop " * 200, "FR", False),
    ],
)
def test_courtesy_does_not_hide_an_optout_and_a_story_is_none(text: str, country: str, expected: bool) -> None:
    assert is_optout(text, country) is expected


@given(st.text(max_size=400), st.sampled_from(["FR", "US", None]))
def test_any_text_can_be_read(text: str, country: str | None) -> None:
    assert is_optout(text, country) in (True, False)
