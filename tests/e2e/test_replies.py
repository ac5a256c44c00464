"""Somebody answers: from the carrier through gateway and worker to the customer's server, and what it changes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from chappe.carriers.simulator import Simulator
from chappe.domain.delay import FORMAT, PARIS
from chappe.store.clock import now_ms
from tests.builders import on_loop
from tests.sending import DEADLINE_S, simulated, until
from tests.server import prepare, serving
from tests.webhook_receiver import OK, Receiver, always, receiver
from tests.wire import call

TO = "33600112233"


@dataclass(frozen=True, slots=True)
class World:
    """A served installation, its carrier, and the customer's server."""

    simulator: Simulator
    customer: Receiver
    port: int
    token: str

    async def api(self, method: str, target: str, document: object = None) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self.token}", "Accept": "application/json", "Content-Type": "application/json",
        }  # fmt: skip
        body = b"" if document is None else json.dumps(document).encode()
        answer = (await call(self.port, method, target, headers, body)).json
        assert answer["status"] == 1, answer
        return answer

    async def handset(self, text: str) -> None:
        """Somebody sends a text, asked for on the simulator's control port."""
        body = json.dumps({"from": TO, "to": "36180", "text": text}).encode()
        await call(self.simulator.control_port, "POST", "/mo", {"Content-Type": "application/json"}, body)

    async def until_delivered(self, ticket: str) -> None:
        """Wait until the receipt of a campaign of one message is recorded."""
        async with asyncio.timeout(DEADLINE_S):
            while (await self.api("GET", f"/campaign/{ticket}"))["campaign"][0]["delivered"] != "1":
                await asyncio.sleep(0.05)

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """(type, body) of what the customer's server was told."""
        return [
            (request.line.split("/")[1].split(" ")[0], json.loads(request.body)) for request in self.customer.requests
        ]


@asynccontextmanager
async def serving_world(folder: Path) -> AsyncIterator[World]:
    async with Simulator(simulated()) as simulator, receiver(always(OK)) as customer:
        prepared = await prepare(folder / "data", simulator.port)
        async with serving(prepared, folder / "log", CHAPPE_WEBHOOK_ALLOW_NETWORKS="127.0.0.0/8"):
            world = World(simulator, customer, prepared.settings.port, prepared.token)
            for kind in ("MO", "STOP"):
                url = f"http://127.0.0.1:{customer.port}/{kind}"
                await world.api("POST", "/webhook", {"webhook": {"type": kind, "url": url, "signature": "s3cret"}})
            yield world


@on_loop
async def test_a_reply_is_told_a_stop_is_heeded_and_both_can_be_read(tmp_path: Path) -> None:
    async with serving_world(tmp_path) as world:
        await world.api("GET", f"/send?text=Coming%3F&to={TO}&gsmsmsid=m-1")
        await world.until_delivered("1")
        long_text = "Yes, and I bring " + "a friend and " * 20 + "cake"
        await world.handset(long_text)
        await until(lambda: len(world.told()) == 1, "the reply at the customer's server")
        await world.handset("Stop merci")
        await until(lambda: len(world.told()) == 2, "the opt-out at the customer's server")
        (mo, reply), (stop, optout) = world.told()
        assert (mo, reply["message"], reply["from"], reply["last_message_id"]) == ("MO", long_text, TO, "m-1")
        assert (stop, optout["message"], optout["from"]) == ("STOP", "Stop merci", TO)
        signature = world.customer.requests[0].headers["x-chappe-signature"]
        assert signature.startswith("t=")
        blacklist = await world.api("GET", "/blacklist")
        assert [each["destination"] for each in blacklist["list"]] == [TO]
        again = await world.api("GET", f"/send?text=Really%3F&to={TO}")
        assert (again["sent"], again["blacklisted"]) == (0, 1)
        campaign = await world.api("GET", "/campaign/1")
        assert campaign["campaign"][0]["stop"] == "1"
        stops = await world.api("GET", "/campaign/1/blacklist")
        assert [each["destination"] for each in stops["stops"]] == [TO]
        replies = await world.api("GET", "/campaign/1/mo")
        assert [each["message"] for each in replies["replies"]] == [long_text, "Stop merci"]


@on_loop
async def test_what_was_planned_is_not_sent_to_who_says_stop_before(tmp_path: Path) -> None:
    async with serving_world(tmp_path) as world:
        await world.api("GET", f"/send?text=Coming%3F&to={TO}")
        await world.until_delivered("1")
        soon = datetime.fromtimestamp(now_ms() / 1000 + 4, PARIS).strftime(FORMAT)
        planned = {"sms": {"message": {"text": "Last chance", "delay": soon}, "recipients": {"gsm": [{"value": TO}]}}}
        await world.api("POST", "/send", planned)
        before = (await world.api("GET", "/credits"))["credits"]
        await world.handset("STOP")
        await until(lambda: len(world.told()) == 1, "the opt-out at the customer's server")
        async with asyncio.timeout(DEADLINE_S):
            while (await world.api("GET", "/campaign/2"))["campaign"][0]["error"] != "1":
                await asyncio.sleep(0.05)
        assert [message.text for message in world.simulator.messages(TO)] == ["Coming?"]
        assert int((await world.api("GET", "/credits"))["credits"]) == int(before) + 1


@on_loop
async def test_contact_is_answered_to_the_handset_and_told_as_a_reply(tmp_path: Path) -> None:
    async with serving_world(tmp_path) as world:
        await world.api("GET", f"/send?text=Coming%3F&to={TO}")
        await world.until_delivered("1")
        await world.handset("Contact ?")
        await until(lambda: len(world.simulator.messages(TO)) == 2, "the answer at the handset")
        await until(lambda: len(world.told()) == 1, "the reply at the customer's server")
        assert world.told()[0][0] == "MO"
        answer = world.simulator.messages(TO)[1].text
        assert "messages" in answer
        assert "STOP" in answer
        assert (await world.api("GET", "/campaign/2"))["campaign"][0]["cost"] == "1"
