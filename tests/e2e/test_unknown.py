"""Messages whose end nobody told, with real gateways and a simulated carrier: asked about, sent again, given up."""

import asyncio
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from chappe.carriers.simulator import Simulator
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.unknown import UnknownPolicies, read_policies
from chappe.manage.carrier_checks import NewCarrier
from chappe.manage.carriers import Changes
from chappe.manage.routes import NewRoute
from chappe.pipeline.settle import Settler
from chappe.runtime.bootstrap import opened
from chappe.store.sqlite import Database
from chappe.store.statement import Statement
from tests.builders import CREDITS, on_loop
from tests.sending import Sending, sending_to, simulated, until
from tests.server import Server, prepare, serving

LONG = "abcdefghij" * 40


def policies(*said: str) -> UnknownPolicies:
    return read_policies(said, UnknownPolicies())


def steps_of(sending: Sending, ticket: int) -> list[tuple[str, str]]:
    return [(step.step, step.detail) for step in sending.traces(ticket)[0].steps]


async def counts(sending: Sending) -> dict[str, int]:
    return (await sending.carrier()).unknown_counts


@pytest.mark.parametrize(("text", "parts"), [("Hello", 1), (LONG, 3)])
@on_loop
async def test_a_message_without_a_receipt_is_asked_about_and_ends_as_the_carrier_says(
    tmp_path: Path, text: str, parts: int
) -> None:
    smpp = SmppOptions(unknown=policies("query:1x3"))
    async with sending_to(tmp_path, simulated(outcomes={"silent": 100}), smpp) as (sending, carrier):
        ticket = await sending.submit("33612345678", text=text, sender="Shop")
        await sending.until_all(ticket, "delivered")
        said = [detail for step, detail in steps_of(sending, ticket) if step == "asked"]
        assert len(said) == parts
        assert all(detail.startswith("DELIVRD") for detail in said)
        assert await counts(sending) == {"asked": parts, "query": 1}
        assert carrier.stats().received == parts
        assert await sending.credits() == CREDITS - parts


@on_loop
async def test_a_message_that_is_on_its_way_is_asked_about_so_often_and_no_more(tmp_path: Path) -> None:
    smpp = SmppOptions(unknown=policies("query:1x2"))
    async with sending_to(tmp_path, simulated(outcomes={"none": 100}), smpp) as (sending, _):
        ticket = await sending.submit("33612345678")
        await until(lambda: [step for step, _ in steps_of(sending, ticket)].count("asked") == 2, "two questions", 10)
        await asyncio.sleep(0.5)
        said = [detail for step, detail in steps_of(sending, ticket) if step == "asked"]
        assert said == [
            "ENROUTE err:000 id:0000000001, when asked; question 1 of 2, the next in 2 s",
            "ENROUTE err:000 id:0000000001, when asked; question 2 of 2, the last",
        ]
        assert sending.states(ticket) == ["sent"]


@on_loop
async def test_a_message_that_has_its_receipt_is_never_asked_about_nor_one_of_the_other_kind(tmp_path: Path) -> None:
    smpp = SmppOptions(unknown=policies("marketing=query:1x2"))
    async with sending_to(tmp_path, smpp=smpp) as (sending, carrier):
        await sending.carriers.change("carrier", Changes({"unknown": ["alert=query:1x2"]}))
        await until(lambda: carrier.stats().binds_accepted == 2, "a new bind")
        await sending.bound()
        done = await sending.submit("33612345678")
        await sending.until_all(done, "delivered")
        carrier.change({"outcomes": {"silent": 100}})
        await sending.carriers.change("carrier", Changes({"unknown": ["alert=hold"]}))
        await until(lambda: carrier.stats().binds_accepted == 3, "a new bind")
        await sending.bound()
        other = await sending.submit("33612345679")
        await sending.until_all(other, "sent")
        await asyncio.sleep(1.5)
        assert await counts(sending) == {}


@on_loop
async def test_a_refused_question_is_noted_and_asked_again(tmp_path: Path) -> None:
    smpp = SmppOptions(unknown=policies("query:1x3"))
    # A carrier that keeps no messages knows nothing of them.
    async with sending_to(tmp_path, simulated(outcomes={"none": 100}, keep="counters"), smpp) as (sending, _):
        ticket = await sending.submit("33612345678")
        await until(lambda: [step for step, _ in steps_of(sending, ticket)].count("asked") == 2, "two questions", 10)
        assert steps_of(sending, ticket)[-1][1].startswith("ESME_RQUERYFAIL; question 2 of 3")


