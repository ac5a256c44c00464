"""Control of the simulated carrier over HTTP, for people and for tests in other languages.

GET /stats, GET /messages?to=&latest=, GET /options, POST /set, POST /mo, POST /drop, POST /reset, and POST /lookup,
which stands for the look-up service of a carrier; JSON both ways. It listens on the simulator's own address only and
asks for no password.
"""

from collections.abc import Mapping
from typing import Protocol, cast

import msgspec
from aiohttp import web

from .journal import Message, Stats
from .lookups import Asked, look_up
from .options import SimulatorOptions


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from", "destination": "to"}):
    """Body of POST /mo: texts from a handset."""

    source: str
    destination: str
    text: str
    count: int = 1
    system_id: str = ""


class Controlled(Protocol):
    """What control does to the simulator."""

    options: SimulatorOptions

    def stats(self) -> Stats:
        """The counters of this moment."""

    def messages(self, destination: str | None = None, latest: int | None = None) -> list[Message]:
        """Submits that were kept."""

    def change(self, changes: Mapping[str, object]) -> None:
        """Replace options."""

    def reply(self, source: str, destination: str, text: str, *, count: int = 1, system_id: str = "") -> int:
        """Deliver texts from handsets."""

    def drop(self) -> int:
        """Cut all links."""

    def reset(self) -> None:
        """Start counting anew."""


class Control:
    """The HTTP server of one simulator."""

    def __init__(self, simulator: Controlled) -> None:
        self._simulator = simulator
        app = web.Application()
        app.add_routes(
            [
                web.get("/stats", self._stats),
                web.get("/messages", self._messages),
                web.get("/options", self._options),
                web.post("/set", self._set),
                web.post("/mo", self._reply),
                web.post("/drop", self._drop),
                web.post("/reset", self._reset),
                web.post("/lookup", self._lookup),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises: OSError when the port is taken.
        """
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    @property
    def port(self) -> int:
        """The port that was taken."""
        return cast(int, self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the server and its connections."""
        await self._runner.cleanup()

    async def _stats(self, request: web.Request) -> web.Response:
        return _json(self._simulator.stats())

    async def _options(self, request: web.Request) -> web.Response:
        return _json(self._simulator.options)

    async def _messages(self, request: web.Request) -> web.Response:
        latest = request.query.get("latest", "")
        if latest and not latest.isdecimal():
            return _json({"error": "latest is a number"}, 400)
        return _json(self._simulator.messages(request.query.get("to"), int(latest) if latest else None))

    async def _set(self, request: web.Request) -> web.Response:
        try:
            self._simulator.change(msgspec.json.decode(await request.read(), type=dict[str, object]))
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        return _json(self._simulator.options)

    async def _reply(self, request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=Reply)
            parts = self._simulator.reply(
                asked.source, asked.destination, asked.text, count=asked.count, system_id=asked.system_id
            )
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        return _json({"parts": parts})

    async def _lookup(self, request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=Asked)
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        return _json(look_up(asked.to))

    async def _drop(self, request: web.Request) -> web.Response:
        return _json({"dropped": self._simulator.drop()})

    async def _reset(self, request: web.Request) -> web.Response:
        self._simulator.reset()
        return _json({})


def _json(value: object, code: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=code, content_type="application/json")
