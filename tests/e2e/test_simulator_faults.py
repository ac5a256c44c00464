"""Every fault of the script language really happens on the wire, and is counted for what it was."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from chappe.carriers.simulator import Simulator
from chappe.carriers.simulator.tally import Place, Summary, print_of
from chappe.runtime.cli.simulator import simulator
from chappe.telecom.smpp import oddities, status
from chappe.telecom.smpp.commands import State
from tests.esme import Esme, esme, until
from tests.server import CHAPPE, free_port
from tests.simulated import every_receipt, give_up, long_text, on_a_loop, options, playing, text, texts


def statuses(customer: Esme) -> Counter[int]:
    return Counter(state for state, _ in customer.answers.values())


async def lost(customer: Esme) -> None:
    await until(lambda: customer.lost is not None, "the link cut")


# -- answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [("throttle", status.ESME_RTHROTTLED), ("queue full", status.ESME_RMSGQFUL), ("refuse 0x400", 0x400)],
)
def test_a_share_is_refused_and_nothing_else(fault: str, refusal: int) -> None:
    @on_a_loop
    async def a_share_is_refused() -> None:
        async with playing(f"{fault} 30%") as (carrier, customer):
            customer.submit(texts(300))
            await customer.settle(300)
            found = statuses(customer)
            assert 60 < found[refusal] < 120
            assert found[0] == 300 - found[refusal]
            await every_receipt(customer, found[0])
            stats, summary = carrier.stats(), carrier.summary()
            assert stats.faults == {f"{fault.replace('0x400', '0x00000400')} 30%": found[refusal]}
            assert (summary.taken_once, summary.never_taken, summary.refused) == (
                found[0],
                found[refusal],
                found[refusal],
            )
            assert (summary.answered, summary.receipts_due) == (found[0], found[0])

    a_share_is_refused()


@on_a_loop
async def test_faults_end_when_their_time_is_over() -> None:
    async with playing("throttle for 5m", speed=400) as (_, customer):
        customer.submit([(1, text(1))])
        await customer.settle(1)
        await asyncio.sleep(0.8)
        customer.submit([(2, text(2))])
        await customer.settle(2)
        assert customer.answers[1][0] == status.ESME_RTHROTTLED
        assert customer.answers[2][0] == 0


@on_a_loop
async def test_numbers_are_chosen_by_beginning_and_end() -> None:
    async with playing("refuse 0x45 to 3360000000,*15\nthrottle to *16 once") as (_, customer):
        customer.submit(texts(20))
        customer.submit([(20, text(16, "again"))])
        await customer.settle(21)
        refused = {number for number, (state, _) in customer.answers.items() if state == 0x45}
        assert refused == {*range(10), 15}
        assert [customer.answers[number][0] for number in (16, 20)] == [status.ESME_RTHROTTLED, 0]


@on_a_loop
async def test_some_are_never_answered_and_never_forgotten() -> None:
    async with playing("never answer every 2nd") as (carrier, customer):
        customer.submit(texts(10))
        await every_receipt(customer, 10)
        assert sorted(customer.answers) == [0, 2, 4, 6, 8]
        give_up(customer)
        assert customer.timed_out == [1, 3, 5, 7, 9]
        await until(lambda: carrier.summary().receipts_acknowledged == 10, "acknowledged")
        summary = carrier.summary()
        assert (summary.taken_once, summary.answered, summary.unanswered, summary.reported) == (10, 5, 5, 10)
        (first, second, *_) = carrier.messages()
        assert (first.faults, first.answered, first.reported) == ([], 1, 1)
        assert (second.faults, second.answered, second.reported) == (["never answer every 2nd"], 0, 1)


@on_a_loop
async def test_answers_may_come_long_after_all_patience() -> None:
    async with playing("late answer 40m", speed=4000) as (carrier, customer):
        customer.submit(texts(3))
        give_up(customer)
        assert customer.timed_out == [0, 1, 2]
        assert carrier.summary().answered == 0
        await until(lambda: len(customer.late) == 3, "late answers")
        await every_receipt(customer, 3)
        assert carrier.summary().answered == 3


@on_a_loop
async def test_answers_overtake_each_other() -> None:
    async with playing("late answer 0ms..150ms") as (_, customer):
        customer.submit(texts(50))
        await customer.settle(50)
        assert customer.answered_in_order != sorted(customer.answered_in_order)


@on_a_loop
async def test_a_late_answer_to_a_link_that_is_gone_is_no_answer() -> None:
    async with playing("late answer 100ms") as (carrier, customer):
        customer.submit(texts(2))
        await until(lambda: carrier.stats().received == 2, "taken")
        carrier.drop()
        await lost(customer)
        await until(lambda: carrier.stats().unanswered == 2, "the answers given up")
        assert (carrier.stats().answered, carrier.summary().unanswered) == (0, 2)


@on_a_loop
async def test_an_answer_may_come_twice() -> None:
    async with playing("double answer once") as (_, customer):
        customer.submit(texts(2))
        await customer.settle(2)
        await until(lambda: oddities.UNKNOWN_ANSWER in customer.oddities, "the second answer")


@pytest.mark.parametrize(("when", "answered"), [("before", [0, 1, 2, 3]), ("after", [0, 1, 2, 3, 4])])
def test_the_link_is_cut_before_or_after_an_answer(when: str, answered: list[int]) -> None:
    @on_a_loop
    async def the_link_is_cut() -> None:
        async with playing(f"drop {when} answer at 5th", receipt_delay_s=30.0) as (carrier, customer):
            customer.submit(texts(10))
            await lost(customer)
            assert sorted(customer.answers) == answered
            summary = carrier.summary()
            assert (summary.messages, summary.taken_once, summary.answered) == (5, 5, len(answered))
            assert carrier.stats().dropped == 1

    the_link_is_cut()


@on_a_loop
async def test_congestion_is_told_to_those_who_bound_as_5() -> None:
    async with (
        Simulator(options(script="congestion 92 from 2nd")) as carrier,
        esme(carrier.port, interface_version=0x50) as new,
        esme(carrier.port) as old,
    ):
        for customer in (new, old):
            customer.submit(texts(3))
            await customer.settle(3)
        assert set(new.congestion) == {92}
        assert old.congestion == []


# -- receipts -----------------------------------------------------------------------------------------------


@on_a_loop
async def test_receipts_come_twice_never_and_with_other_words() -> None:
    script = "no receipt to *1\ndouble receipt to *2\nreport undeliverable error 7 to *3"
    async with playing(script) as (carrier, customer):
        customer.submit(texts(5))
        await every_receipt(customer, 5)
        await until(lambda: carrier.summary().receipts_acknowledged == 5, "acknowledged")
        found = Counter((receipt.message_id, receipt.state, receipt.error) for receipt in customer.receipts())
        ids = [customer.answers[number][1] for number in range(5)]
        assert found == {
            (ids[0], "DELIVRD", "000"): 1,
            (ids[2], "DELIVRD", "000"): 2,
            (ids[3], "UNDELIV", "007"): 1,
            (ids[4], "DELIVRD", "000"): 1,
        }
        summary = carrier.summary()
        assert (summary.reported, summary.reported_more, summary.receipts_due, summary.receipts_sent) == (4, 1, 5, 5)
        assert carrier.stats().receipts == {"delivered": 4, "undeliverable": 1}


@on_a_loop
async def test_receipts_come_before_the_answer_in_a_read_of_their_own() -> None:
    async with playing("early receipt") as (_, customer):
        customer.submit(texts(3))
        await customer.settle(3)
        assert customer.order.index("Deliveries") < customer.order.index("Answers")


@on_a_loop
async def test_receipts_come_out_of_order() -> None:
    async with playing("late receipt 0s..1m", speed=300) as (_, customer):
        customer.submit(texts(50))
        await every_receipt(customer, 50)
        ids = [receipt.message_id for receipt in customer.receipts()]
        assert len(set(ids)) == 50
        assert ids != sorted(ids)


@on_a_loop
async def test_ids_change_their_base_for_some() -> None:
    async with playing("ids hex_then_decimal every 2nd", first_id=255) as (_, customer):
        customer.submit(texts(2))
        await every_receipt(customer, 2)
        assert [customer.answers[number][1] for number in (0, 1)] == ["0000000255", "00000100"]
        assert [receipt.message_id for receipt in customer.receipts()] == ["0000000255", "0000000256"]


@pytest.mark.parametrize(("fault", "answers", "reported"), [("never answer", 2, 4), ("no receipt", 4, 2)])
def test_the_second_part_of_long_messages_is_lost(fault: str, answers: int, reported: int) -> None:
    @on_a_loop
    async def the_second_part_is_lost() -> None:
        async with playing(f"{fault} part 2") as (carrier, customer):
            customer.submit(enumerate(long_text(1) + long_text(2)))
            await customer.settle(answers)
            await every_receipt(customer, reported)
            await until(lambda: carrier.summary().receipts_acknowledged == reported, "acknowledged")
            assert {message.part for message in carrier.messages() if message.faults} == {2}
            assert (carrier.summary().answered, carrier.summary().reported) == (answers, reported)
            give_up(customer)

    the_second_part_is_lost()


@on_a_loop
async def test_phones_reply() -> None:
    async with playing('reply "STOP" at 2nd') as (carrier, customer):
        customer.submit(texts(2, receipt=0))
        await every_receipt(customer, 1)
        (reply,) = customer.deliveries
        assert (reply.source, reply.destination, reply.short_message) == ("33600000001", "CHAPPE", b"STOP")
        assert carrier.stats().replies == 1


# -- octets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "oddity"),
    [
        ("command", oddities.UNKNOWN_COMMAND),
        ("body", None),
        ("octets", None),
        ("stray", oddities.UNKNOWN_ANSWER),
        ("nack", oddities.UNKNOWN_ANSWER),
        ("tlv", None),
        ("answer", oddities.NO_FINAL_NUL),
        ("bare", oddities.NO_MESSAGE_ID),
    ],
)
def test_garbage_in_a_frame_costs_no_message(kind: str, oddity: str | None) -> None:
    @on_a_loop
    async def garbage_costs_nothing() -> None:
        async with playing(f"garbage {kind}") as (carrier, customer):
            customer.submit(texts(50, receipt=0))
            await customer.settle(50)
            assert statuses(customer) == {0: 50}
            assert oddity is None or oddity in customer.oddities
            assert kind not in ("octets", "body") or customer.deliveries or customer.oddities
            assert carrier.stats().faults == {f"garbage {kind}": 50}
            assert (carrier.summary().taken_once, carrier.summary().answered) == (50, 50)

    garbage_costs_nothing()


@pytest.mark.parametrize("kind", ["length", "header"])
def test_garbage_without_frame_ends_the_link(kind: str) -> None:
    @on_a_loop
    async def garbage_ends_the_link() -> None:
        async with playing(f"garbage {kind} at 3rd", receipt_delay_s=30.0) as (carrier, customer):
            customer.submit(texts(5))
            await lost(customer)
            assert sorted(customer.answers) == [0, 1]
            assert (carrier.summary().taken_once, carrier.summary().answered) == (3, 2)

    garbage_ends_the_link()


@on_a_loop
async def test_a_carrier_stops_reading_for_a_time() -> None:
    async with playing("") as (carrier, customer):
        carrier.change({"script": "stop reading for 800ms"})
        customer.submit(texts(3))
        await asyncio.sleep(0.1)
        assert carrier.stats().received == 0
        await customer.settle(3)
        assert carrier.stats().faults == {"stop reading for 800ms": 1}


@on_a_loop
async def test_a_carrier_writes_slowly() -> None:
    async with playing("write slowly 1000 at 50ms for 1m") as (_, customer):
        await asyncio.sleep(0.1)
        began = time.monotonic()
        customer.submit(texts(10, receipt=0))  # ten answers of 27 octets
        await customer.settle(10)
        assert time.monotonic() - began > 0.15
        assert len({state for state, _ in customer.answers.values()}) == 1


# -- links --------------------------------------------------------------------------------------------------


@on_a_loop
async def test_a_link_flaps_and_receipts_wait_for_it() -> None:
    script = "flap up 600ms down 600ms twice"
    async with Simulator(options(script=script, receipt_delay_s=0.7)) as carrier:
        async with esme(carrier.port) as first:
            first.submit(texts(5))
            await lost(first)
        async with esme(carrier.port) as refused:
            assert refused.lost is not None
        await asyncio.sleep(0.65)
        async with esme(carrier.port) as again:
            await every_receipt(again, 5)
            await lost(again)
        stats = carrier.stats()
        assert (stats.turned_away, stats.dropped, stats.faults) == (1, 2, {"flap up 600ms down 600ms 2 times": 2})


@on_a_loop
async def test_links_are_cut_and_unbound_at_moments() -> None:
    async with Simulator(options(script="unbind at 600ms\ndrop links every 1500ms once")) as carrier:
        async with esme(carrier.port) as first:
            await until(lambda: first.is_unbound, "the good-bye")
        async with esme(carrier.port) as second:
            await lost(second)
            assert not second.is_unbound
        assert carrier.stats().faults == {"drop links every 1500ms once": 1, "unbind at 600ms": 1}


@on_a_loop
async def test_binds_are_refused_for_a_while() -> None:
    async with Simulator(options(script="refuse binds ESME_RALYBND for 600ms\nrefuse binds at 600ms once")) as carrier:
        refusals = []
        for wait in (0.0, 0.7, 0.0):
            await asyncio.sleep(wait)
            async with esme(carrier.port) as customer:
                refusals.append(customer.refused.status if customer.refused else None)
        assert refusals == [status.ESME_RALYBND, status.ESME_RBINDFAIL, None]
        assert carrier.stats().binds_refused == 2


@on_a_loop
async def test_binds_and_probes_may_get_no_answer() -> None:
    async with Simulator(options(script="ignore binds once\nignore enquire_link twice")) as carrier:
        loop = asyncio.get_running_loop()
        _, ignored = await loop.create_connection(Esme, "127.0.0.1", carrier.port)
        ignored.bind("user", "secret")
        await asyncio.sleep(0.1)
        assert (ignored.bound, ignored.session.state) == (None, State.BINDING)
        ignored.transport.abort()
        async with esme(carrier.port) as customer:
            for ahead in (31.0, 42.0):
                customer.tick(ahead_s=ahead)
                customer.flush()
                await asyncio.sleep(0.05)
            customer.tick(ahead_s=53.0)
            assert customer.lost is not None
            assert customer.lost.reason == "enquire_link not answered"
        assert carrier.stats().faults == {"ignore binds once": 1, "ignore enquire_link 2 times": 2}


# -- what is counted, and that it can be had again ------------------------------------------------------------


async def one_run(script: str, seed: int) -> tuple[list[int], list[list[str]], dict[str, int]]:
    async with playing(script, seed=seed) as (carrier, customer):
        customer.submit(texts(200))
        await customer.settle(200)
        await until(lambda: carrier.stats().waiting == 0, "nothing waits")
        answers = [customer.answers[number][0] for number in range(200)]
        return answers, [message.faults for message in carrier.messages()], carrier.stats().faults


@on_a_loop
async def test_the_same_seed_does_the_same_and_another_does_not() -> None:
    script = (
        "throttle 10%\nrefuse 0x45 5%\nlate answer 0ms..50ms 50%\nno receipt 5%\ndouble receipt 5%\ngarbage octets 5%"
    )
    first, again, other = [await one_run(script, seed) for seed in (1, 1, 2)]
    assert first == again
    assert first != other
    assert all(first[2].values())


@on_a_loop
async def test_a_message_taken_twice_is_found_out() -> None:
    async with playing("throttle at 1st\nnever answer at 2nd", keep="fingerprints") as (carrier, customer):
        customer.submit([(1, text(1)), (2, text(2))])
        await customer.settle(1)
        customer.submit([(3, text(1)), (4, text(2))])
        await every_receipt(customer, 3)
        await until(lambda: carrier.summary().receipts_acknowledged == 3, "acknowledged")
        assert carrier.summary() == Summary(
            messages=2, taken_once=1, taken_more=1, never_taken=0, answered=2, unanswered=0, reported=2,
            reported_more=1, taken=3, refused=1, receipts_due=3, receipts_sent=3, receipts_acknowledged=3,
            more={"33600000002": 2},
        )  # fmt: skip
        give_up(customer)


FIERCE = """
throttle 5%
refuse 0x45 5%
never answer 3%
late answer 0ms..80ms 30%
double answer 2%
drop before answer every 150th
drop after answer every 220th
no receipt 3%
double receipt 5%
early receipt 5%
late receipt 0ms..200ms
garbage octets 1%
garbage tlv 3%
garbage bare 1%
garbage header every 190th
"""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_books_balance_whatever_happened(seed: int) -> None:
    @on_a_loop
    async def the_books_balance() -> None:
        async with Simulator(options(script=FIERCE, seed=seed, keep="fingerprints")) as carrier:
            sent = 0
            for _ in range(12):
                async with esme(carrier.port) as customer:
                    customer.submit([(number, text(number)) for number in range(sent, sent + 100)])
                    sent += 100
                    await until(lambda: customer.lost is not None or customer.session.in_flight < 10, "most answered")
                    give_up(customer)
            carrier.change({"script": ""})
            async with esme(carrier.port):
                await until(lambda: carrier.stats().waiting == 0, "every receipt taken")
            stats, summary = carrier.stats(), carrier.summary()
            assert stats.received == stats.accepted + sum(stats.refused.values())
            assert stats.accepted == stats.answered + stats.unanswered == summary.taken
            assert (summary.taken_once, summary.taken_more) == (stats.accepted, 0)
            assert (summary.answered, summary.unanswered) == (stats.answered, stats.unanswered)
            assert summary.messages == summary.taken_once + summary.never_taken == stats.received
            assert sum(stats.receipts.values()) == summary.receipts_due == summary.receipts_acknowledged
            assert summary.receipts_sent >= summary.receipts_acknowledged == summary.reported + summary.reported_more
            assert stats.forgotten == 0

    the_books_balance()


@on_a_loop
async def test_scripts_and_tallies_over_http() -> None:
    async with (
        playing("throttle", keep="fingerprints") as (carrier, customer),
        aiohttp.ClientSession(f"http://127.0.0.1:{carrier.control_port}") as http,
    ):
        async with http.get("/script") as answer:
            assert await answer.text() == "throttle\n"
        async with http.post("/script", data="throttle\ntrottle") as answer:
            assert (answer.status, (await answer.json())["error"][:8]) == (400, "line 2: ")
        async with http.post("/script?name=flapping") as answer:
            assert await answer.text() == "flap up 10s down 5s 20 times\n"
        async with http.post("/script?name=sunny") as answer:
            assert answer.status == 400
        async with http.post("/script", data="never answer to *1") as answer:
            assert answer.status == 200
        customer.submit(texts(2))
        await every_receipt(customer, 2)
        async with http.get("/summary") as answer:
            summary = await answer.json()
            assert (summary["taken_once"], summary["answered"], summary["unanswered"]) == (2, 1, 1)
        async with http.get("/tally", params={"to": "+33600000001"}) as answer:
            fingerprint = print_of(Place(b"Hello", 1, 1))
            assert (await answer.text()).splitlines() == [
                "number print taken refused answered sent acknowledged",
                f"33600000001 {fingerprint:012x} 1 0 0 1 1",
            ]
        async with http.get("/tally", params={"to": "me"}) as answer:
            assert answer.status == 400
        async with http.post("/script", data="") as answer:
            assert answer.status == 200
        customer.submit([(5, text(1, "again"))])
        await until(lambda: 5 in customer.answers, "an answer")
        give_up(customer)


# -- the command --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "played"), [("flapping", "flap up 10s down 5s 20 times\n"), ("mine.txt", "throttle 10% for 5m\n")]
)
def test_the_command_plays_scripts_by_name_and_from_files(tmp_path: Path, script: str, played: str) -> None:
    (tmp_path / "mine.txt").write_text("# mine\nthrottle 10 % for 5 min\n")

    @on_a_loop
    async def the_command_plays() -> None:
        port = free_port()
        words = ["--port", str(port), "--control-port", str(port + 1), "--script", script, "--speed", "60", "--magic"]
        process = await asyncio.create_subprocess_exec(
            CHAPPE, "simulator", *words, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            assert process.stdout is not None
            assert b"listening" in await process.stdout.readline()
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port + 1}") as http:
                async with http.get("/script") as answer:
                    assert await answer.text() == played
                async with http.get("/options") as answer:
                    shown = await answer.json()
                    assert (shown["speed"], shown["magic"]) == (60, True)
        finally:
            process.terminate()
            await process.wait()

    the_command_plays()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--script", "wrong.txt"], "line 2: no fault is called 'trottle'; did you mean 'throttle'?"),
        (["--script", "sunny"], "--script sunny is none of bad-day, "),
        (["--speed", "0"], "the speed of time is above 0"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path: Path, words: list[str], says: str) -> None:
    (tmp_path / "wrong.txt").write_text("throttle\ntrottle\n")
    done = CliRunner().invoke(simulator, [word.replace("wrong.txt", str(tmp_path / "wrong.txt")) for word in words])
    assert done.exit_code == 2
    assert says in done.output
