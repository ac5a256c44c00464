"""The way of a message from submit to receipt, with a real gateway and a simulated carrier on real sockets."""

import asyncio
from pathlib import Path

import pytest

from chappe.carriers.simulator import Simulator
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.errors import BadData
from chappe.domain.unknown import UnknownPolicies, UnknownPolicy
from chappe.manage.routes import NewRoute
from chappe.pipeline.failover import Failover
from chappe.store.sqlite import Row, Tx
from chappe.store.statement import Statement
from tests.builders import CREDITS, on_loop
from tests.sending import installation, sending_to, simulated, until

NUMBERS = [f"336{i:08d}" for i in range(10_000_000, 10_000_300)]


@on_loop
async def test_a_message_is_submitted_once_and_delivered(tmp_path: Path) -> None:
    async with sending_to(tmp_path) as (sending, carrier):
        ticket = await sending.submit("0612345678", text="Hello from Chappe", sender="Shop")
        await sending.until_all(ticket, "delivered")
        (submit,) = carrier.messages()
        assert (submit.destination, submit.text, submit.source) == ("33612345678", "Hello from Chappe", "Shop")
        assert await sending.credits() == CREDITS - 1
        steps = [step.step for step in sending.traces(ticket)[0].steps]
        assert steps == ["accepted", "submitted", "delivered"]


@on_loop
async def test_a_campaign_reaches_every_number_once(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(latency_s=0.005, latency_jitter_s=0.02), window=50, binds=3) as (
        sending,
        carrier,
    ):
        ticket = await sending.submit(*NUMBERS)
        await sending.until_all(ticket, "delivered")
        assert sorted(message.destination for message in carrier.messages()) == NUMBERS
        campaign = await sending.use_cases.campaigns.get(sending.account, ticket)
        assert (campaign.state, campaign.delivered, campaign.cost) == ("sent", 300, 300)


@on_loop
async def test_a_long_message_is_delivered_when_all_its_parts_are(tmp_path: Path) -> None:
    async with sending_to(tmp_path) as (sending, carrier):
        text = "abcdefghij" * 40
        ticket = await sending.submit("33612345678", text=text)
        await sending.until_all(ticket, "delivered")
        parts = sorted(carrier.messages(), key=lambda message: message.part)
        assert [(message.part, message.parts) for message in parts] == [(1, 3), (2, 3), (3, 3)]
        assert "".join(message.text for message in parts) == text
        assert await sending.credits() == CREDITS - 3


@on_loop
async def test_unicode_texts_arrive_as_written(tmp_path: Path) -> None:
    async with sending_to(tmp_path) as (sending, carrier):
        text = "Żółć 你好 🎉." * 10
        ticket = await sending.submit("33612345678", text=text, is_unicode=True)
        await sending.until_all(ticket, "delivered")
        parts = sorted(carrier.messages(), key=lambda message: message.part)
        assert len(parts) > 1
        assert "".join(part.text for part in parts) == text


@on_loop
async def test_a_carrier_that_throttles_gets_everything_in_the_end(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(rate=60)) as (sending, carrier):
        ticket = await sending.submit(*NUMBERS[:100])
        await sending.until_all(ticket, "delivered", within_s=40)
        assert carrier.stats().refused.get("ESME_RTHROTTLED", 0) > 0
        assert carrier.stats().doubled == 0


@on_loop
async def test_our_own_rate_keeps_below_the_carriers(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(rate=100), rate=50) as (sending, carrier):
        ticket = await sending.submit(*NUMBERS[:60])
        await sending.until_all(ticket, "delivered")
        assert carrier.stats().refused == {}


@on_loop
async def test_a_message_the_carrier_refuses_for_good_fails_and_costs_nothing(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(refuse={"ESME_RINVDSTADR": 100})) as (sending, _):
        ticket = await sending.submit("33612345678")
        await sending.until_all(ticket, "failed")
        (trace,) = sending.traces(ticket)
        assert trace.message.dlr == 5
        assert any(step.step == "refused" and "ESME_RINVDSTADR" in step.detail for step in trace.steps)
        assert await sending.credits() == CREDITS


