"""The policies for messages whose end nobody told, as an operator writes them and as they decide."""

import pytest

from chappe.carriers.addresses import Addresses
from chappe.carriers.connection import Outgoing, Question
from chappe.carriers.kinds import decode_options, encode_options
from chappe.carriers.questions import answer_of, query_of
from chappe.carriers.smpp_options import SmppOptions
from chappe.carriers.submits import Writer
from chappe.domain.errors import BadData
from chappe.domain.lifecycle import Dlr
from chappe.domain.outcomes import ReceiptIn
from chappe.domain.plans import ALERT, MARKETING, SINGLE
from chappe.domain.unknown import (
    GIVE_UP,
    HOLD,
    QUERY,
    RESEND,
    UnknownPolicies,
    UnknownPolicy,
    Unknowns,
    pause_s,
    read_policies,
)
from chappe.telecom.receipts import Dialect
from chappe.telecom.smpp import tlv
from chappe.telecom.smpp.bodies import Empty, Query, QueryAnswer

NOW, MINUTE, DAY = 1_937_000_000_000, 60_000, 86_400_000
END = NOW + DAY
NONE = UnknownPolicies()
QUESTION = Question(1, 0, "abc1", 33612345678, "MyClub")


@pytest.mark.parametrize(
    ("said", "alert", "marketing"),
    [
        ([], HOLD, HOLD),
        (["hold"], HOLD, HOLD),
        (["resend"], RESEND, RESEND),
        (["alert=resend:30x1"], UnknownPolicy("resend", 30, 1), HOLD),
        (["resend:5x3", "marketing=hold"], UnknownPolicy("resend", 5, 3), HOLD),
        (["alert=query", "marketing=give-up:600"], QUERY, UnknownPolicy("give-up", 600)),
        ([" ALERT=Query:60x4 "], UnknownPolicy("query", 60, 4), HOLD),
    ],
)
def test_policies_are_read_as_they_are_said(said: list[str], alert: UnknownPolicy, marketing: UnknownPolicy) -> None:
    assert read_policies(said, NONE) == UnknownPolicies(alert, marketing)


@pytest.mark.parametrize(
    "said",
    ["", "never", "sms=hold", "hold:60", "resend:0x2", "resend:60x0", "resend:60x11", "query:60x21", "give-up:60x2",
     "give-up:604801", "resend:-5x2", "alert=", "resend:60:2"],
)  # fmt: skip
def test_what_is_no_policy_is_refused_with_a_hint(said: str) -> None:
    with pytest.raises(BadData):
        read_policies([said], NONE)


@pytest.mark.parametrize("policies", [NONE, UnknownPolicies(RESEND, RESEND), UnknownPolicies(QUERY, GIVE_UP)])
def test_what_is_printed_can_be_said_again_and_options_keep_it(policies: UnknownPolicies) -> None:
    assert read_policies(str(policies).split(), NONE) == policies
    options = SmppOptions(unknown=policies)
    assert decode_options("smpp", encode_options(options)) == options


def test_each_policy_decides_at_its_time() -> None:
    resend, give_up = Unknowns(UnknownPolicies(RESEND, GIVE_UP)), Unknowns(UnknownPolicies(GIVE_UP, RESEND))
    held = END + DAY
    assert Unknowns().decides_at(SINGLE, NOW, END, 0) == held
    assert resend.decides_at(ALERT, NOW, END, 0) == NOW + MINUTE
    assert resend.decides_at(ALERT, NOW, END, RESEND.times) == held, "after the last resend its receipt is waited for"
    assert resend.decides_at(ALERT, NOW, NOW + MINUTE, 0) == NOW + MINUTE + DAY, "nothing is sent after its validity"
    assert give_up.decides_at(SINGLE, NOW, END, 0) == NOW + 60 * MINUTE
    assert resend.decides_at(MARKETING, NOW, END, 0) == NOW + 60 * MINUTE


