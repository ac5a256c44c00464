"""The npm package smpp as a carrier: its ids are hex, its receipts name them in decimal."""

import pytest

from tests.esme import esme
from tests.interop.site import BALANCE, Site, on_site, phone, until
from tests.interop.texts import LONG, SHORT, WIDE
from tests.peers.node_smpp import node_centre

pytestmark = pytest.mark.xdist_group("interop-programs")

BELGIUM = "32470"


@on_site
async def test_our_texts_arrive_there_once_and_its_receipts_and_replies_come_back(site: Site) -> None:
    customer = await site.customer()
    async with node_centre() as centre, site.routed(centre.port, "BE") as carrier:
        await site.until_bound(carrier)
        texts = {phone(BELGIUM): text for text in (SHORT, LONG, WIDE)}
        for number, text in texts.items():
            await customer.send(number, text)
        for number, text in texts.items():
            await customer.until_status(number, "DELIVERED")
            assert centre.texts(number) == [text]
        assert BALANCE - await customer.credits() == customer.spent
        first = next(iter(texts))
        for text in ("Oui, à 5 € @", "Да"):
            centre.reply(first, "36180", text)
        await customer.until_replies([(first, "Oui, à 5 € @"), (first, "Да")])
        assert centre.script.facts("error") == []
        assert set(centre.script.facts("status")) == {0}
        assert centre.script.facts("delivered")[-1] == 0


@on_site
async def test_its_refusals_are_understood_and_cost_nothing(site: Site) -> None:
    customer = await site.customer()
    async with node_centre() as centre, site.routed(centre.port, "BE") as carrier:
        await site.until_bound(carrier)
        await customer.send(f"{BELGIUM}555000", "Hello")
        await customer.until_status(f"{BELGIUM}555000", "INVALID_DESTINATION")
        assert await customer.credits() == BALANCE
        texts = {phone(BELGIUM): f"Number {i}" for i in range(10)}
        centre.script.order(throttle=5)
        for number, text in texts.items():
            await customer.send(number, text)
        for number, text in texts.items():
            await customer.until_status(number, "DELIVERED")
            assert centre.texts(number) == [text]
        assert len(centre.script.facts("throttled")) >= 5
        assert await customer.credits() == BALANCE - len(texts)


@on_site
async def test_we_bind_again_when_it_sends_us_away_or_cuts_the_link_and_nothing_is_sent_twice(site: Site) -> None:
    customer = await site.customer()
    async with node_centre() as centre, site.routed(centre.port, "BE") as carrier:
        await site.until_bound(carrier)
        centre.script.order(hold=True)
        for end in ("unbind", "drop"):
            before, number = len(centre.script.facts("bind")), phone(BELGIUM)
            await customer.send(number, "Hello")
            await customer.until_status(number, "SENT")
            centre.script.order(**{end: True})
            await until(lambda before=before: len(centre.script.facts("bind")) > before, "bound again")  # type: ignore[misc]
            centre.script.order(hold=False)
            await customer.until_status(number, "DELIVERED")
            assert centre.texts(number) == ["Hello"]
            centre.script.order(hold=True)
        assert centre.script.facts("unbound") == [True]


@on_site
async def test_it_answers_when_we_ask_whether_it_is_there(site: Site) -> None:
    async with node_centre() as centre, esme(centre.port) as customer:
        customer.tick(ahead_s=31.0)
        await until(lambda: centre.script.facts("probe"), "the probe")
        assert customer.lost is None
        assert customer.oddities == []


@on_site
async def test_it_tells_us_that_our_password_is_wrong(site: Site) -> None:
    async with node_centre() as centre, site.routed(centre.port, "BE", "wrong") as carrier:
        await site.until_bound(carrier, "refused", "ESME_RINVPASWD")
