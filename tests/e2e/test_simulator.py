"""The simulated carrier keeps its promises, good and bad, on real sockets."""

import asyncio
from collections import Counter

import aiohttp
import msgspec
import pytest

from chappe.carriers.simulator import Simulator, SimulatorOptions, parse_shares
from chappe.carriers.simulator.journal import Stats
from chappe.telecom import receipts
from chappe.telecom.smpp import commands, status, tlv
from chappe.telecom.smpp.bodies import Query, QueryAnswer
from chappe.telecom.udh import concatenation_header
from tests.esme import esme, until
from tests.simulated import every_receipt, on_a_loop, options, text, texts

# -- what a good carrier does ----------------------------------------------------------------------------


@on_a_loop
async def test_every_submit_is_counted_answered_and_receipted_once() -> None:
    async with Simulator(options()) as carrier, esme(carrier.port) as customer:
        customer.submit(texts(500))
        await customer.settle(500)
        await every_receipt(customer, 500)
        ids = {message_id for state, message_id in customer.answers.values() if state == 0}
        assert len(ids) == 500
        assert {receipt.message_id for receipt in customer.receipts()} == ids
        await until(lambda: carrier.stats().acknowledged == 500, "acknowledged")
        stats = carrier.stats()
        assert (stats.received, stats.accepted, stats.distinct, stats.doubled) == (500, 500, 500, 0)
        assert (stats.receipts, stats.waiting) == ({"delivered": 500}, 0)
        assert Counter(message.destination for message in carrier.messages()) == Counter(
            message.destination for _, message in texts(500)
        )


@on_a_loop
async def test_parts_and_alphabets_are_shown_decoded() -> None:
    long = concatenation_header(7, 2, 2) + b"caf\x05"
    async with Simulator(options()) as carrier, esme(carrier.port) as customer:
        part = text(1)._replace(esm_class=0x40, short_message=long)
        wide = text(2)._replace(data_coding=8, short_message="👋 été".encode("utf-16-be"))
        payload = text(3)._replace(short_message=b"", tlvs=tlv.encode([(tlv.MESSAGE_PAYLOAD, b"far")]))
        customer.submit([(1, part), (2, wide), (3, payload)])
        await customer.settle(3)
        shown = [(message.text, message.part, message.parts) for message in carrier.messages()]
        assert shown == [("café", 2, 2), ("👋 été", 1, 1), ("far", 1, 1)]
        assert [message.text for message in carrier.messages("33600000002")] == ["👋 été"]
        assert [message.text for message in carrier.messages(latest=1)] == ["far"]


@on_a_loop
async def test_the_same_text_to_the_same_number_is_found_out_as_doubled() -> None:
    async with Simulator(options(keep="fingerprints")) as carrier, esme(carrier.port) as customer:
        customer.submit([(1, text(1)), (2, text(1)), (3, text(1, "other")), (4, text(2))])
        await customer.settle(4)
        assert (carrier.stats().distinct, carrier.stats().doubled) == (3, 1)
        assert carrier.messages() == []


@on_a_loop
async def test_only_the_latest_messages_are_kept() -> None:
    async with Simulator(options(keep_most=3)) as carrier, esme(carrier.port) as customer:
        customer.submit(texts(10))
        await customer.settle(10)
        assert [message.destination for message in carrier.messages()] == [f"336{n:08}" for n in (7, 8, 9)]
        assert carrier.stats().received == 10


@pytest.mark.parametrize(("asked", "outcomes"), [(0, set()), (1, {2, 5}), (2, {5}), (3, {2})])
def test_receipts_come_as_they_were_asked_for(asked: int, outcomes: set[int]) -> None:
    @on_a_loop
    async def receipts_come() -> None:
        behaviour = options(outcomes={"delivered": 50, "undeliverable": 50})
        async with Simulator(behaviour) as carrier, esme(carrier.port) as customer:
            customer.submit(texts(100, receipt=asked))
            await customer.settle(100)
            await every_receipt(customer, sum(carrier.stats().receipts.values()))
            found = {receipts.STATES[receipt.state].message_state for receipt in customer.receipts()}
            assert found == outcomes

    receipts_come()


@on_a_loop
async def test_outcomes_follow_their_weights() -> None:
    behaviour = options(outcomes={"delivered": 80, "rejected": 10, "expired": 5, "none": 5})
    async with Simulator(behaviour) as carrier, esme(carrier.port) as customer:
        customer.submit(texts(2000))
        await customer.settle(2000)
        planned = carrier.stats().receipts
        assert 1500 < planned["delivered"] < 1700
        assert 150 < planned["rejected"] < 250
        assert 60 < planned["expired"] < 140
        await every_receipt(customer, sum(planned.values()))
        assert Counter(receipt.state for receipt in customer.receipts()) == Counter(
            DELIVRD=planned["delivered"], REJECTD=planned["rejected"], EXPIRED=planned["expired"]
        )


