"""A short link from the campaign over the carrier and the recipient's click to the customer's webhook."""

from pathlib import Path

import aiohttp
from aiohttp import web

from chappe.carriers.simulator import Simulator
from chappe.runtime.bootstrap import opened
from tests.builders import EMAIL, on_loop
from tests.sending import simulated, until
from tests.server import Prepared, Server, prepare, serving

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 Version/17.2 Mobile Safari/604.1"
SHOP = "https://shop.example/o"


async def listen(prepared: Prepared, url: str) -> None:
    async with opened(prepared.settings) as chappe:
        account = chappe.use_cases.accounts.find(EMAIL)
        await chappe.use_cases.webhooks.create(account, type="CLICKER", url=url, signature="s3cret")


async def send(server: Server, session: aiohttp.ClientSession) -> None:
    document = {
        "sms": {
            "message": {"text": "Hello [info1]: <-short->", "links": [SHOP]},
            "recipients": {"gsm": [{"value": "0612345678", "gsmsmsid": "m-1", "info1": "Ana"}]},
        }
    }
    headers = {"Authorization": f"Bearer {server.prepared.token}", "Accept": "application/json"}
    async with session.post(f"{server.url}/send", json=document, headers=headers) as response:
        assert (await response.json())["status"] == 1


@on_loop
async def test_a_click_on_what_the_carrier_delivered_reaches_the_customers_webhook(tmp_path: Path) -> None:
    told: list[dict[str, object]] = []

    async def hook(request: web.Request) -> web.Response:
        assert request.headers["X-SMSFactor-Signature"] == "s3cret"
        told.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/click", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with Simulator(simulated()) as carrier, aiohttp.ClientSession() as session:
        prepared = await prepare(tmp_path / "data", carrier.port)
        await listen(prepared, f"http://127.0.0.1:{runner.addresses[0][1]}/click")
        async with serving(prepared, tmp_path / "log", CHAPPE_WEBHOOK_ALLOW_NETWORKS="127.0.0.0/8") as server:
            await send(server, session)
            await until(carrier.messages, "the message at the carrier")
            text = carrier.messages()[0].text
            assert text.startswith(f"Hello Ana: {server.url}/")
            link = text.removeprefix("Hello Ana: ")
            async with session.head(link, allow_redirects=False) as response:
                assert (response.status, response.headers["Location"]) == (302, SHOP)
            for expected in ("1", "2"):
                async with session.get(link, allow_redirects=False, headers={"User-Agent": PHONE}) as response:
                    assert (response.status, response.headers["Location"]) == (302, SHOP)
                await until(lambda: told and told[-1]["clicks_on_link"] == expected, "the webhook")  # noqa: B023
            async with session.get(link, allow_redirects=False):
                pass
        log = server.log()  # it was stopped at once, and wrote the last click first
    async with opened(prepared.settings) as chappe:
        account = chappe.use_cases.accounts.find(EMAIL)
        assert account.id == prepared.account_id
        (row,) = chappe.store.glance(lambda tx: tx._connection.execute("SELECT clicks FROM link").fetchall())
        assert row == (3,)
    await runner.cleanup()
    assert len(told) == 2 or told[2]["clicks_on_link"] == "3"
    first = dict(told[0])
    assert first.pop("date")
    assert first == {
        "campaign_id": "1", "gsmsid": "m-1", "long_url": SHOP, "short_url": link.rpartition("/")[2],
        "brand": "Apple", "model": "iPhone", "os": "iOS",
        "info1": "Ana", "info2": "", "info3": "", "info4": "", "clicks_on_link": "1",
    }  # fmt: skip
    assert "Traceback" not in log
    assert link.rpartition("/")[2] not in log  # a code is as good as the number it belongs to
