"""Carriers over HTTP with everything real: `chappe serve`, a vendor that posts back, a customer's web server."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from chappe.carriers.http.signatures import mac
from chappe.carriers.simulator import Simulator
from chappe.manage.http_carriers import NewHttpCarrier
from chappe.runtime.bootstrap import opened
from tests.builders import on_loop
from tests.http_vendor import Asked, Says, Vendor, vendor
from tests.sending import DEADLINE_S, simulated, until
from tests.server import Prepared, Server, prepare, serving
from tests.webhook_receiver import OK, Receiver, always, receiver
from tests.wire import Reply, call

TO = "33612345678"
ACCOUNT, TOKEN = "AC0123456789abcdef0123456789abcdef", "12345"


def sid(number: str) -> str:
    return f"SM{int(number):032x}"


def twilio(asked: Asked) -> Says:
    """Twilio, as it answers."""
    return Says(201, json.dumps({"sid": sid(asked.form["To"].lstrip("+")), "status": "queued", "error_code": None}))


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer: his account at a served installation, and his web server."""

    prepared: Prepared
    web: Receiver

    async def api(self, method: str, target: str, document: object = None) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self.prepared.token}", "Accept": "application/json",
            "Content-Type": "application/json",
        }  # fmt: skip
        body = b"" if document is None else json.dumps(document).encode()
        answer = (await call(self.prepared.settings.port, method, target, headers, body)).json
        assert answer["status"] == 1, answer
        return answer

    async def send(self, number: str, text: str = "Coming?", ref: str = "m-1") -> str:
        query = urlencode({"text": text, "to": number, "gsmsmsid": ref, "sender": "Acme"})
        return str((await self.api("GET", f"/send?{query}"))["ticket"])

    async def listens(self) -> None:
        for kind in ("DLR", "MO", "STOP"):
            url = f"http://127.0.0.1:{self.web.port}/{kind}"
            await self.api("POST", "/webhook", {"webhook": {"type": kind, "url": url}})

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(each.body) for each in self.web.requests if each.line.startswith(f"POST /{kind} ")]


async def add(prepared: Prepared, new: NewHttpCarrier) -> str:
    """Set up the carrier as the command line would; the secret in its addresses."""
    async with opened(prepared.settings) as chappe:
        return (await chappe.http_carriers.add(new))[1].secret