@pytest.mark.parametrize(
    ("id_format", "answer", "report", "rule"),
    [
        ("decimal", "0000000255", "0000000255", "same"),
        ("hex", "000000ff", "000000ff", "same"),
        ("hex_then_decimal", "000000ff", "0000000255", "hex of decimal"),
        ("decimal_then_hex", "0000000255", "000000ff", "decimal of hex"),
    ],
)
def test_message_ids_are_written_in_every_confusing_way(id_format: str, answer: str, report: str, rule: str) -> None:
    @on_a_loop
    async def ids_are_written() -> None:
        async with Simulator(options(id_format=id_format, first_id=255)) as carrier, esme(carrier.port) as customer:
            customer.submit(texts(1))
            await every_receipt(customer, 1)
            assert customer.answers == {0: (0, answer)}
            (receipt,) = customer.receipts()
            assert receipt.message_id == report
            assert (rule, receipts.key(answer)) in receipts.match_keys(report)

    ids_are_written()


@pytest.mark.parametrize("form", ["text", "tlv", "both"])
def test_receipts_say_it_in_text_or_in_tlvs(form: str) -> None:
    @on_a_loop
    async def receipts_say_it() -> None:
        behaviour = options(receipt_form=form, outcomes={"undeliverable": 1})
        async with Simulator(behaviour) as carrier, esme(carrier.port) as customer:
            customer.submit(texts(1))
            await every_receipt(customer, 1)
            (delivery,), (receipt,) = customer.deliveries, customer.receipts()
            assert bool(delivery.short_message) == (form != "tlv")
            assert bool(delivery.tlvs) == (form != "text")
            assert (receipt.message_id, receipt.state, receipt.error) == ("0000000001", "UNDELIV", "001")
            assert (delivery.source, delivery.destination) == ("33600000000", "CHAPPE")

    receipts_say_it()


@on_a_loop
async def test_a_message_can_be_asked_about() -> None:
    async with Simulator(options(outcomes={"expired": 1})) as carrier, esme(carrier.port) as customer:
        customer.submit(texts(1, receipt=0))
        await customer.settle(1)
        now = asyncio.get_running_loop().time()
        for token, asked in ((1, "1"), (2, "999")):
            customer.session.request(token, commands.QUERY_SM, Query(asked, 5, 0, "CHAPPE"), now)
        customer.flush()
        await until(lambda: len(customer.responses) == 2, "both questions answered")
        assert customer.responses[1].body == QueryAnswer("1", "", 3, 27)
        assert customer.responses[2].status == 0x67


@on_a_loop
async def test_replies_come_in_parts_when_they_are_long() -> None:
    async with Simulator(options()) as carrier, esme(carrier.port) as customer:
        assert carrier.reply("33612345678", "36000", "STOP", count=2) == 2
        assert carrier.reply("33612345678", "36000", "é" * 200) == 2
        await every_receipt(customer, 4)
        assert [message.short_message for message in customer.deliveries[:2]] == [b"STOP", b"STOP"]
        assert [message.esm_class for message in customer.deliveries] == [0, 0, 0x40, 0x40]
        assert customer.receipts() == []


# -- what a bad carrier does -----------------------------------------------------------------------------


@on_a_loop
async def test_above_the_rate_submits_are_throttled() -> None:
    async with Simulator(options(rate=10)) as carrier, esme(carrier.port) as customer:
        customer.submit(texts(50))
        await customer.settle(50)
        results = Counter(state for state, _ in customer.answers.values())
        assert set(results) == {0, status.ESME_RTHROTTLED}
        assert 10 <= results[0] <= 20
        assert carrier.stats().refused == {"ESME_RTHROTTLED": results[status.ESME_RTHROTTLED]}


@on_a_loop
async def test_a_share_of_submits_is_refused() -> None:
    behaviour = options(refuse={"ESME_RSYSERR": 20, "0x400": 10})
    async with Simulator(behaviour) as carrier, esme(carrier.port) as customer:
        customer.submit(texts(1000))
        await customer.settle(1000)
        results = Counter(state for state, _ in customer.answers.values())
        assert 150 < results[status.ESME_RSYSERR] < 250
        assert 60 < results[0x400] < 140
        assert carrier.stats().accepted == results[0]


@on_a_loop
async def test_a_share_of_submits_is_taken_and_never_answered() -> None:
    async with Simulator(options(unanswered=100)) as carrier, esme(carrier.port) as customer:
        customer.submit(texts(3))
        await every_receipt(customer, 3)
        assert customer.answers == {}
        assert (carrier.stats().accepted, carrier.stats().unanswered) == (3, 3)
        customer.tick(ahead_s=11.0)
        assert customer.timed_out == [0, 1, 2]


