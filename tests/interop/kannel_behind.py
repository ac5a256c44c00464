"""Kannel between an installation and a simulated centre: we reach it over HTTP, it reaches the centre over SMPP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chappe.carriers.simulator import Simulator
from chappe.manage.http_carriers import NewHttpCarrier
from chappe.manage.routes import NewRoute
from tests.interop.site import Site
from tests.peers.kannel import kannel
from tests.sending import simulated
from tests.server import free_port


@asynccontextmanager
async def kannel_behind(site: Site, folder: Path, country: str) -> AsyncIterator[Simulator]:
    """A Kannel takes a country's messages for a while, and a centre, which this gives, takes them from Kannel."""
    port = free_port()
    values = {"username": "user", "password": "secret"}
    new = NewHttpCarrier(f"kannel-{country}", "kannel", values, url=f"http://127.0.0.1:{port}")
    _, place = await site.chappe.http_carriers.add(new)
    callbacks = f"http://127.0.0.1:{site.prepared.settings.port}/carrier/{place.name}/{place.secret}"
    reply_url = f"{callbacks}/reply?from=%p&to=%P&text=%b&coding=%c&id=%I"  # as the template asks for
    try:
        await site.chappe.routes.add(place.name, NewRoute(country))
        async with (
            Simulator(simulated(receipt_delay_s=0.05, accounts={"chappe": "secret"})) as centre,
            kannel(centre.port, "chappe", "secret", folder=folder, send_port=port, reply_url=reply_url),
        ):
            yield centre
    finally:
        await site.chappe.carriers.remove(place.name)
