"""Control of the simulated carrier over HTTP, for people and for tests in other languages.

GET /stats, GET /messages?to=&latest=, GET /summary, GET /tally?to=, GET /options, GET and POST /script, POST /set,
POST /mo, POST /drop, POST /reset, and POST /lookup, which stands for the look-up service of a carrier; JSON both ways,
but for scripts and the tally, which are plain text. It listens on the simulator's own address only and asks for no
password.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Protocol, cast

import msgspec
from aiohttp import web

from .journal import Message, Stats
from .language import read, ready_scripts, written
from .lookups import Asked, look_up
from .options import SimulatorOptions
from .tally import Row, Summary

_ROWS_AT_ONCE = 5_000


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

    def summary(self) -> Summary:
        """What became of the messages of this run."""

    def tally(self, destination: str = "") -> Iterator[tuple[str, str, Row]]:
        """(number, fingerprint, counts) of every message, or of those to one number."""

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
                web.get("/summary", self._summary),
                web.get("/tally", self._tally),
                web.get("/options", self._options),
                web.get("/script", self._script),
                web.post("/script", self._set_script),
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

    async def _summary(self, request: web.Request) -> web.Response:
        return _json(self._simulator.summary())

    async def _tally(self, request: web.Request) -> web.StreamResponse:
        destination = request.query.get("to", "").lstrip("+")
        if destination and not destination.isdecimal():
            return _json({"error": "to is a number"}, 400)
        response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
        await response.prepare(request)
        await response.write(f"number print {' '.join(Row._fields)}\n".encode())
        rows = self._simulator.tally(destination)
        while found := list(islice(rows, _ROWS_AT_ONCE)):
            lines = [f"{number} {fingerprint} {' '.join(map(str, row))}\n" for number, fingerprint, row in found]
            await response.write("".join(lines).encode())
        await response.write_eof()
        return response

    async def _script(self, request: web.Request) -> web.Response:
        return web.Response(text=written(read(self._simulator.options.script)))

    async def _set_script(self, request: web.Request) -> web.Response:
        name = request.query.get("name")
        ready = ready_scripts()
        if name is not None and name not in ready:
            return _json({"error": f"no script is called {name}; there are {', '.join(ready)}"}, 400)
        try:
            text = ready[name] if name is not None else (await request.read()).decode()
            self._simulator.change({"script": text})
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        return web.Response(text=written(read(text)))

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