@asynccontextmanager
async def customer(folder: Path, answers: Any = twilio) -> AsyncIterator[tuple[Customer, Vendor, Server, str]]:
    """A served installation in front of Twilio."""
    async with vendor(answers) as served, receiver(always(OK)) as web:
        prepared = await prepare(folder / "data", 0)
        values = {"account_sid": ACCOUNT, "auth_token": TOKEN}
        secret = await add(prepared, NewHttpCarrier("tw", "twilio", values, url=served.url))
        settings = {
            "CHAPPE_PUBLIC_URL": f"http://127.0.0.1:{prepared.settings.port}",
            "CHAPPE_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        }
        async with serving(prepared, folder / "log", **settings) as server:
            made = Customer(prepared, web)
            await made.listens()
            yield made, served, server, secret


async def posts(url: str, fields: dict[str, str], token: str = TOKEN) -> Reply:
    """Twilio posts a signed form."""
    signed = url + "".join(name + value for name, value in sorted(fields.items()))
    headers = {
        "X-Twilio-Signature": base64.b64encode(mac("sha1", token, signed.encode())).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    place = urlsplit(url)
    return await call(place.port or 80, "POST", place.path, headers, urlencode(fields).encode())


def delivered(number: str) -> dict[str, str]:
    return {"MessageSid": sid(number), "MessageStatus": "delivered", "To": f"+{number}", "AccountSid": ACCOUNT}


@on_loop
async def test_twilio_delivers_is_answered_and_heeds_a_stop(tmp_path: Path) -> None:
    async with customer(tmp_path) as (me, served, _, secret):
        await me.send(TO)
        await until(lambda: served.asked, "the request at Twilio")
        back = served.asked[0].form["StatusCallback"]
        assert back == f"http://127.0.0.1:{me.prepared.settings.port}/carrier/tw/{secret}/receipt"

        assert (await posts(back, delivered(TO), token="another")).status == 403
        assert (await posts(back.replace(secret, "x"), delivered(TO))).status == 404
        assert (await posts(back, {**delivered(TO), "MessageStatus": "sent"})).status == 204
        assert (await posts(back, delivered(TO))).status == 204
        await until(lambda: me.told("DLR"), "the receipt at the customer's server")
        assert (await posts(back, delivered(TO))).status == 204  # as if the first answer had been lost

        at = back.replace("/receipt", "/reply")
        told = await posts(at, {"MessageSid": "SM1", "From": f"+{TO}", "To": "+33700000001", "Body": "Oui, à 8 h"})
        assert (told.status, told.body.endswith(b"<Response/>")) == (200, True)
        await until(lambda: me.told("MO"), "the reply at the customer's server")
        await posts(at, {"MessageSid": "SM2", "From": f"+{TO}", "To": "+33700000001", "Body": "Stop merci"})
        await until(lambda: me.told("STOP"), "the opt-out at the customer's server")

        (receipt,), (reply,), (stop,) = me.told("DLR"), me.told("MO"), me.told("STOP")
        assert (receipt["status"], receipt["destination"], receipt["message_id"]) == (3, TO, "m-1")
        assert (reply["message"], reply["from"], reply["last_message_id"]) == ("Oui, à 8 h", TO, "m-1")
        assert stop["message"] == "Stop merci"
        assert [each["destination"] for each in (await me.api("GET", "/blacklist"))["list"]] == [TO]
        again = await me.api("GET", f"/send?text=Really&to={TO}")
        assert (again["sent"], again["blacklisted"]) == (0, 1)


@on_loop
async def test_killing_processes_while_the_vendor_reports_loses_nothing_and_tells_nothing_twice(tmp_path: Path) -> None:
    numbers = [f"3361234{n:04d}" for n in range(60)]
    async with customer(tmp_path) as (me, served, server, _):
        recipients = [{"value": number, "gsmsmsid": number} for number in numbers]
        await me.api("POST", "/send", {"sms": {
            "message": {"text": "Hello", "sender": "Acme"}, "recipients": {"gsm": recipients},
        }})  # fmt: skip
        await until(lambda: len(served.asked) == len(numbers), "every message at Twilio")
        back = served.asked[0].form["StatusCallback"]

        async def report(number: str) -> None:
            """Insist, as vendors do, until the news is taken."""
            for _ in range(200):
                try:
                    if (await posts(back, delivered(number))).status == 204:
                        return
                except (OSError, asyncio.IncompleteReadError):
                    pass
                await asyncio.sleep(0.1)
            raise AssertionError("never taken")

        async def kill() -> None:
            for role in ("gateway", "api", "gateway"):
                await asyncio.sleep(0.3)
                server.kill(role)

        async def report_all() -> None:
            for number in numbers:
                await report(number)
                await asyncio.sleep(0.02)

        await asyncio.gather(report_all(), kill())
        await until(lambda: len(me.told("DLR")) >= len(numbers), "a receipt for each", within_s=60)
        await asyncio.sleep(0.5)
        told = [each["message_id"] for each in me.told("DLR")]
        assert sorted(told) == numbers
        counts = (await me.api("GET", "/campaign/1"))["campaign"][0]
        assert (counts["delivered"], counts["total"]) == ("60", "60")


@on_loop
async def test_a_chappe_in_front_of_a_chappe(tmp_path: Path) -> None:
    """As in front of SMSFactor: sent through, receipts, replies and opt-outs come back, and a key makes tries safe."""
    loopback = {"CHAPPE_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}
    async with Simulator(simulated()) as network, receiver(always(OK)) as web:
        behind = await prepare(tmp_path / "behind", network.port)
        front = await prepare(tmp_path / "front", 0)
        values = {"token": behind.token, "signature": "hook-secret"}
        url = f"http://127.0.0.1:{behind.settings.port}"
        secret = await add(front, NewHttpCarrier("upstream", "smsfactor", values, url=url, is_idempotent=True))
        base = f"http://127.0.0.1:{front.settings.port}/carrier/upstream/{secret}"
        async with (
            serving(behind, tmp_path / "behind.log", **loopback),
            serving(front, tmp_path / "front.log", **loopback),
        ):
            me, upstream = Customer(front, web), Customer(behind, web)
            await me.listens()
            for kind, what in (("DLR", "receipt"), ("MO", "reply"), ("STOP", "reply")):
                hook = {"type": kind, "url": f"{base}/{what}", "signature": "hook-secret"}
                await upstream.api("POST", "/webhook", {"webhook": hook})

            text = "Ça fait 5 € à l'entrée " + "et encore " * 20
            await me.send(TO, text, "order-7")
            await until(lambda: me.told("DLR"), "the receipt at the customer's server")
            (receipt,) = me.told("DLR")
            assert (receipt["status"], receipt["message_id"]) == (3, "order-7")
            assert "".join(part.text for part in network.messages(TO)) == text

            body = json.dumps({"from": TO, "to": "36180", "text": "Merci !"}).encode()
            await call(network.control_port, "POST", "/mo", {"Content-Type": "application/json"}, body)
            await until(lambda: me.told("MO"), "the reply at the customer's server")
            assert me.told("MO")[0]["last_message_id"] == "order-7"
            body = json.dumps({"from": TO, "to": "36180", "text": "STOP"}).encode()
            await call(network.control_port, "POST", "/mo", {"Content-Type": "application/json"}, body)
            await until(lambda: me.told("STOP"), "the opt-out at the customer's server")

            # Both have the number on the blacklist now; to another, the carrier behind says that it has.
            await upstream.api("POST", "/blacklist", {"blacklist": {"contacts": {"gsm": [{"value": "33612345999"}]}}})
            await me.send("33612345999", ref="order-8")
            async with asyncio.timeout(DEADLINE_S):
                while len(me.told("DLR")) < 2:
                    await asyncio.sleep(0.05)
            assert (me.told("DLR")[1]["message_id"], me.told("DLR")[1]["status"]) == ("order-8", 4)
