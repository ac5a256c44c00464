"""What replies want: opt-outs read leniently, questions who writes, and those that only look like it."""

import json
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chappe.domain.countries import countries, country
from chappe.domain.notices import contact_answer
from chappe.domain.reply_kinds import ReplyKind, reply_kind

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors/replies.json").read_text())["vectors"]
# Words that countries' files list with their opt-outs and that are none.
NO_OPTOUTS: Final = {
    "CONTACT (asks who sends, not an opt-out)": "contact",
    "HELP (information)": "reply",
    "HELP": "reply",
    "AIDE": "reply",
    "INFO": "reply",
    "START": "start",
    "ALLOW": "reply",
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['country']} {vector['text']!r}")
def test_a_reply_is_read_as_written_in_the_vectors(vector: dict[str, Any]) -> None:
    kind = reply_kind(vector["text"], vector["country"])
    assert kind == vector["kind"]
    assert vector["strict"] in ("reply", kind), "the lenient reading takes more than the strict one, and nothing else"


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("Bonjour, stop s'il vous plaît", "FR", "stop"),
        ("arrêtez merci", "FR", "stop"),
        ("S T O P", "FR", "stop"),
        ("BAJA", "ES", "stop"),
        ("BAJA", "FR", "reply"),
        ("退订", "CN", "stop"),
        ("İPTAL", "TR", "stop"),
        ("ZAKOŃCZ", "PL", "stop"),
        ("Abmelden bitte", "DE", "stop"),
        ("ARRÊT", "CA", "stop"),
        ("B", "AE", "stop"),
        ("B", "GB", "reply"),
        ("arrêt bus Gare", "FR", "reply"),
        ("The bus stop is on the left, see you", "GB", "reply"),
        ("Stop " * 200, "FR", "reply"),
        ("CONTACT SVP", "FR", "contact"),
        ("Cóntact ?!", "FR", "contact"),
        ("c.o.n.t.a.c.t", "FR", "contact"),
        ("Contact au 36173", "FR", "contact"),
        ("contact me", "GB", "reply"),
        ("pas contact", "FR", "reply"),
        ("CONTACT STOP", "FR", "stop"),
        ("« start »", "FR", "start"),
        ("Start please", "FR", "reply"),
    ],
)
def test_courtesy_hides_nothing_and_a_story_is_only_a_reply(text: str, country: str, expected: str) -> None:
    assert reply_kind(text, country) == expected


def test_every_word_that_a_country_has_for_opting_out_is_one() -> None:
    for code in countries():
        stop = country(code).stop
        for word in stop.value.keywords if stop else ():
            bare = word.split(" (")[0]
            assert reply_kind(bare, code) == NO_OPTOUTS.get(word, "stop"), (code, word)


@pytest.mark.parametrize("lang", ["EN", "FR", "IT"])
def test_our_answer_to_contact_asks_no_other_platform_for_anything(lang: str) -> None:
    assert reply_kind(contact_answer(lang, "Acme"), "FR") == "reply"


@given(st.text(max_size=400), st.sampled_from(["FR", "US", None]))
def test_any_text_can_be_read(text: str, country: str | None) -> None:
    assert reply_kind(text, country) in get_args(ReplyKind)
