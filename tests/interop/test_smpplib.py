"""smpplib (Python) as a customer who binds."""

import asyncio

import pytest

from tests.interop import scenes
from tests.interop.site import PASSWORD, Site, on_site, phone, until
from tests.peers.smpplib_customer import SENDER, SmpplibCustomer, smpplib_customer

pytestmark = pytest.mark.xdist_group("interop-libraries")


@on_site
async def test_its_texts_arrive_once_at_the_price_of_http_and_their_receipts_come_back(site: Site) -> None:
    customer = await site.customer()
    async with smpplib_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await scenes.texts_and_receipts(customer, program, SENDER)
        await scenes.failures(customer, program)


@on_site
async def test_it_hears_replies(site: Site) -> None:
    customer = await site.customer()
    async with smpplib_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await scenes.replies(customer, program)


@on_site
async def test_it_asks_what_became_of_a_message(site: Site) -> None:
    customer = await site.customer()
    async with smpplib_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await program.send(phone(), "Hello")
        await until(lambda: program.heard.receipts, "the receipt")
        [answer] = program.heard.answers
        program.query(answer.message_id)
        await until(lambda: program.states == [(answer.message_id, 2)], "the state")


@on_site
async def test_it_slows_down_and_loses_nothing(site: Site) -> None:
    customer = await site.customer(rate=scenes.RATE)
    async with smpplib_customer(site.smpp_port, customer.system_id, PASSWORD) as program:
        await scenes.too_fast(customer, program, SENDER)
        assert program.heard.throttled > 0


@on_site
async def test_it_understands_that_its_password_is_wrong(site: Site) -> None:
    customer = await site.customer()
    stranger = SmpplibCustomer(site.smpp_port, customer.system_id, "wrong")
    assert "Invalid Password" in await asyncio.to_thread(stranger.refusal)
