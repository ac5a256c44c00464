"""smpp34 (Rust, for Python) as a carrier, which reports by TLVs alone."""

import pytest

from chappe.telecom import gsm7
from tests.interop.site import BALANCE, Site, on_site, phone, until
from tests.interop.texts import LONG, SHORT, WIDE
from tests.peers.smpp34_centre import Smpp34Centre, smpp34_centre

pytestmark = pytest.mark.xdist_group("interop-libraries")

SWITZERLAND = "4179"


@on_site
async def test_our_texts_arrive_there_once_and_its_receipts_and_replies_come_back(site: Site) -> None:
    async with smpp34_centre() as centre:
        async with site.routed(centre.port, "CH") as carrier:
            await site.until_bound(carrier)
            await take_and_report(site, centre)
        await until(lambda: centre.unbound == 1, "our good-bye")


async def take_and_report(site: Site, centre: Smpp34Centre) -> None:
    customer = await site.customer()
    texts = {phone(SWITZERLAND): text for text in (SHORT, LONG, WIDE)}
    for number, text in texts.items():
        await customer.send(number, text)
    for number, text in texts.items():
        await customer.until_status(number, "DELIVERED")
        assert centre.texts(number) == [text]
    assert BALANCE - await customer.credits() == customer.spent
    first = next(iter(texts))
    await centre.reply(first, "36180", gsm7.encode("Oui, à 5 € @"))
    await centre.reply(first, "36180", "Да 👋".encode("utf-16-be"), coding=8)
    await customer.until_replies([(first, "Oui, à 5 € @"), (first, "Да 👋")])


@on_site
async def test_its_refusals_are_understood_and_its_errors_are_the_numbers_fate(site: Site) -> None:
    customer = await site.customer()
    async with smpp34_centre() as centre, site.routed(centre.port, "CH") as carrier:
        await site.until_bound(carrier)
        await customer.send(f"{SWITZERLAND}5555000", "Hello")
        await customer.until_status(f"{SWITZERLAND}5555000", "INVALID_DESTINATION")
        assert await customer.credits() == BALANCE
        centre.throttle = 3
        texts = {phone(SWITZERLAND): f"Number {i}" for i in range(5)}
        centre.states = (5, b"\3\0\1")
        for number, text in texts.items():
            await customer.send(number, text)
        for number, text in texts.items():
            await customer.until_status(number, "NOT_DELIVERED")
            assert centre.texts(number) == [text]
        assert centre.throttle == 0
        assert BALANCE - await customer.credits() == customer.spent - 1
