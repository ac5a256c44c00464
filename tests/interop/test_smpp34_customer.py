"""smpp34 (Rust, for Python) as a customer who binds."""

import pytest

from chappe.telecom.smpp import tlv
from tests.interop import scenes
from tests.interop.site import PASSWORD, Site, on_site, phone, until
from tests.interop.texts import LONG, WIDE
from tests.peers.smpp34_customer import SENDER, smpp34_customer

pytestmark = pytest.mark.xdist_group("interop-libraries")


@on_site
async def test_its_texts_arrive_once_at_the_price_of_http_and_their_receipts_come_back(site: Site) -> None:
    customer = await site.customer()
    async with smpp34_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await scenes.texts_and_receipts(customer, program, SENDER)
        texts = {phone(): text for text in (LONG, WIDE, LONG, WIDE)}
        for (number, text), form in zip(texts.items(), ("sar", "sar", "payload", "payload"), strict=True):
            await program.send(number, text, form=form)
        await customer.arrived(texts, program, sender=SENDER)
        ids = [each[tlv.RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode() for each in program.delivered_tlvs]
        assert ids == [each.message_id for each in program.heard.receipts]
        assert {each[tlv.MESSAGE_STATE] for each in program.delivered_tlvs} == {b"\x02"}
        await scenes.failures(customer, program)


@on_site
async def test_it_hears_replies(site: Site) -> None:
    customer = await site.customer()
    async with smpp34_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await scenes.replies(customer, program)


@on_site
async def test_it_slows_down_and_loses_nothing(site: Site) -> None:
    customer = await site.customer(rate=scenes.RATE)
    async with smpp34_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await scenes.too_fast(customer, program, SENDER)
        assert program.heard.throttled > 0


@on_site
async def test_it_does_not_bind_with_a_wrong_password(site: Site) -> None:
    customer = await site.customer()
    async with smpp34_customer(site.smpp_port, customer.system_id, "wrong", patience_s=1) as program:
        await until(lambda: program.refusals, "an answer")
        assert program.refusals[0] == "bind timed out"  # what it says of every refusal
        assert program.heard.binds == []
        await until(lambda: f"reason=password system_id={customer.system_id}" in site.server.log(), "our refusal")
