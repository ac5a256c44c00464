"""Kannel (Debian's bearerbox and smsbox): bound over SMPP to a centre, used over HTTP by its own customers."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, unquote_to_bytes, urlencode

import aiohttp
import pytest
from aiohttp import web

from chappe.telecom import gsm7
from tests.peers.program import Answer, Heard, Receipt, Reply
from tests.server import free_port

SENDER: Final = "KANNEL"
_CONFIGURATION: Final = """
group = core
admin-port = {admin}
admin-password = secret
smsbox-port = {box}
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal
sms-resend-freq = 1
log-level = 1

group = smsc
smsc = smpp
smsc-id = centre
host = 127.0.0.1
port = {smpp}
transceiver-mode = true
smsc-username = {system_id}
smsc-password = {password}
system-type = ""
source-addr-ton = 5
source-addr-npi = 0
dest-addr-ton = 1
dest-addr-npi = 1
enquire-link-interval = 1
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
http-request-retry = 100
http-queue-delay = 1
log-level = 1

group = sendsms-user
username = user
password = secret
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
concatenation = true
max-messages = 10
omit-empty = true
get-url = "{reply_url}"
"""
# Kannel's words for what became of a text. Source: its user guide, "Delivery reports".
_DELIVERED, _FAILED, _ACCEPTED, _REFUSED = "1", "2", "8", "16"


@dataclass
class Kannel:
    """Running boxes, and what they told our web server."""

    send_port: int
    folder: Path
    web_port: int = 0
    reports: list[dict[str, str]] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    @property
    def heard(self) -> Heard:
        """What it told, in the words of all programs: it asks for one receipt a text, for the last part."""
        found = Heard(replies=self.replies)
        for report in self.reports:
            status, number, message_id = report["status"], report["to"], report["id"]
            if status in (_ACCEPTED, _REFUSED):
                found.answers.append(Answer(number, int(status == _REFUSED), message_id))
            elif status in (_DELIVERED, _FAILED):
                found.receipts.append(Receipt(message_id, "DELIVRD" if status == _DELIVERED else "UNDELIV"))
        return found

    async def send(self, number: str, text: str) -> None:
        """Give it one text to send, reports wanted."""
        report = f"http://127.0.0.1:{self.web_port}/report?status=%d&id=%F&answer=%A&to={number}"
        query = {
            "username": "user", "password": "secret", "dlr-mask": "31", "dlr-url": report,
            "from": SENDER, "to": number, "text": text, "charset": "UTF-8",
        }  # fmt: skip
        if not gsm7.DEFAULT.has(text):
            query["coding"] = "2"
        url = f"http://127.0.0.1:{self.send_port}/cgi-bin/sendsms?{urlencode(query)}"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            assert answer.status == 202, await answer.text()

    def log(self) -> str:
        """What its bearerbox wrote."""
        return (self.folder / "bearerbox.log").read_text(errors="replace")

    async def reported(self, request: web.Request) -> web.Response:
        self.reports.append(dict(request.query))
        return web.Response()

    async def replied(self, request: web.Request) -> web.Response:
        query = dict(each.split("=", 1) for each in request.rel_url.raw_query_string.split("&"))
        octets = unquote_to_bytes(query["octets"].replace("+", " "))
        text = octets.decode("utf-16-be" if query["coding"] == "2" else "utf-8")
        self.replies.append(Reply(unquote(query["from"]).lstrip("+"), unquote(query["to"]), text))
        return web.Response()


@asynccontextmanager
async def kannel(
    port: int, system_id: str, password: str, *, folder: Path, send_port: int = 0, reply_url: str = ""
) -> AsyncIterator[Kannel]:
    """Bearerbox and smsbox on high loopback ports; they bind to a centre for as long as the block runs.

    Shape: `send_port` is where it takes texts over HTTP, 0 for any; `reply_url` is where replies go to, written as
           Kannel's get-url, "" for `Kannel.replies`.
    """
    boxes = [shutil.which(box) or f"/usr/sbin/{box}" for box in ("bearerbox", "smsbox")]
    if not all(Path(box).exists() for box in boxes):
        pytest.fail("Kannel is not installed: `make peers` says how")
    folder.mkdir(parents=True, exist_ok=True)
    running = Kannel(send_port or free_port(), folder)
    app = web.Application()
    app.add_routes([web.get("/report", running.reported), web.get("/reply", running.replied)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    running.web_port = runner.addresses[0][1]
    configuration = folder / "kannel.conf"
    ports = {"admin": free_port(), "box": free_port(), "smpp": port, "send": running.send_port}
    reply_url = reply_url or f"http://127.0.0.1:{running.web_port}/reply?from=%p&to=%P&octets=%b&coding=%c"
    configuration.write_text(
        _CONFIGURATION.format(system_id=system_id, password=password, reply_url=reply_url, **ports)
    )
    try:
        async with _daemon(boxes[0], str(configuration), log=folder / "bearerbox.log"):
            await _open_port(ports["box"])  # smsbox waits for ten seconds when it comes too early
            async with _daemon(boxes[1], str(configuration), log=folder / "smsbox.log"):
                await _open_port(running.send_port)
                yield running
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _daemon(*command: str, log: Path) -> AsyncIterator[None]:
    """One of Kannel's boxes, ended by its own pid."""
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(*command, stdout=sink, stderr=sink)
        try:
            yield
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _open_port(port: int) -> None:
    """Wait until something listens."""
    for _ in range(400):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return
    pytest.fail(f"nothing listens on port {port}")
