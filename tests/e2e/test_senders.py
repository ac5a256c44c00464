"""What recipients see as sender: by country on the wire, and in everything that shows the message."""

import asyncio
from pathlib import Path

from chappe.carriers.simulator import Simulator
from chappe.carriers.smpp_options import SmppOptions
from chappe.manage.campaigns import CampaignFilter
from chappe.manage.messages import MessageFilter
from chappe.manage.routes import NewRoute
from chappe.pipeline.rules import FRESH_MS
from chappe.store.clock import now_ms
from tests.builders import on_loop
from tests.sending import Sending, sending_to, simulated

FRANCE, BELGIUM, SWITZERLAND = "33612345678", "32470123456", "41781234567"
DAY = 86_400_000


async def listed(sending: Sending, sort: str = "date") -> dict[str, str | None]:
    """The sender of each number in GET /messages."""
    wanted = MessageFilter(now_ms() - DAY, now_ms() + DAY, sort=sort)  # type: ignore[arg-type]
    page = await sending.use_cases.messages.find(sending.account, wanted)
    return {str(message.number): message.sender for message in page.rows}


@on_loop
async def test_a_campaign_to_three_countries_has_three_senders(tmp_path: Path) -> None:
    async with sending_to(tmp_path, smpp=SmppOptions(sender="36180")) as (sending, carrier):
        ticket = await sending.submit(FRANCE, BELGIUM, SWITZERLAND, sender="The Club")
        await sending.until_all(ticket, "delivered")
        on_the_wire = {message.destination: message.source for message in carrier.messages()}
        assert on_the_wire == {FRANCE: "TheClub", BELGIUM: "36180", SWITZERLAND: "The Club"}
        assert await listed(sending) == {FRANCE: "TheClub", BELGIUM: None, SWITZERLAND: "The Club"}
        shown = {str(trace.message.number): trace.message.sender for trace in sending.traces(ticket)}
        assert shown == await listed(sending)
        assert list(await listed(sending, "sender")) == [FRANCE, SWITZERLAND, BELGIUM]
        campaign = await sending.use_cases.campaigns.get(sending.account, ticket)
        (row,) = (await sending.use_cases.campaigns.history(sending.account, CampaignFilter())).rows
        assert (campaign.sender, row.sender) == ("TheClub", "TheClub")


@on_loop
async def test_the_number_that_a_carrier_has_of_its_own_may_be_asked_for_where_it_serves(tmp_path: Path) -> None:
    own = SmppOptions(sender="36180")
    async with sending_to(tmp_path, smpp=own) as (sending, first), Simulator(simulated()) as second:
        await sending.add_carrier(second.port, name="belgium", options=SmppOptions(sender="8123"))
        await sending.routes.add("belgium", NewRoute("BE"))
        await sending.bound("belgium")
        await asyncio.sleep((FRESH_MS + 100) / 1000)
        ticket = await sending.submit(FRANCE, BELGIUM, SWITZERLAND, sender="36180")
        await sending.until_all(ticket, "delivered")
        assert await listed(sending) == {FRANCE: "36180", BELGIUM: None, SWITZERLAND: "Chappe"}
        on_the_wire = {message.destination: message.source for message in [*first.messages(), *second.messages()]}
        assert on_the_wire == {FRANCE: "36180", BELGIUM: "8123", SWITZERLAND: "Chappe"}