@on_loop
async def test_a_temporary_refusal_is_tried_again_later_and_keeps_its_credits_reserved(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(refuse={"ESME_RSYSERR": 100})) as (sending, _):
        ticket = await sending.submit("33612345678")
        await sending.until_all(ticket, "waiting for the next try")
        (trace,) = sending.traces(ticket)
        assert any("ESME_RSYSERR; again in 30 s" in step.detail for step in trace.steps)
        assert await sending.credits() == CREDITS - 1


@on_loop
async def test_a_failed_receipt_fails_the_message_and_its_price_stays_paid(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(outcomes={"undeliverable": 100})) as (sending, _):
        ticket = await sending.submit("33612345678")
        await sending.until_all(ticket, "failed")
        assert sending.traces(ticket)[0].message.dlr == 2
        assert await sending.credits() == CREDITS - 1


@pytest.mark.parametrize("id_format", ["decimal", "hex", "hex_then_decimal", "decimal_then_hex"])
@on_loop
async def test_receipts_find_their_message_whatever_the_carrier_writes_ids_in(tmp_path: Path, id_format: str) -> None:
    async with sending_to(tmp_path, simulated(id_format=id_format, first_id=300)) as (sending, _):
        ticket = await sending.submit(*NUMBERS[:20])
        await sending.until_all(ticket, "delivered")


@pytest.mark.parametrize("form", ["text", "tlv", "both"])
@on_loop
async def test_receipts_are_read_from_text_and_from_tlvs(tmp_path: Path, form: str) -> None:
    async with sending_to(tmp_path, simulated(receipt_form=form)) as (sending, _):
        ticket = await sending.submit("33612345678")
        await sending.until_all(ticket, "delivered")


@on_loop
async def test_a_receipt_that_comes_before_the_answer_waits_for_it(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(early_receipts=True, latency_s=0.2)) as (sending, _):
        ticket = await sending.submit(*NUMBERS[:5])
        await sending.until_all(ticket, "delivered")


@on_loop
async def test_a_submit_that_is_never_answered_is_settled_by_its_receipt(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(unanswered=100)) as (sending, carrier):
        ticket = await sending.submit("33612345678")
        await sending.until_all(ticket, "delivered")
        steps = [step.step for step in sending.traces(ticket)[0].steps]
        assert "unknown" in steps
        assert "known again" in steps
        assert carrier.stats().received == 1
        assert await sending.credits() == CREDITS - 1


@on_loop
async def test_a_submit_that_is_never_answered_nor_reported_stays_unknown_and_is_not_sent_again(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(unanswered=100, outcomes={"none": 100})) as (sending, carrier):
        ticket = await sending.submit("33612345678")
        await until(lambda: "unknown" in sending.states(ticket)[0], "unknown", 15)
        await asyncio.sleep(0.5)
        assert carrier.stats().received == 1
        assert (await sending.carrier()).unknown == 1
        with pytest.raises(BadData):
            await sending.use_cases.submitter.cancel(sending.account, ticket)


@on_loop
async def test_with_the_resend_policy_an_unknown_message_goes_out_again(tmp_path: Path) -> None:
    options = simulated(unanswered=100, outcomes={"none": 100})
    async with sending_to(tmp_path, options, SmppOptions(unknown=UnknownPolicies(UnknownPolicy("resend", 1, 2)))) as (
        sending,
        carrier,
    ):
        ticket = await sending.submit("33612345678")
        await until(lambda: "unknown" in sending.states(ticket)[0], "unknown", 15)
        carrier.change({"unanswered": 0, "outcomes": {"delivered": 100}})
        await sending.until_all(ticket, "delivered")
        assert carrier.stats().received == 2
        assert "resent" in [step.step for step in sending.traces(ticket)[0].steps]
        assert await sending.credits() == CREDITS - 1


