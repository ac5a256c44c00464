"""What customers submit over SMPP and what becomes of it: the rules of HTTP, in the words of SMPP."""

from pathlib import Path

import pytest

from chappe.domain.lifecycle import Dlr
from chappe.domain.rulebook import EVERYWHERE, Defaults, Override
from chappe.manage.rules import RuleSettings
from chappe.pipeline import bound_parts as keeping
from chappe.pipeline.bound_parts import PartExpirer
from chappe.pipeline.enqueue import Enqueuer
from chappe.pipeline.moderate import Moderator
from chappe.pipeline.rules import Rules
from chappe.store import exclusions
from chappe.store.exclusions import NewExclusion
from chappe.telecom import gsm7
from chappe.telecom.receipts import Receipt
from chappe.telecom.smpp import commands, tlv
from chappe.telecom.smpp.bodies import (
    Cancel,
    DataSm,
    Destination,
    FailedDestination,
    Query,
    QueryAnswer,
    Replace,
    ShortMessage,
    SubmitMulti,
    SubmitMultiAnswer,
)
from chappe.telecom.udh import concatenation_header
from tests.bound import HELLO, add_user, asked, customer, rows, served, submitted
from tests.builders import STRANGER_EMAIL, on_loop
from tests.esme import Esme, until
from tests.sending import Sending

LATER = "000001000000000R"  # in a day
ME = ("5", "0", "SHOP")


def part(reference: int, total: int, number: int, text: bytes = b"", **more: object) -> ShortMessage:
    header = concatenation_header(reference, total, number)
    body = HELLO._replace(esm_class=0x40, short_message=header + (text or f"<{number}>".encode()))
    return body._replace(**more)  # type: ignore[arg-type]


def texts(site: Sending) -> list[str]:
    sql = "SELECT COALESCE(m.text, c.text) FROM message m JOIN campaign c ON c.id = m.campaign_id ORDER BY m.id"
    return [row[0] for row in rows(site.store, sql)]


async def query(bound: Esme, message_id: str) -> tuple[int, int]:
    """(command_status, message_state)."""
    answer = await asked(bound, commands.QUERY_SM, Query(message_id, 5, 0, "SHOP"))
    return answer.status, answer.body.message_state if isinstance(answer.body, QueryAnswer) else -1


async def cancel(bound: Esme, message_id: str) -> int:
    return (await asked(bound, commands.CANCEL_SM, Cancel(message_id, 5, 0, "SHOP", 1, 1, "33612345678"))).status


async def replace(bound: Esme, message_id: str, text: bytes, **more: object) -> int:
    body = Replace(message_id, 5, 0, "SHOP", text, **more)  # type: ignore[arg-type]
    return (await asked(bound, commands.REPLACE_SM, body)).status


async def receipts(bound: Esme, count: int) -> list[Receipt]:
    await until(lambda: len(bound.deliveries) >= count, f"{count} receipts")
    return bound.receipts()