def test_a_policy_that_has_changed_decides_as_it_is_now() -> None:
    resend = Unknowns(UnknownPolicies(RESEND))
    assert resend.verdict(SINGLE, NOW, END, 0) == "resend"
    assert resend.verdict(SINGLE, NOW, END, RESEND.times) == "wait"
    assert resend.verdict(SINGLE, END, END, 0) == "wait"
    assert Unknowns().verdict(SINGLE, NOW, END, 0) == "wait"
    assert Unknowns().verdict(SINGLE, END + DAY, END, 0) == "give up"
    assert Unknowns(UnknownPolicies(GIVE_UP)).verdict(SINGLE, NOW, END, 0) == "give up"
    assert Unknowns(UnknownPolicies(GIVE_UP)).verdict(SINGLE, NOW, END, 0, since=NOW - 60_000) == "wait"
    assert resend.verdict(SINGLE, NOW, END, 0, since=NOW - 59_999) == "wait"
    assert resend.verdict(SINGLE, NOW, END, 0, since=NOW - 60_000) == "resend"


def test_nobody_can_be_asked_about_what_was_not_answered_so_it_is_held_or_sent_again_where_that_is_safe() -> None:
    asking = UnknownPolicies(QUERY, QUERY)
    assert Unknowns(asking).unanswered(SINGLE) == HOLD
    assert Unknowns(asking, is_idempotent=True).unanswered(SINGLE) == RESEND
    assert Unknowns(NONE, is_idempotent=True).unanswered(SINGLE) == HOLD, "what is to be held is held"


def test_pauses_between_questions_double() -> None:
    assert [pause_s(QUERY, asked) for asked in range(5)] == [300, 600, 1200, 2400, 4800]
    assert pause_s(QUERY, 20) == 86_400
    assert pause_s(UnknownPolicy("query", 200_000, 3), 2) == 200_000


def test_a_question_names_the_id_and_the_sender_it_was_submitted_with() -> None:
    assert query_of(Addresses(SmppOptions()), QUESTION) == Query("abc1", 5, 0, "MyClub")
    assert query_of(Addresses(SmppOptions(sender="36180")), QUESTION._replace(sender=None)) == Query(
        "abc1", 3, 0, "36180"
    )


@pytest.mark.parametrize(
    ("state", "error", "dlr", "is_final"),
    [(2, 0, 3, True), (1, 0, 1, False), (5, 1, 2, True), (5, 27, 5, True), (3, 0, 12, True), (8, 0, 9, True),
     (7, 0, 11, False), (6, 0, 1, False), (77, 0, 1, False)],
)  # fmt: skip
def test_an_answer_is_read_as_a_receipt_but_that_nobody_knows_is_no_end(
    state: int, error: int, dlr: int, is_final: bool
) -> None:
    found = answer_of(QUESTION, 0, QueryAnswer("abc1", "", state, error), Dialect({"27": Dlr.INVALID_DESTINATION}))
    assert isinstance(found, ReceiptIn)
    assert (found.ref, found.number, found.dlr, found.is_final) == ("abc1", 33612345678, dlr, is_final)


def test_a_carrier_that_does_not_know_or_cannot_be_read_says_nothing() -> None:
    assert answer_of(QUESTION, 0x67, Empty(), Dialect()) == "ESME_RQUERYFAIL"
    assert answer_of(QUESTION, 0x0C, Empty(), Dialect()) == "ESME_RINVMSGID"
    assert answer_of(QUESTION, 0, Empty(), Dialect()) == "an answer that cannot be read"


def test_a_carrier_that_takes_a_submit_once_gets_the_same_reference_for_each_part_every_time() -> None:
    def references(options: SmppOptions, message: int) -> list[int | None]:
        bodies = Writer(options).write(Outgoing(message, 33612345678, "x" * 400, None, 0, 3, 60)).pieces
        return [tlv.find_int(body.tlvs, tlv.TLVS["user_message_reference"].tag) for body in bodies]

    safe = SmppOptions(is_idempotent=True)
    assert references(safe, 7) == references(safe, 7)
    assert len(set(references(safe, 7) + references(safe, 8))) == 6
    assert references(SmppOptions(), 7) == [None, None, None]
