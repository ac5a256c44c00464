"""Kannel as a carrier: we reach it over HTTP, it reaches a centre over SMPP, and all comes back the same way."""

from functools import partial
from pathlib import Path

import pytest

from chappe.store import replies
from tests.interop.kannel_behind import kannel_behind
from tests.interop.site import BALANCE, Site, on_site, phone
from tests.interop.texts import LONG, SHORT, WIDE

pytestmark = pytest.mark.xdist_group("interop-programs")

GERMANY = "49151"


@on_site
async def test_texts_arrive_once_and_receipts_and_replies_come_back_through_kannel(site: Site, tmp_path: Path) -> None:
    customer = await site.customer()
    async with kannel_behind(site, tmp_path, "DE") as centre:
        texts = {phone(GERMANY, 13): text for text in (SHORT, LONG, WIDE)}
        for number, text in texts.items():
            await customer.send(number, text)
        for number, text in texts.items():
            await customer.until_status(number, "DELIVERED")
            parts = sorted(centre.messages(number), key=lambda each: each.part)
            assert "".join(each.text for each in parts) == text
            assert [each.part for each in parts] == list(range(1, parts[0].parts + 1))
        assert BALANCE - await customer.credits() == customer.spent
        first = next(iter(texts))
        said = ["Oui, à 5 € {pile} @", "Да  👋", LONG]
        for text in said:
            centre.reply(first, "36180", text)
        await customer.until_replies([(first, text) for text in said])
        stored = site.chappe.store.glance(partial(replies.recent, before=1 << 62, since=0, sources=[first]))
        assert len({each.ref for each in stored if each.ref}) == len(said)
        assert centre.stats().oddities == {}


@on_site
async def test_what_the_centre_behind_kannel_refuses_or_cannot_deliver_is_told(site: Site, tmp_path: Path) -> None:
    customer = await site.customer()
    async with kannel_behind(site, tmp_path, "DE") as centre:
        refused, lost = phone(GERMANY, 13), phone(GERMANY, 13)
        centre.change({"refuse": {"ESME_RINVDSTADR": 100.0}})
        await customer.send(refused, "Hello")
        await customer.until_status(refused, "REJECTED")
        centre.change({"refuse": {}, "outcomes": {"undeliverable": 1.0}})
        await customer.send(lost, "Hello")
        await customer.until_status(lost, "NOT_DELIVERED")
        assert len(centre.messages(lost)) == 1