@on_loop
async def test_a_text_is_accepted_with_everything_that_was_said_about_it(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        body = HELLO._replace(
            source_ton=2, source="0612345678", short_message=gsm7.encode("5 € [à]"),
            schedule_delivery_time="000000020000000R", validity_period="000000030000000R",
            tlvs=tlv.encode([tlv.value_of("user_message_reference", 77)]),
        )  # fmt: skip
        [(status, message_id)] = await submitted(bound, body)
        assert status == 0
        [(id_, text, sender, ref, send_at, expires_at, created_at)] = rows(
            site.store,
            "SELECT m.id, c.text, c.sender, m.client_ref, c.send_at, c.expires_at, c.created_at FROM message m"
            " JOIN campaign c ON c.id = m.campaign_id",
        )
        assert (str(id_), text, ref) == (message_id, "5 € [à]", "77")
        assert sender in ("33612345678", None)  # as France has it
        assert 7_190_000 < send_at - created_at < 7_210_000
        assert 3_590_000 < expires_at - send_at < 3_610_000
        assert await site.credits() == 999


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (HELLO._replace(destination="123"), 0x0B),
        (HELLO._replace(destination="33145678901"), 0x0B),  # a fixed line
        (HELLO._replace(destination="33611111111"), 0x410),
        (HELLO._replace(destination="33622222222"), 0x0B),
        (HELLO._replace(destination="34612345678"), 0x411),
        (HELLO._replace(short_message=b""), 0x01),
        (HELLO._replace(short_message=b"  \n "), 0x01),
        (HELLO._replace(short_message=b"", tlvs=tlv.encode([(tlv.MESSAGE_PAYLOAD, b"long " * 1000)])), 0x01),
        (HELLO._replace(short_message=b"\x80"), 0x104),
        (HELLO._replace(data_coding=8, short_message=b"odd"), 0x104),
    ],
    ids=["invalid", "not mobile", "opted out", "nobody's", "country", "empty", "blank", "too long", "no septet", "odd"],
)
@on_loop
async def test_what_the_rules_refuse_is_answered_with_why_and_costs_nothing(
    tmp_path: Path, body: ShortMessage, status: int
) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        await site.store.write(lambda tx: exclusions.add(tx, 1, "blacklist", [NewExclusion(33611111111)], 0))
        await site.store.write(lambda tx: exclusions.add(tx, 1, "npai", [NewExclusion(33622222222)], 0))
        override = Override(site.account.id, "ES", "may_send", "no", "tests")
        await RuleSettings(site.store, Defaults()).set([override], "tests")
        assert [found for found, _ in await submitted(bound, body)] == [status]
        assert rows(site.store, "SELECT id FROM campaign") == []
        assert await site.credits() == 1000


