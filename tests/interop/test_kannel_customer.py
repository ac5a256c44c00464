"""Kannel as a customer who binds."""

from pathlib import Path

import pytest

from tests.interop import scenes
from tests.interop.site import PASSWORD, Site, on_site, until
from tests.peers.kannel import SENDER, kannel

pytestmark = pytest.mark.xdist_group("interop-programs")


@on_site
async def test_its_texts_arrive_once_at_the_price_of_http_and_their_receipts_and_replies_come_back(
    site: Site, tmp_path: Path
) -> None:
    """It cuts long texts itself, and asks for a receipt of the last part alone."""
    customer = await site.customer()
    async with kannel(site.smpp_port, customer.system_id, PASSWORD, folder=tmp_path) as program:
        await scenes.texts_and_receipts(customer, program, SENDER, each_part=False)
        await scenes.replies(customer, program)
        await scenes.failures(customer, program)


@on_site
async def test_it_slows_down_and_loses_nothing(site: Site, tmp_path: Path) -> None:
    customer = await site.customer(rate=scenes.RATE)
    async with kannel(site.smpp_port, customer.system_id, PASSWORD, folder=tmp_path) as program:
        await scenes.too_fast(customer, program, SENDER, each_part=False)


@on_site
async def test_it_understands_that_its_password_is_wrong(site: Site, tmp_path: Path) -> None:
    customer = await site.customer()
    async with kannel(site.smpp_port, customer.system_id, "wrong", folder=tmp_path) as program:
        await until(lambda: "0x0000000e" in program.log(), "the refusal in its log")
