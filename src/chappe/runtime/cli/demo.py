"""`chappe demo`."""

import asyncio
import json
import os
import secrets
import signal
from pathlib import Path

import click

from chappe.carriers.simulator import Simulator, SimulatorOptions
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.accounts import Account
from chappe.domain.errors import NotFound
from chappe.domain.rulebook import EVERYBODY, EVERYWHERE, Override
from chappe.manage.carrier_checks import NewCarrier
from chappe.manage.feed import Feed
from chappe.runtime import settings as settings_table
from chappe.runtime import telemetry
from chappe.runtime.bootstrap import Chappe, opened
from chappe.runtime.cli.demo_keys import SYSTEM_ID, bind_password, token
from chappe.runtime.cli.session import actor, check_free, data_option
from chappe.runtime.process import only_one
from chappe.runtime.settings import Settings
from chappe.runtime.supervisor import Supervisor

EMAIL = "demo@chappe.example"
CREDITS = 1000
CARRIER = "simulator"
STOP = Override(EVERYBODY, EVERYWHERE, "stop_number", "36000", "the simulated carrier's number for STOP")
LOOPBACK = "127.0.0.0/8,::1/128"
READY_S = 30.0
# How long Ctrl-C waits for receipts: the simulated carrier forgets them when it ends.
RECEIPTS_S = 3.0
WATCH_S = 0.1


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port the API listens on.  [default: 8000]")
@click.option(
    "--smpp-port",
    type=click.IntRange(0, 65535),
    help="Port that customers bind to over SMPP; 0 for none.  [default: 2775]",
)
@click.option(
    "--carrier-port",
    type=click.IntRange(1, 65535),
    default=2785,
    show_default=True,
    help="Port of the simulated carrier.",
)
@data_option
def demo(port: int | None, smpp_port: int | None, carrier_port: int, data: Path | None) -> None:
    """Start Chappe with a simulated carrier and a demo account, and show what happens until Ctrl-C.

    The data stay in the data folder: the next start finds them again.
    """
    # Webhooks of the demo may come back to this machine; elsewhere private networks are refused.
    allowed = None if "CHAPPE_WEBHOOK_ALLOW_NETWORKS" in os.environ else LOOPBACK
    settings = settings_table.load(
        data=data, port=port, smpp_port=smpp_port, log_level="warning", webhook_allow_networks=allowed
    )
    telemetry.configure("warning", settings.log_format)
    for wanted in (settings.port, carrier_port, carrier_port + 1):
        check_free(settings.host, wanted)
    if settings.smpp_port:
        check_free(settings.smpp_host or settings.host, settings.smpp_port)
    asyncio.run(_run(settings, carrier_port))


async def _run(settings: Settings, carrier_port: int) -> None:
    click.echo("Starting Chappe ...")
    options = SimulatorOptions(port=carrier_port, control_port=carrier_port + 1, receipt_delay_s=1.0, magic=True)
    supervisor = Supervisor(settings)
    async with only_one(settings.database, "server", wait_s=0):
        pass  # nobody else's server is on this database, so its account and carrier may be added
    async with Simulator(options) as simulator, opened(settings) as chappe:
        account = await _prepare(chappe, carrier_port)
        running = asyncio.create_task(supervisor.run())
        loop = asyncio.get_running_loop()
        try:
            if await _is_ready(chappe, running):
                interrupted = asyncio.Event()
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.add_signal_handler(number, interrupted.set)
                keys = await token(chappe, account), await bind_password(chappe, account)
                _greet(settings, account, *keys, carrier_port)
                feed = Feed(chappe.store)
                await _watch(feed, running, interrupted)
                await _wait_for_receipts(simulator, feed)
            else:
                click.echo("Chappe did not get ready; the log above says why.", err=True)
        finally:
            supervisor.stop()
            click.echo("\nStopping ...")
            await running
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
    click.echo(f"Stopped. Your data are in {settings.data}.")


async def _prepare(chappe: Chappe, carrier_port: int) -> Account:
    """The demo account and its carrier, made at the first start."""
    statuses = {status.name: status for status in await chappe.carriers.list()}
    known = statuses.get(CARRIER)
    if known is not None and known.port != carrier_port:
        await chappe.carriers.remove(CARRIER)
    lookup_url = f"http://127.0.0.1:{carrier_port + 1}/lookup"
    if known is None or known.port != carrier_port:
        options = SmppOptions(lookup_url=lookup_url)
        await chappe.carriers.add(NewCarrier(CARRIER, "127.0.0.1", carrier_port, "chappe", "demo", options=options))
    elif known.lookup_url != lookup_url:
        await chappe.carriers.offer_lookups(CARRIER, lookup_url)
    if not any(each.name == STOP.name for each in chappe.rules.all()):
        await chappe.rules.set([STOP], actor())
    try:
        return chappe.use_cases.accounts.find(EMAIL)
    except NotFound:
        return await chappe.use_cases.accounts.create(EMAIL, secrets.token_urlsafe(12), "FR", CREDITS)