@on_loop
async def test_what_is_settled_by_hand_ends_or_goes_out_again(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(unanswered=100, outcomes={"none": 100})) as (sending, carrier):
        numbers = ["33612345678", "33612345679", "33612345670"]
        tickets = [await sending.submit(number) for number in numbers]
        for ticket in tickets:
            await until(lambda ticket=ticket: "unknown" in sending.states(ticket)[0], "unknown", 15)  # type: ignore[misc]
        settler = Settler(sending.store, sending.ids)
        ids = [sending.use_cases.messages.of_ticket(ticket, 1)[0] for ticket in tickets]
        carrier.change({"unanswered": 0, "outcomes": {"delivered": 100}})
        await settler.settle(ids[0], "delivered", "cli:alice", "the carrier's portal says so")
        await settler.settle(ids[1], "failed", "cli:alice")
        await settler.settle(ids[2], "resend", "cli:alice")
        await sending.until_all(tickets[2], "delivered")
        assert sending.states(tickets[0]) + sending.states(tickets[1]) == ["delivered", "failed"]
        assert ("by hand", "delivered, says cli:alice: the carrier's portal says so") in steps_of(sending, tickets[0])
        assert (await counts(sending))["by hand"] == 3
        assert carrier.stats().received == 4
        assert await sending.credits() == CREDITS - 3


# What becomes of a message whose gateway is killed between writing it and hearing the answer, by policy: the country it
# goes to, the state in which it is seen then, how often the carrier gets it.
KILLED = {
    "hold": ("33612345678", "unknown", 1),
    "resend:1x1": ("34612345678", "sent", 2),
    "give-up:1": ("393331234567", "failed", 1),
    "query:1x2": ("32470123456", "unknown", 1),
}
# Taken before the gateway was killed, and asked about by the next one.
ASKED = "4915112345678"
COUNTRIES = {"hold": "FR", "resend:1x1": "ES", "give-up:1": "IT", "query:1x2": "BE"}


async def _send(server: Server, number: str) -> int:
    params = {"token": server.prepared.token, "to": number, "text": f"For {number}"}
    headers = {"Accept": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.url}/send", params=params, headers=headers) as answer,
    ):
        return int((await answer.json())["ticket"])


@pytest.mark.timeout(120)
@on_loop
async def test_a_gateway_that_is_killed_before_the_answer_leaves_what_each_policy_says(tmp_path: Path) -> None:
    async with (
        Simulator(simulated(latency_s=0.0, outcomes={"silent": 100})) as prompt,
        Simulator(simulated(latency_s=4.0, outcomes={"none": 100})) as slow,
    ):
        prepared = await prepare(tmp_path / "data", prompt.port)
        async with opened(prepared.settings) as chappe:
            await chappe.carriers.change("carrier", Changes({"unknown": ["query:1x5"]}))
            for policy, country in COUNTRIES.items():
                options = SmppOptions(unknown=policies(policy))
                await chappe.carriers.add(NewCarrier(country, "127.0.0.1", slow.port, country, "x", options=options))
                await chappe.routes.add(country, NewRoute(country))
        async with serving(prepared, tmp_path / "log") as server:
            await until(lambda: slow.stats().binds_accepted == len(KILLED), "every bind")
            tickets = {number: await _send(server, number) for number, _, _ in KILLED.values()}
            tickets[ASKED] = await _send(server, ASKED)
            await until(lambda: (slow.stats().received, prompt.stats().received) == (len(KILLED), 1), "every submit")
            await asyncio.sleep(0.1)  # the prompt one's answer is written down
            assert server.kill("gateway")
            slow.change({"latency_s": 0.0})

            def states() -> dict[str, str]:
                found: dict[str, str] = {}
                database = Database(prepared.settings.database)
                with suppress(Exception):
                    for number, state, waits in database.read(
                        lambda tx: tx.rows(
                            Statement(
                                "SELECT m.number, m.state, d.state FROM message m"
                                " LEFT JOIN dispatch d ON d.message_id = m.id"
                            )
                        )
                    ):
                        word = ["accepted", "sent", "delivered", "failed", "cancelled"][state]
                        found[str(number)] = "unknown" if waits == 2 else word
                database.close()
                return found

            wanted = {number: state for number, state, _ in KILLED.values()} | {ASKED: "delivered"}
            await until(lambda: states() == wanted, "every policy's end", 30)
            await asyncio.sleep(1.5)
            assert states() == wanted
            for number, _, times in KILLED.values():
                assert len(slow.messages(number)) == times, number
            assert len(prompt.messages(ASKED)) == 1
