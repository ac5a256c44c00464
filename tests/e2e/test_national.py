"""Texts with the letters of their language, from the account's rule to the handset behind a simulated carrier."""

from pathlib import Path

from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.requests import SubmitRequest
from chappe.domain.rulebook import EVERYWHERE, Defaults, Override
from chappe.manage.rules import RuleSettings
from tests.builders import CREDITS, on_loop
from tests.sending import Sending, sending_to, simulated

TEXT = "Şifreniz: 1234, güvenliğiniz için kimseyle paylaşmayın. "
TURKISH = SmppOptions(national_alphabets=("turkish",))


async def ask_for_tables(sending: Sending) -> None:
    """The account asks; what processes remember of rules and routes is half a second old at most."""
    rules = RuleSettings(sending.store, Defaults())
    await rules.set([Override(sending.account.id, EVERYWHERE, "national_alphabets", "yes", "a test")], "test")


@on_loop
async def test_a_text_arrives_with_its_letters_and_the_header_says_their_language(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(), TURKISH) as (sending, carrier):
        await ask_for_tables(sending)
        ticket = await sending.submit("33612345678", text=TEXT)
        await sending.until_all(ticket, "delivered")
        (submit,) = carrier.messages()
        assert (submit.text, submit.data_coding, submit.parts) == (TEXT, 0, 1)
        (trace,) = sending.traces(ticket)
        assert trace.message.encoding == 16
        assert [step.step for step in trace.steps] == ["accepted", "submitted", "delivered"]
        assert await sending.credits() == CREDITS - 1


@on_loop
async def test_a_long_text_arrives_in_the_parts_that_were_paid_for(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(), TURKISH) as (sending, carrier):
        await ask_for_tables(sending)
        text = TEXT * 5
        answer = await sending.use_cases.submitter.submit(sending.account, SubmitRequest(text, ["33612345678"]))
        assert answer.ticket is not None
        await sending.until_all(answer.ticket, "delivered")
        parts = sorted(carrier.messages(), key=lambda message: message.part)
        assert [(part.part, part.parts) for part in parts] == [(1, answer.cost), (2, answer.cost)]
        assert "".join(part.text for part in parts) == text


@on_loop
async def test_a_carrier_that_lost_the_tables_gets_plain_letters_and_the_message_says_so(tmp_path: Path) -> None:
    async with sending_to(tmp_path, simulated(), TURKISH) as (sending, carrier):
        await ask_for_tables(sending)
        await sending.stop_gateway()
        ticket = await sending.submit("33612345678", text=TEXT)
        await sending.carriers.declare_national("carrier", [])
        sending.start_gateway()
        await sending.until_all(ticket, "delivered")
        (submit,) = carrier.messages()
        assert submit.text == "Sifreniz: 1234, güvenliginiz icin kimseyle paylasmayin. "
        (trace,) = sending.traces(ticket)
        assert [step.detail for step in trace.steps if step.step == "written"] == [
            "in GSM-7: the carrier has no Turkish shift table"
        ]
        assert await sending.credits() == CREDITS - 1
