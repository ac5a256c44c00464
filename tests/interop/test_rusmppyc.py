"""rusmppyc (Rust, for Python) as a customer who binds as 5.0."""

import pytest

from tests.interop import scenes
from tests.interop.site import PASSWORD, Site, on_site, phone, until
from tests.interop.texts import LONG, WIDE
from tests.peers.rusmppyc_customer import SENDER, rusmppyc_customer

pytestmark = pytest.mark.xdist_group("interop-libraries")


@on_site
async def test_its_texts_arrive_once_at_the_price_of_http_and_their_receipts_come_back(site: Site) -> None:
    """Its own helpers write esm_class 0x08 into every submit, cut the longer texts, and have no emojis."""
    customer = await site.customer()
    async with rusmppyc_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await scenes.texts_and_receipts(customer, program, SENDER, wide=WIDE.replace("👋", "!"))
        assert "Smpp5_0" in program.versions[0]
        number = phone()
        await program.send(number, LONG, form="payload")
        await customer.arrived({number: LONG}, program, sender=SENDER)
        assert all("MessageState(Delivered)" in str(tlvs) for tlvs in program.delivered_tlvs)
        assert "UserMessageReference(UserMessageReference { value: 4711 })" in str(program.delivered_tlvs[-1])
        await scenes.failures(customer, program)


@on_site
async def test_it_hears_replies(site: Site) -> None:
    customer = await site.customer()
    async with rusmppyc_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await scenes.replies(customer, program)


@on_site
async def test_it_slows_down_and_loses_nothing(site: Site) -> None:
    customer = await site.customer(rate=scenes.RATE)
    async with rusmppyc_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await scenes.too_fast(customer, program, SENDER)
        assert program.heard.throttled > 0


@on_site
async def test_it_understands_that_its_password_is_wrong(site: Site) -> None:
    customer = await site.customer()
    async with rusmppyc_customer(site.smpp_port, customer.system_id, "wrong") as program:
        await until(lambda: program.refusals, "an answer")
        assert "EsmeRinvpaswd" in program.refusals[0]