async def _is_ready(chappe: Chappe, running: asyncio.Task[None]) -> bool:
    """Wait until the API answers and the carrier is bound."""
    deadline = asyncio.get_running_loop().time() + READY_S
    host, port = chappe.settings.host, chappe.settings.port
    while asyncio.get_running_loop().time() < deadline and not running.done():
        statuses = await chappe.carriers.list()
        if any(status.is_bound for status in statuses) and await _answers(host, port):
            return True
        await asyncio.sleep(WATCH_S)
    return False


async def _answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def _watch(feed: Feed, running: asyncio.Task[None], interrupted: asyncio.Event) -> None:
    while not running.done() and not interrupted.is_set():
        _tell(feed)
        await asyncio.wait([running], timeout=WATCH_S)


async def _wait_for_receipts(simulator: Simulator, feed: Feed) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + RECEIPTS_S
    while simulator.stats().waiting and loop.time() < deadline:
        _tell(feed)
        await asyncio.sleep(WATCH_S)
    _tell(feed)


def _tell(feed: Feed) -> None:
    for line in feed.news():
        click.echo(f"  {line}")


def _greet(settings: Settings, account: Account, token: str, password: str, carrier_port: int) -> None:
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    body = json.dumps(
        {
            "sms": {
                "message": {"text": "Hello [info1]", "pushtype": "alert", "sender": "Chappe"},
                "recipients": {
                    "gsm": [
                        {"value": "33612345678", "gsmsmsid": "a-1", "info1": "Ana"},
                        {"value": "33712345678", "gsmsmsid": "a-2", "info1": "Leo"},
                    ]
                },
            }
        }
    )
    linked = json.dumps(
        {
            "sms": {
                "message": {"text": "Our offer: <-short->", "links": ["https://example.org/"]},
                "recipients": {"gsm": [{"value": "33612345678"}]},
            }
        }
    )
    sale = json.dumps(
        {
            "sms": {
                "message": {
                    "text": "Sale today: everything at half price!",
                    "pushtype": "marketing",
                    "sender": "My Shop",
                },
                "recipients": {"gsm": [{"value": "33612345678"}, {"value": "32470123456"}, {"value": "41791234567"}]},
            }
        }
    )
    asked = json.dumps(
        {"explain": {"to": "33612345678", "text": "Soldes à l’été !", "pushtype": "marketing", "sender": "My Shop"}},
        ensure_ascii=False,
    )
    click.echo(f"""
Chappe is running. Nothing is sent to anybody: the carrier is simulated.

  API                {base}          (health: {base}/health/ready, metrics: {base}/metrics)
  SMPP               {settings.smpp_address}, system_id {SYSTEM_ID}, password {password}, any version and mode
  simulated carrier  SMPP 127.0.0.1:{carrier_port}, control http://127.0.0.1:{carrier_port + 1}/stats
  data               {settings.data}
  account            {EMAIL}, client id {account.id}
  token              {token}

Send one message, answer in XML (paste it into another terminal):

  curl -G '{base}/send' -d token={token} -d to=33612345678 --data-urlencode 'text=Hello from Chappe'

Send a campaign, answer in JSON:

  curl '{base}/send' -H 'Accept: application/json' -H 'Authorization: Bearer {token}' -d '{body}'

Send a short link; what the recipient reads shows below. Open the link, and the click shows too:

  curl '{base}/send' -H 'Accept: application/json' -H 'Authorization: Bearer {token}' -d '{linked}'

Send marketing to France, Belgium and Switzerland: each gets the sender it accepts, France the STOP mention, and what
may not leave at this hour waits. Then ask why:

  curl '{base}/send' -H 'Accept: application/json' -H 'Authorization: Bearer {token}' -d '{sale}'
  curl '{base}/explain' -H 'Accept: application/json' -H 'Authorization: Bearer {token}' -d '{asked}'
  .venv/bin/chappe explain --account {EMAIL} --to 33612345678 --marketing --sender 'My Shop' --text 'Soldes !'

Look a number up (its last digit decides: 9 absent, 8 ported, 7 roaming):

  curl '{base}/lookup' -H 'Accept: application/json' -H 'Authorization: Bearer {token}' \\
    -d '{{"lookup":{{"to":["33651234568"]}}}}'

Submit over SMPP, with any program that binds; receipts and replies come back on the same connection. Then look at it:

  .venv/bin/chappe bind list

See what goes wrong: numbers say what becomes of their messages, 33639989903 is busy, 33639989910 never answers
(docs/testing.md has them all).

Webhooks may call this machine (POST /webhook with an http://127.0.0.1:... address).
What happens shows here. Ctrl-C stops everything.
""")
