"""We restart while programs of all makes are bound, away, or have something for us: nothing is lost or comes twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.interop.kannel_behind import kannel_behind
from tests.interop.scenes import SHORT_CODE
from tests.interop.site import PASSWORD, Site, on_site, phone, until, until_so
from tests.peers import kannel, node_smpp, rusmppyc_customer, smpp34_customer, smpplib_customer
from tests.peers.program import Program

pytestmark = pytest.mark.xdist_group("interop-restart")

Story = AsyncIterator[None]
"""What happens before we stop, while we are down, and after we are back: parted by two yields."""


@on_site
async def test_a_restart_loses_nothing_for_programs_and_carriers(site: Site, tmp_path: Path) -> None:
    stories = [
        a_program_that_is_away(site),
        a_carrier(site),
        a_carrier_over_http(site, tmp_path / "carrier"),
        bound_programs(site, tmp_path / "customer"),
    ]
    for story in stories:
        await anext(story)
    await site.stop()
    site.carrier.change({"window": 100})
    for story in stories:
        await anext(story)
    await site.start()
    for story in stories:
        assert await anext(story, "the end") == "the end"


async def bound_programs(site: Site, folder: Path) -> Story:
    """Five programs have submitted and wait for their receipts; each goes on submitting, and binds again."""
    openers: dict[str, Callable[..., AbstractAsyncContextManager[Program]]] = {
        kannel.SENDER: partial(kannel.kannel, folder=folder),
        node_smpp.SENDER: node_smpp.node_customer,
        smpp34_customer.SENDER: smpp34_customer.smpp34_customer,
        smpplib_customer.SENDER: smpplib_customer.smpplib_customer,
        rusmppyc_customer.SENDER: rusmppyc_customer.rusmppyc_customer,
    }
    made = await asyncio.gather(*(site.customer() for _ in openers))
    customers = dict(zip(openers, made, strict=True))
    before, during = {sender: phone() for sender in openers}, {sender: phone() for sender in openers}
    programs: dict[str, Program] = {}
    site.carrier.change({"window": 0})  # its receipts wait
    async with AsyncExitStack() as stack:
        for sender, open_ in openers.items():
            who = (site.smpp_port, customers[sender].system_id, PASSWORD)
            programs[sender] = await stack.enter_async_context(open_(*who))
            await programs[sender].send(before[sender], "before")
        for sender, program in programs.items():
            await customers[sender].until_status(before[sender], "SENT")
            await until(lambda program=program: program.heard.answers, "an answer")  # type: ignore[misc]
        yield
        for sender, program in programs.items():
            assert program.heard.receipts == []
            site.carrier.reply(before[sender], SHORT_CODE, f"to {sender}")
            await program.send(during[sender], "during")
        yield
        for sender, program in programs.items():
            texts = {before[sender]: "before", during[sender]: "during"}
            await customers[sender].arrived(texts, program, sender=sender)
            await until(lambda program=program: program.heard.replies, "a reply")  # type: ignore[misc]
            [reply] = program.heard.replies
            assert (reply.source, reply.text) == (before[sender], f"to {sender}")


async def a_program_that_is_away(site: Site) -> Story:
    """A program has said good-bye before its receipt and a reply have come; it comes back after us."""
    customer, number = await site.customer(), phone()
    who = (site.smpp_port, customer.system_id, PASSWORD)
    with site.carrier_with(window=0):
        async with smpplib_customer.smpplib_customer(*who) as program:
            await program.send(number, "Hello")
            await until(lambda: program.heard.answers, "an answer")
        await customer.until_status(number, "SENT")
    site.carrier.reply(number, SHORT_CODE, "Hi")

    async def all_waits() -> bool:
        return await customer.waiting() == 2

    await until_so(all_waits, "receipt and reply wait")
    yield
    yield
    async with smpplib_customer.smpplib_customer(*who) as later:
        await until(lambda: later.heard.receipts and later.heard.replies, "receipt and reply")
        await customer.until_told()
    assert program.heard.receipts == []
    assert [each.message_id for each in later.heard.receipts] == [each.message_id for each in program.heard.answers]
    assert [each.text for each in later.heard.replies] == ["Hi"]


async def a_carrier_over_http(site: Site, folder: Path) -> Story:
    """Kannel gets a receipt for us while we are down, and tries again."""
    customer, number = await site.customer(), phone("49151", 13)
    async with kannel_behind(site, folder, "DE") as centre:
        centre.change({"window": 0})
        await customer.send(number, "Hello")
        await customer.until_status(number, "SENT")
        yield
        centre.change({"window": 100})
        centre.reply(number, SHORT_CODE, "Hi")
        await until(lambda: centre.stats().acknowledged == 2, "Kannel has receipt and reply")
        yield
        await customer.until_status(number, "DELIVERED")
        await customer.until_replies([(number, "Hi")])
        assert len(centre.messages(number)) == 1


async def a_carrier(site: Site) -> Story:
    """A carrier that somebody else made keeps a receipt and a reply for us."""
    customer, number = await site.customer(), phone("32471")
    async with node_smpp.node_centre() as centre, site.routed(centre.port, "BE") as carrier:
        await site.until_bound(carrier)
        centre.script.order(hold=True)
        await customer.send(number, "Hello")
        await customer.until_status(number, "SENT")
        yield
        centre.script.order(hold=False)
        centre.reply(number, SHORT_CODE, "Hi")
        yield
        await customer.until_status(number, "DELIVERED")
        assert centre.texts(number) == ["Hello"]
        await customer.until_replies([(number, "Hi")])
