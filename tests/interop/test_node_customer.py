"""The npm package smpp as a customer who binds, as 5.0."""

import pytest

from tests.interop import scenes
from tests.interop.site import PASSWORD, Site, on_site, phone, until
from tests.interop.texts import LONG, SHORT, WIDE
from tests.peers.node_smpp import SENDER, node_customer

pytestmark = pytest.mark.xdist_group("interop-programs")


@on_site
async def test_its_texts_arrive_once_at_the_price_of_http_and_their_receipts_come_back(site: Site) -> None:
    customer = await site.customer()
    async with node_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await until(lambda: program.heard.binds, "bound")
        assert program.script.told[0] == {"bound": 0, "system_id": "Chappe", "version": 0x50}
        texts = {phone(): text for text in (SHORT, LONG, LONG, WIDE, WIDE)}
        forms = ["udh", "udh", "payload", "udh", "payload"]
        for (number, text), form in zip(texts.items(), forms, strict=True):
            await program.send(number, text, coding=8 if text == WIDE else 0, form=form)
        await customer.arrived(texts, program, sender=SENDER)
        await scenes.failures(customer, program)
    assert program.script.facts("error") == []


@on_site
async def test_the_letters_that_it_calls_ascii_are_read_as_the_gsm_letters_they_are(site: Site) -> None:
    """Left to itself it writes GSM-7 octets and says data_coding 1."""
    customer = await site.customer(ia5="gsm7")
    texts = {phone(): text for text in (SHORT, "plain words", WIDE, "Schöne Grüße", "Où es-tu ? À midi, 5 €")}
    async with node_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        for number, text in texts.items():
            await program.send(number, text)
        await customer.arrived(texts, program, sender=SENDER)


@on_site
async def test_it_hears_replies(site: Site) -> None:
    customer = await site.customer()
    async with node_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await scenes.replies(customer, program)


@on_site
async def test_it_asks_what_became_of_a_message_and_whether_we_are_there(site: Site) -> None:
    customer = await site.customer()
    async with node_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await program.send(phone(), "Hello")
        await until(lambda: program.heard.receipts, "the receipt")
        [answer] = program.heard.answers
        program.script.order(query=answer.message_id)
        program.script.order(query="4711")
        program.script.order(probe=True)
        await until(lambda: program.script.facts("probe") == [0], "an answer to the probe")
        await until(lambda: len(program.script.facts("status")) == 2, "answers to the questions")
        asked = [fact for fact in program.script.told if "status" in fact]
        assert asked == [{"queried": answer.message_id, "state": 2, "status": 0}, {"status": 0x0C}]  # ESME_RINVMSGID
        program.end()
        await until(lambda: program.script.facts("unbound") == [0], "good-bye")


@on_site
async def test_it_slows_down_and_loses_nothing(site: Site) -> None:
    customer = await site.customer(rate=scenes.RATE)
    async with node_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await scenes.too_fast(customer, program, SENDER)
        assert program.heard.throttled > 0


@on_site
async def test_it_understands_that_its_password_is_wrong(site: Site) -> None:
    customer = await site.customer()
    async with node_customer(site.smpp_port, customer.system_id, "wrong") as program:
        await until(lambda: program.heard.binds, "an answer")
        assert set(program.heard.binds) == {0x0E}  # ESME_RINVPASWD