@on_a_loop
async def test_answers_take_their_time_and_overtake_each_other() -> None:
    async with Simulator(options(latency_s=0.05, latency_jitter_s=0.1)) as carrier, esme(carrier.port) as customer:
        began = asyncio.get_running_loop().time()
        customer.submit(texts(50))
        await customer.settle(50)
        assert asyncio.get_running_loop().time() - began >= 0.05
        assert customer.answered_in_order != sorted(customer.answered_in_order)


@on_a_loop
async def test_a_late_answer_is_still_an_answer() -> None:
    async with Simulator(options(latency_s=0.2)) as carrier, esme(carrier.port) as customer:
        customer.submit(texts(2))
        customer.tick(ahead_s=11.0)
        assert customer.timed_out == [0, 1]
        await until(lambda: len(customer.late) == 2, "late answers")
        assert customer.late[0] == (0, "0000000001")


@on_a_loop
async def test_receipts_may_come_before_the_answer() -> None:
    async with Simulator(options(early_receipts=True, latency_s=0.1)) as carrier, esme(carrier.port) as customer:
        customer.submit(texts(3))
        await customer.settle(3)
        assert customer.order.index("Deliveries") < customer.order.index("Answers")
        assert len(customer.receipts()) == 3


@on_a_loop
async def test_receipts_may_come_out_of_order() -> None:
    async with Simulator(options(receipt_spread_s=0.2)) as carrier, esme(carrier.port) as customer:
        customer.submit(texts(50))
        await every_receipt(customer, 50)
        ids = [receipt.message_id for receipt in customer.receipts()]
        assert len(set(ids)) == 50
        assert ids != sorted(ids)


@on_a_loop
async def test_the_link_is_cut_after_so_many_submits_the_last_unanswered() -> None:
    async with Simulator(options(drop_after=5)) as carrier:
        async with esme(carrier.port, window=1) as customer:
            customer.submit(texts(10))
            await until(lambda: customer.lost is not None, "the link cut")
            assert sorted(customer.answers) == [0, 1, 2, 3]
            assert customer.lost is not None
            assert customer.lost.written == [4]
        stats = carrier.stats()
        assert (stats.received, stats.accepted, stats.unanswered, stats.dropped) == (5, 5, 1, 1)


@on_a_loop
async def test_receipts_without_acknowledgement_come_again_after_the_next_bind() -> None:
    async with Simulator(options()) as carrier:
        async with esme(carrier.port) as deaf:
            deaf.acknowledge_with = None
            deaf.submit(texts(20))
            await every_receipt(deaf, 20)
            carrier.drop()
            await until(lambda: deaf.lost is not None, "the link cut")
        assert carrier.stats().waiting == 20
        async with esme(carrier.port, "somebody-else") as other, esme(carrier.port) as again:
            await every_receipt(again, 20)
            assert [r.message_id for r in again.receipts()] == [r.message_id for r in deaf.receipts()]
            assert other.deliveries == []
            await until(lambda: carrier.stats().acknowledged == 20, "acknowledged")


@on_a_loop
async def test_a_receipt_that_is_turned_down_comes_again() -> None:
    async with Simulator(options()) as carrier, esme(carrier.port) as customer:
        customer.acknowledge_with = status.ESME_RX_T_APPN
        customer.submit(texts(1))
        await every_receipt(customer, 1)
        customer.acknowledge_with = 0
        await every_receipt(customer, 2)
        assert len({receipt.message_id for receipt in customer.receipts()}) == 1
        assert carrier.stats().turned_down == 1


@on_a_loop
async def test_receipts_never_exceed_the_window() -> None:
    async with Simulator(options(window=3)) as carrier, esme(carrier.port) as customer:
        customer.acknowledge_with = None
        customer.submit(texts(10))
        await customer.settle(10)
        await every_receipt(customer, 3)
        assert [bind.in_flight for bind in carrier.stats().binds] == [3]
        assert len(customer.deliveries) == 3


@on_a_loop
async def test_a_transmitter_gets_no_receipts_but_the_receiver_of_its_account_does() -> None:
    async with (
        Simulator(options()) as carrier,
        esme(carrier.port, command=commands.BIND_TRANSMITTER) as sender,
        esme(carrier.port, command=commands.BIND_RECEIVER) as receiver,
    ):
        sender.submit(texts(5))
        await every_receipt(receiver, 5)
        assert sender.deliveries == []