@on_loop
async def test_a_link_that_drops_in_the_middle_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(drop_after=40, latency_s=0.01), window=20) as (sending, carrier):
        ticket = await sending.submit(*NUMBERS[:100])
        await sending.until_all(ticket, "delivered", within_s=40)
        assert carrier.stats().dropped >= 2
        assert sorted(message.destination for message in carrier.messages() if message.status == 0) == NUMBERS[:100]


@on_loop
async def test_a_restarted_gateway_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(latency_s=0.05), window=10) as (sending, carrier):
        ticket = await sending.submit(*NUMBERS[:200])
        await until(lambda: carrier.stats().received > 30, "some submits")
        await sending.stop_gateway()
        assert set(sending.states(ticket)) <= {"ready", "sent", "delivered"}
        assert "ready" in sending.states(ticket)
        sending.start_gateway()
        await sending.until_all(ticket, "delivered")
        assert carrier.stats().doubled == 0
        assert carrier.stats().received == 200


@on_loop
async def test_messages_wait_for_a_carrier_and_go_as_soon_as_there_is_one(tmp_path: Path) -> None:
    async with sending_to(tmp_path) as (sending, carrier):
        await sending.carriers.remove("carrier")
        await asyncio.sleep(0.6)  # until the submitter looks at the routes again
        ticket = await sending.submit("33612345678")
        assert sending.states(ticket) == ["ready"]
        await sending.add_carrier(carrier.port, name="another")
        await Failover(sending.store).once()
        await sending.until_all(ticket, "delivered")


@on_loop
async def test_a_country_goes_to_the_carrier_of_its_route(tmp_path: Path) -> None:
    async with sending_to(tmp_path) as (sending, first), Simulator(simulated()) as second:
        await sending.add_carrier(second.port, name="belgium")
        await sending.routes.add("belgium", NewRoute("BE"))
        await sending.bound("belgium")
        await asyncio.sleep(0.6)
        ticket = await sending.submit("33612345678", "32470123456")
        await sending.until_all(ticket, "delivered")
        assert [message.destination for message in first.messages()] == ["33612345678"]
        assert [message.destination for message in second.messages()] == ["32470123456"]


@on_loop
async def test_a_delayed_campaign_waits_and_can_be_cancelled(tmp_path: Path) -> None:
    async with sending_to(tmp_path) as (sending, carrier):
        ticket = await sending.submit("33612345678", delay="2099-05-17 09:30:00")
        assert await sending.credits() == CREDITS - 1
        await asyncio.sleep(0.3)
        assert carrier.stats().received == 0
        assert await sending.use_cases.submitter.cancel(sending.account, ticket) == CREDITS
        assert sending.states(ticket) == ["cancelled"]


@on_loop
async def test_two_campaigns_share_a_slow_carrier(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(latency_s=0.02), window=4) as (sending, carrier):
        await sending.submit(*NUMBERS[:200])
        stranger = sending.use_cases.accounts.find("stranger@example.org")
        sending.account = stranger
        small = await sending.submit(*NUMBERS[200:220])
        await sending.until_all(small, "delivered")
        arrived = [message.destination for message in carrier.messages()]
        last_of_small = max(arrived.index(number) for number in NUMBERS[200:220])
        assert last_of_small < 120, "a small campaign waits its turn, not for the whole of the large one"


@on_loop
async def test_replies_are_kept_and_acknowledged(tmp_path: Path) -> None:
    async with sending_to(tmp_path) as (sending, carrier):
        carrier.reply("33612345678", "36173", "Oui merci")
        await until(lambda: carrier.stats().acknowledged == 1, "the acknowledgement")
        assert sending.store.glance(_replies) == [("33612345678", "36173", "Oui merci")]


def _replies(tx: Tx) -> list[Row]:
    return tx.rows(Statement("SELECT source, destination, text FROM reply"))


@on_loop
async def test_without_any_carrier_messages_are_accepted_and_wait(tmp_path: Path) -> None:
    async with installation(tmp_path) as sending:
        sending.start_gateway()
        ticket = await sending.submit("33612345678")
        assert sending.states(ticket) == ["ready"]
