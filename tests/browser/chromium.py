"""Debian's Chromium, driven through its own protocol (Chrome DevTools)."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

START_S = 30.0
REPLY_S = 20.0
WAIT_S = 15.0
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


def path() -> str | None:
    """Where Chromium is; None when it is not installed (tests/peers/install does)."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.requested: list[str] = []
        self.faults: list[str] = []

    async def listen(self) -> None:
        """Take what the browser says: answers to commands, requests that it makes, faults of the page."""
        async for message in self._socket:
            event = json.loads(message.data)
            params = event.get("params", {})
            match event.get("method"):
                case None:
                    waiting = self._waiting.pop(event["id"], None)
                    if waiting and not waiting.done():
                        waiting.set_result(event)
                case "Network.requestWillBeSent":
                    self.requested.append(params["request"]["url"])
                case "Runtime.exceptionThrown":
                    self.faults.append(str(params["exceptionDetails"].get("exception", params)))
                case "Log.entryAdded" if params["entry"]["level"] == "error":
                    self.faults.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    async def do(self, method: str, **params: object) -> Any:
        """One command of the protocol."""
        self._last += 1
        waiting = self._waiting[self._last] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._last, "method": method, "params": params})
        event = await asyncio.wait_for(waiting, REPLY_S)
        assert "error" not in event, event
        return event["result"]

    async def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        done = await self.do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until an expression is true, and give its value."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while not (value := await self.run(script)):
            assert asyncio.get_running_loop().time() < deadline, script
            await asyncio.sleep(0.05)
        return value

    async def open(self, url: str) -> None:
        await self.do("Page.navigate", url=url)
        await self.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    async def resize(self, width: int, height: int, *, is_dark: bool = False) -> None:
        await self.do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        await self.do("Emulation.setEmulatedMedia", features=[scheme])

    async def type(self, selector: str, text: str) -> None:
        """Write into a field as a person does."""
        await self.run(f"document.querySelector({json.dumps(selector)}).select()")
        await self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.do("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            await self.do(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=_CODES[key], **text
            )

    async def picture(self, path: Path) -> None:
        shot = await self.do("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))


_CODES = {"Tab": 9, "Enter": 13}


@asynccontextmanager
async def page(profile: Path) -> AsyncIterator[Page]:
    """A tab of a browser that knows nothing of earlier ones."""
    program = path()
    assert program, "Chromium is not installed: run `make peers`"
    process = await asyncio.create_subprocess_exec(
        program, *_FLAGS, f"--user-data-dir={profile}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port = await _port(profile, process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as reply:
                tabs = await reply.json()
            address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
            async with session.ws_connect(address, max_msg_size=0) as socket:
                tab = Page(socket)
                listening = asyncio.create_task(tab.listen())
                try:
                    for domain in ("Page", "Runtime", "Network", "Log"):
                        await tab.do(f"{domain}.enable")
                    yield tab
                finally:
                    listening.cancel()
                    with suppress(asyncio.CancelledError):
                        await listening
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _port(profile: Path, process: asyncio.subprocess.Process) -> int:
    """The port it listens on, which it writes into its profile."""
    deadline = asyncio.get_running_loop().time() + START_S
    file = profile / "DevToolsActivePort"
    while True:
        with suppress(OSError, ValueError, IndexError):
            return int(file.read_text().splitlines()[0])
        assert process.returncode is None, "Chromium ended"
        assert asyncio.get_running_loop().time() < deadline, "Chromium does not start"
        await asyncio.sleep(0.1)