@on_a_loop
async def test_what_waits_for_nobody_is_bounded() -> None:
    async with Simulator(options(waiting_most=10)) as carrier:
        carrier.reply("336", "36000", "Hello", count=25, system_id="absent")
        assert (carrier.stats().waiting, carrier.stats().forgotten) == (10, 15)


@pytest.mark.parametrize(
    ("system_id", "password", "expected"),
    [("user", "secret", None), ("user", "wrong", status.ESME_RINVPASWD), ("who", "secret", status.ESME_RINVSYSID)],
)
def test_only_known_customers_may_bind(system_id: str, password: str, expected: int | None) -> None:
    @on_a_loop
    async def only_known() -> None:
        async with (
            Simulator(options(accounts={"user": "secret"})) as carrier,
            esme(carrier.port, system_id, password) as customer,
        ):
            assert (customer.refused.status if customer.refused else None) == expected
            assert carrier.stats().binds_refused == (expected is not None)

    only_known()


@on_a_loop
async def test_every_bind_may_be_refused() -> None:
    async with Simulator(options(bind_status="ESME_RBINDFAIL")) as carrier, esme(carrier.port) as customer:
        assert customer.refused is not None
        assert customer.refused.status == status.ESME_RBINDFAIL


# -- control -------------------------------------------------------------------------------------------


@on_a_loop
async def test_control_over_http_does_what_it_says() -> None:
    async with (
        Simulator(options()) as carrier,
        aiohttp.ClientSession(f"http://127.0.0.1:{carrier.control_port}") as http,
        esme(carrier.port) as customer,
    ):
        customer.submit(texts(1))
        await every_receipt(customer, 1)
        async with http.get("/stats") as answer:
            assert msgspec.json.decode(await answer.read(), type=Stats).received == 1
        async with http.get("/messages", params={"to": "33600000000"}) as answer:
            assert [message["text"] for message in await answer.json()] == ["Hello"]
        async with http.post("/mo", json={"from": "33612345678", "to": "36000", "text": "STOP", "count": 3}) as answer:
            assert await answer.json() == {"parts": 3}
        await every_receipt(customer, 4)
        async with http.post("/set", json={"refuse": {"ESME_RSYSERR": 100}}) as answer:
            assert (await answer.json())["refuse"] == {"ESME_RSYSERR": 100}
        customer.submit([(99, text(99))])
        await until(lambda: 99 in customer.answers, "the refusal")
        assert customer.answers[99] == (status.ESME_RSYSERR, "")
        async with http.post("/reset") as answer:
            assert answer.status == 200
        assert carrier.stats().received == 0
        async with http.post("/drop") as answer:
            assert await answer.json() == {"dropped": 1}
        await until(lambda: customer.lost is not None, "the link cut")


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/set", {"port": 1}, "port cannot change"),
        ("/set", {"colour": 1}, "unknown option colour"),
        ("/set", {"rate": "fast"}, "rate"),
        ("/set", {"outcomes": {"eaten": 1}}, "unknown outcome"),
        ("/set", {"refuse": {"ESME_RSYSERR": 60}, "unanswered": 60}, "at most 100"),
        ("/mo", {"from": "336"}, "missing"),
        ("/mo", {"from": "336", "to": "1", "text": "x"}, "nobody has bound"),
    ],
)
def test_control_says_what_is_wrong(path: str, body: dict[str, object], words: str) -> None:
    @on_a_loop
    async def control_says() -> None:
        async with (
            Simulator(options()) as carrier,
            aiohttp.ClientSession(f"http://127.0.0.1:{carrier.control_port}") as http,
            http.post(path, json=body) as answer,
        ):
            assert answer.status == 400
            assert words in (await answer.json())["error"]

    control_says()


@on_a_loop
async def test_a_port_that_is_taken_is_told_and_nothing_stays_open() -> None:
    async with Simulator(options()) as carrier:
        for taken in ({"port": carrier.port}, {"control_port": carrier.control_port}):
            with pytest.raises(OSError, match="in use"):
                async with Simulator(options(**taken)):
                    pass


# -- options -------------------------------------------------------------------------------------------


def test_shares_are_read_from_the_command_line() -> None:
    assert parse_shares("delivered=95, rejected=2.5") == {"delivered": 95.0, "rejected": 2.5}
    assert parse_shares("") == {}
    for wrong in ("delivered", "delivered=many"):
        with pytest.raises(ValueError):
            parse_shares(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcomes": {"delivered": -1}},
        {"outcomes": {"delivered": 0}},
        {"bind_status": "ESME_NONSENSE"},
        {"refuse": {"ESME_ROK": 5}},
        {"refuse": {"-1": 5}},
        {"unanswered": 101},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        SimulatorOptions(**wrong)  # type: ignore[arg-type]