@on_loop
async def test_credits_are_spent_to_the_last_and_not_beyond(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        await site.use_cases.credits.add(site.account, -997)
        answers = [status for status, _ in await submitted(bound, *[HELLO] * 6)]
        assert sorted(answers) == [0, 0, 0, 0x413, 0x413, 0x413]
        assert await site.credits() == 0
        assert len(texts(site)) == 3


@on_loop
async def test_limits_of_the_account_hold_over_smpp_too(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        override = Override(site.account.id, EVERYWHERE, "messages_per_day", "4", "tests")
        await RuleSettings(site.store, Defaults()).set([override], "tests")
        answers = [status for status, _ in await submitted(bound, *[HELLO] * 9)]
        assert sorted(answers) == [0] * 4 + [0x412] * 5
        assert len(texts(site)) == 4


@on_loop
async def test_marketing_is_what_the_operator_says_it_is(tmp_path: Path) -> None:
    async with served(tmp_path, kind="marketing") as (site, office), customer(office) as bound:
        assert [status for status, _ in await submitted(bound, HELLO)] == [0]
        [(kind, text)] = rows(site.store, "SELECT kind, text FROM campaign")
        assert kind == "marketing"
        assert "STOP" in text


@on_loop
async def test_data_sm_carries_a_text_as_well(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        payload = tlv.encode([(tlv.MESSAGE_PAYLOAD, b"Hello")])
        answer = await asked(bound, commands.DATA_SM, DataSm(5, 0, "SHOP", 1, 1, "33612345678", 0, 0, 1, tlvs=payload))
        assert answer.status == 0
        assert answer.body.message_id.isdigit()  # type: ignore[union-attr]
        assert texts(site) == ["Hello"]


@on_loop
async def test_submit_multi_has_one_id_and_tells_whom_it_left_out(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        await site.store.write(lambda tx: exclusions.add(tx, 1, "blacklist", [NewExclusion(33611111111)], 0))
        given = ("33612345678", "nobody", "33611111111", "33712345678", "33612345678")
        wanted = tuple(Destination(each, 1, 1) for each in given)
        answer = await asked(bound, commands.SUBMIT_MULTI, SubmitMulti(5, 0, "SHOP", wanted, 0, 0, b"Hello", 1))
        assert answer.status == 0
        assert isinstance(answer.body, SubmitMultiAnswer)
        assert answer.body.failures == (
            FailedDestination(1, 1, "nobody", 0x0B), FailedDestination(1, 1, "33611111111", 0x410),
        )  # fmt: skip
        assert [row[0] for row in rows(site.store, "SELECT number FROM message")] == [33612345678, 33712345678]
        assert await site.credits() == 998
        assert await query(bound, answer.body.message_id) == (0, 1)
        assert await cancel(bound, answer.body.message_id) == 0
        assert await site.credits() == 1000
        found = await receipts(bound, 2)
        assert {(each.message_id, each.state) for each in found} == {(answer.body.message_id, "DELETED")}
        assert {delivery.source for delivery in bound.deliveries} == {"33612345678", "33712345678"}


@on_loop
async def test_submit_multi_counts_each_destination_towards_the_rate(tmp_path: Path) -> None:
    async with served(tmp_path, rate=4) as (site, office), customer(office) as bound:
        wanted = tuple(Destination(f"336123456{i:02}", 1, 1) for i in range(100))
        body = SubmitMulti(5, 0, "SHOP", wanted, 0, 0, b"Hello")
        answers = [(await asked(bound, commands.SUBMIT_MULTI, body)).status for _ in range(3)]
        assert answers == [0, 0x58, 0x58]
        assert [status for status, _ in await submitted(bound, HELLO)] == [0x58]
        assert await site.credits() == 900


@on_loop
async def test_submit_multi_to_nobody_is_refused_with_the_reasons(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        wanted = (Destination("nobody", 1, 1), Destination("12", 0, 0))
        answer = await asked(bound, commands.SUBMIT_MULTI, SubmitMulti(5, 0, "SHOP", wanted, 0, 0, b"Hello", 1))
        assert answer.status == 0x0B
        assert rows(site.store, "SELECT id FROM campaign") == []


# -- long texts


@on_loop
async def test_parts_that_come_one_by_one_are_one_message_with_an_id_each(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound, customer(office) as other:
        first = await submitted(bound, part(7, 3, 3))
        second = await submitted(other, part(7, 3, 1))
        assert texts(site) == []
        assert await query(bound, first[0][1]) == (0, 1)
        third = await submitted(bound, part(7, 3, 2))
        assert texts(site) == ["<1><2><3>"]
        assert await site.credits() == 999
        ids = [message_id for _, message_id in (*first, *second, *third)]
        assert len(set(ids)) == 3
        assert [await query(bound, each) for each in ids] == [(0, 1)] * 3
        assert rows(site.store, "SELECT ref FROM bound_part") == []
        assert await cancel(bound, ids[0]) == 0
        await until(lambda: len(bound.deliveries + other.deliveries) == 3, "a receipt for each, on any bind")
        assert {each.message_id for each in bound.receipts() + other.receipts()} == set(ids)


@on_loop
async def test_only_parts_that_ask_for_a_receipt_get_one(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, office), customer(office) as bound:
        answers = await submitted(bound, part(7, 2, 1, registered_delivery=0), part(7, 2, 2))
        assert await cancel(bound, answers[0][1]) == 0
        assert [each.message_id for each in await receipts(bound, 1)] == [answers[1][1]]


@on_loop
async def test_a_part_that_comes_again_keeps_its_id_and_makes_no_second_message(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        [first, again] = [(await submitted(bound, part(7, 2, 1)))[0] for _ in range(2)]
        assert first == again
        await submitted(bound, part(7, 2, 2))
        assert texts(site) == ["<1><2>"]


@on_loop
async def test_a_reference_that_is_used_again_never_mixes_two_texts(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        await submitted(bound, part(7, 2, 1, b"a1"))
        await submitted(bound, part(7, 2, 1, b"b1"), part(7, 2, 2, b"a2"))
        await submitted(bound, part(7, 2, 2, b"b2"))
        assert sorted(texts(site)) == ["a1a2", "b1b2"]
        await submitted(bound, part(7, 2, 1, b"c1"), part(7, 2, 2, b"c2"))
        assert texts(site)[-1] == "c1c2"


@on_loop
async def test_parts_to_others_from_others_and_in_another_form_are_other_parts(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        others = [
            part(7, 2, 2, destination="33712345678"), part(7, 2, 2, source="OTHER"), part(7, 3, 2),
            HELLO._replace(tlvs=tlv.encode([
                tlv.value_of("sar_msg_ref_num", 7), tlv.value_of("sar_total_segments", 2),
                tlv.value_of("sar_segment_seqnum", 2),
            ])),
        ]  # fmt: skip
        answers = await submitted(bound, part(7, 2, 1), *others)
        assert {status for status, _ in answers} == {0}
        assert texts(site) == []


@on_loop
async def test_parts_that_stay_alone_expire_and_cost_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        [(_, message_id)] = await submitted(bound, part(7, 2, 1))
        await PartExpirer(site.store, wait_s=3600).once()
        assert len(rows(site.store, "SELECT ref FROM bound_part")) == 1
        await PartExpirer(site.store, wait_s=-1).once()
        [receipt] = await receipts(bound, 1)
        assert (receipt.message_id, receipt.state) == (message_id, "EXPIRED")
        assert rows(site.store, "SELECT ref FROM bound_part") == []
        assert await site.credits() == 1000
        assert await query(bound, message_id) == (0x0C, 0)


@on_loop
async def test_a_text_that_is_refused_when_it_is_whole_rejects_its_parts(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        await site.store.write(lambda tx: exclusions.add(tx, 1, "blacklist", [NewExclusion(33612345678)], 0))
        [(status, message_id)] = await submitted(bound, part(7, 2, 1))
        assert status == 0
        [(last, _)] = await submitted(bound, part(7, 2, 2))
        assert last == 0x410
        [receipt] = await receipts(bound, 1)
        assert (receipt.message_id, receipt.state) == (message_id, "REJECTD")
        assert rows(site.store, "SELECT ref FROM bound_part") == []
        assert [status for status, _ in await submitted(bound, part(8, 2, 1), part(8, 2, 2))] == [0x410] * 2


@on_loop
async def test_a_part_for_no_number_is_refused_at_once_and_too_many_are_told_to_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path) as (_, office), customer(office) as bound:
        assert [s for s, _ in await submitted(bound, part(7, 2, 1, destination="12"))] == [0x0B]
        monkeypatch.setattr(keeping, "MAX_WAITING", 3)
        answers = [(await submitted(bound, part(reference, 2, 1)))[0][0] for reference in range(5)]
        assert answers == [0, 0, 0, 0x14, 0x14]
        assert [s for s, _ in await submitted(bound, part(9, 2, 1), part(9, 2, 2))] == [0, 0]


# -- changes


@on_loop
async def test_what_no_carrier_has_seen_is_taken_back_with_its_credits(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        [(_, message_id)] = await submitted(bound, HELLO)
        assert await query(bound, message_id) == (0, 1)
        assert await cancel(bound, message_id) == 0
        assert await site.credits() == 1000
        assert await query(bound, message_id) == (0, 4)
        [receipt] = await receipts(bound, 1)
        assert (receipt.message_id, receipt.state) == (message_id, "DELETED")
        assert await cancel(bound, message_id) == 0x11
        assert await cancel(bound, "") == 0x11


@on_loop
async def test_parts_that_wait_for_others_are_taken_back_together_and_cannot_be_replaced(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        sent = await submitted(bound, part(7, 3, 1), part(7, 3, 3), part(8, 2, 1))
        (first, third, other) = [message_id for _, message_id in sent]
        assert await query(bound, third) == (0, 1)
        assert await replace(bound, third, b"shorter") == 0x13
        assert await cancel(bound, third) == 0
        found = await receipts(bound, 2)
        assert {(each.message_id, each.state) for each in found} == {(first, "DELETED"), (third, "DELETED")}
        assert rows(site.store, "SELECT ref FROM bound_part") == [(int(other),)]
        for each in (first, third):
            assert await query(bound, each) == (0x0C, 0)
            assert await cancel(bound, each) == 0x0C
        # What comes too late is no message: its others are gone.
        await submitted(bound, part(7, 3, 2), part(8, 2, 2))
        assert texts(site) == ["<1><2>"]
        assert await site.credits() == 999


@on_loop
async def test_a_text_is_replaced_under_the_same_id_at_its_own_price(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        await site.use_cases.credits.add(site.account, -997)
        [(_, message_id)] = await submitted(bound, HELLO._replace(schedule_delivery_time=LATER))
        payload = tlv.encode([(tlv.MESSAGE_PAYLOAD, b"four parts" * 50)])
        assert await replace(bound, message_id, b"", tlvs=payload) == 0x413
        assert await site.credits() == 2
        assert await replace(bound, message_id, b"x" * 200) == 0
        assert await site.credits() == 1
        assert await replace(bound, message_id, b"shorter", registered_delivery=0xE1) == 0
        assert rows(site.store, "SELECT refs, registered FROM bound_message") == [(f"{message_id}/1", 1)]
        assert await site.credits() == 2
        [(text, send_at, created_at)] = rows(
            site.store,
            "SELECT c.text, c.send_at, c.created_at FROM message m JOIN campaign c ON c.id = m.campaign_id"
            " WHERE m.state = 0",
        )
        assert text == "shorter"
        assert send_at - created_at > 80_000_000
        assert bound.deliveries == []
        assert await query(bound, message_id) == (0, 1)
        assert await cancel(bound, message_id) == 0
        assert [each.message_id for each in await receipts(bound, 1)] == [message_id]
        assert await replace(bound, message_id, b"too late") == 0x13
        assert await site.credits() == 3


@on_loop
async def test_a_message_that_replaces_one_that_waits_takes_its_place(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        update = HELLO._replace(replace_if_present=1)
        [(_, first)] = await submitted(bound, update)
        [(_, second)] = await submitted(bound, update._replace(short_message=b"Better"))
        await submitted(bound, update._replace(destination="33712345678"), HELLO)
        assert first != second
        states = rows(site.store, "SELECT state, number FROM message ORDER BY id")
        assert [row for row in states if row[0] == 0] == [(0, 33612345678), (0, 33712345678), (0, 33612345678)]
        assert await site.credits() == 997
        assert await query(bound, first) == (0x0C, 0)
        assert await query(bound, second) == (0, 1)


@on_loop
async def test_another_customers_messages_are_not_there(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        stranger = site.use_cases.accounts.find(STRANGER_EMAIL)
        await add_user(site.store, stranger, "stranger", "secret")
        await add_user(site.store, site.account, "branch", "secret")
        [(_, message_id), *parts] = await submitted(bound, HELLO, part(7, 2, 1), part(7, 2, 2))
        [(_, waiting)] = await submitted(bound, part(8, 2, 1))
        for system_id in ("stranger", "branch"):
            async with customer(office, system_id) as other:
                for each in (message_id, parts[0][1], parts[1][1], waiting, "0", "x", "9" * 30):
                    assert await query(other, each) == (0x0C, 0)
                    assert await cancel(other, each) == 0x0C
                    assert await replace(other, each, b"stolen") == 0x0C
                await submitted(other, part(8, 2, 2))
        assert await query(bound, message_id) == (0, 1)
        assert len(texts(site)) == 2


@on_loop
async def test_a_message_that_is_held_is_accepted_and_rejected_when_a_person_says_no(tmp_path: Path) -> None:
    async with served(tmp_path) as (site, office), customer(office) as bound:
        override = Override(site.account.id, EVERYWHERE, "hold_words", "casino", "tests")
        await RuleSettings(site.store, Defaults()).set([override], "tests")
        [(status, message_id)] = await submitted(bound, HELLO._replace(short_message=b"casino"))
        assert status == 0
        await _moderator(site).refuse(1, "tests", "no")
        [receipt] = await receipts(bound, 1)
        assert (receipt.message_id, receipt.state, receipt.error) == (message_id, "REJECTD", f"{Dlr.NOT_ALLOWED:03}")
        assert await site.credits() == 1000


def _moderator(site: Sending) -> Moderator:
    enqueuer = Enqueuer(site.store, Rules(site.store, Defaults()), validity_s=3600)
    return Moderator(site.store, site.ids, enqueuer, validity_s=3600, moderation_days=7)
