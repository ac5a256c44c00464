"""Laws of submits over SMPP: however a text is cut and whatever comes first, it is one message at one price."""

import asyncio
import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from chappe.domain.bind_users import BindUser
from chappe.domain.bound_deliveries import Told, read_told, replies_of, told_text
from chappe.domain.bound_submits import BoundSubmit, Taken, decoded, encoded, needs_unicode
from chappe.domain.requests import SubmitRequest
from chappe.store import messages
from chappe.surfaces.smpp_server.reading import read_submit
from chappe.telecom import gsm7
from chappe.telecom.segments import is_blank, normalise_text
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.udh import concatenation_header
from tests.bound import HELLO, add_user, use_cases
from tests.sending import installation

# What each part holds over the air; a customer may cut shorter.
WIDTHS = {"gsm7": 153, "ucs2": 134}
FORMS = ("udh8", "udh16", "sar", "payload")
LETTERS = st.text(st.sampled_from("abc XYZ\n€[~éèüÑ5!'") | st.sampled_from("êşΩ漢字😀’œ"), min_size=1, max_size=500)


def cut(text: str, form: str, reference: int, widths: random.Random) -> list[ShortMessage]:
    """A text as some client writes it."""
    coding = "ucs2" if gsm7.DEFAULT.outside(text) else "gsm7"
    octets = gsm7.encode(text) if coding == "gsm7" else text.encode("utf-16-be")
    base = HELLO._replace(data_coding=8 if coding == "ucs2" else 0, short_message=b"")
    if form == "payload":
        return [base._replace(tlvs=tlv.encode([(tlv.MESSAGE_PAYLOAD, octets)]))]
    pieces, at = [], 0
    while at < len(octets):
        # Anywhere, also within a character: what arrives has to be joined before it is read.
        step = widths.randint(WIDTHS[coding] // 3, WIDTHS[coding])
        pieces.append(octets[at : at + step])
        at += step
    if len(pieces) == 1:
        return [base._replace(short_message=octets)]
    return [_part(base, form, reference, len(pieces), i, piece) for i, piece in enumerate(pieces, 1)]


def _part(base: ShortMessage, form: str, reference: int, total: int, number: int, piece: bytes) -> ShortMessage:
    if form == "sar":
        place = [("sar_msg_ref_num", reference), ("sar_total_segments", total), ("sar_segment_seqnum", number)]
        return base._replace(short_message=piece, tlvs=tlv.encode([tlv.value_of(*each) for each in place]))
    header = concatenation_header(reference, total, number, reference_bits=8 if form == "udh8" else 16)
    return base._replace(esm_class=0x40, short_message=header + piece)


@given(LETTERS, st.sampled_from(FORMS), st.integers(0, 255), st.randoms(use_true_random=False), st.booleans())
@settings(deadline=None, max_examples=60)
def test_a_text_cut_in_any_way_and_order_is_one_message_at_the_price_of_http(
    text: str, form: str, reference: int, dice: random.Random, at_once: bool
) -> None:
    if is_blank(normalise_text(text)):
        return
    parts = cut(text, form, reference, dice)
    came = dice.sample(range(len(parts)), len(parts))
    repeated = [dice.choice(came) for _ in range(dice.randint(0, 2))] if len(parts) > 1 and not at_once else []

    async def run(folder: Path) -> None:
        async with installation(folder) as site:
            user = await add_user(site.store, site.account)
            http = await site.use_cases.submitter.simulate(
                site.account, SubmitRequest(text, ["+33612345678"], sender="SHOP", is_unicode=needs_unicode(text))
            )
            cases = use_cases(site.store, site.ids, site.use_cases)
            order = came if at_once else [*came[:-1], *(each for each in repeated if each != came[-1]), came[-1]]
            submits = [_read(user, parts[i]) for i in order]
            before = await site.credits()
            if at_once:
                results = await cases.submitter.submit(user, submits)
            else:
                results = [(await cases.submitter.submit(user, [submit]))[0] for submit in submits]
            assert all(isinstance(result, Taken) for result in results), results
            refs = {i: result.ref for i, result in zip(order, results, strict=True) if isinstance(result, Taken)}
            assert len(set(refs.values())) == len(parts)
            assert before - await site.credits() == http.cost
            found = {cases.changes.query(user, ref) for ref in refs.values()}
            [asked] = found
            assert asked is not None
            assert asked.standing is not None
            detail = site.store.glance(lambda tx: messages.detail(tx, asked.standing.id))  # type: ignore[union-attr]
            assert detail is not None
            assert detail.text == (normalise_text(text) if needs_unicode(text) else gsm7_of(text))
            assert detail.sender == "SHOP"

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


def gsm7_of(text: str) -> str:
    from chappe.telecom.transliterate import to_gsm7

    return to_gsm7(text).text


def _read(user: BindUser, body: ShortMessage) -> BoundSubmit:
    submit = read_submit(user, body, 0)
    assert decoded(encoded(submit)) == submit
    return submit


@given(st.text(min_size=1, max_size=2000).filter(lambda text: not any("\ud800" <= each <= "\udfff" for each in text)))
def test_the_parts_of_a_reply_are_the_reply(text: str) -> None:
    parts = replies_of("33612345678", "36180", text, 300)
    assert "".join(part.text for part in parts) == text
    assert [part.part for part in parts] == list(range(1, parts[0].total + 1))
    assert {part.reference for part in parts} == {300 & 0xFF}


@given(st.lists(st.tuples(st.integers(1, 10**15), st.integers(0, 31)), max_size=300))
def test_ids_are_kept_with_what_was_asked_for(pairs: list[tuple[int, int]]) -> None:
    told = [Told(*pair) for pair in pairs]
    assert read_told(told_text(told)) == told
