"""Customers who send over HTTP, one by one and in campaigns, and insist until they are answered."""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec

from tests.load.soak.notebook import Notebook
from tests.load.soak.pace import Pace
from tests.wire import read_reply

TEXT = "Your parcel has arrived. Pick it up today before 7 pm."
LONG = TEXT + " It is large and heavy: come with a car or with a friend, and bring your identity card. " + TEXT
# A share of the single messages are long ones.
LONG_SHARE = 0.05
WORKERS = 64
ANSWER_S = 20.0
# For so long a customer insists; a killed process is back long before.
INSIST_S = 120.0
PAUSE_S = 0.1
BUSY = -99


class Line:
    """A connection to the API that is made again whenever it breaks."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._head = f"Host: 127.0.0.1:{port}\r\nAccept: application/json\r\nAuthorization: Bearer {token}\r\n"
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def insist(self, method: str, target: str, key: str, body: bytes = b"") -> dict[str, Any]:
        """The answer to a request that has one idempotency key however often it is made. Raises: TimeoutError."""
        more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        request = f"{method} {target} HTTP/1.1\r\n{self._head}Idempotency-Key: {key}\r\n{more}\r\n".encode() + body
        loop = asyncio.get_running_loop()
        end = loop.time() + INSIST_S
        while loop.time() < end:
            try:
                answer = await asyncio.wait_for(self._once(request), ANSWER_S)
            except (OSError, EOFError, TimeoutError, ValueError, IndexError):
                self.close()
            else:
                if answer.get("status") != BUSY:
                    return answer
            await asyncio.sleep(PAUSE_S)
        raise TimeoutError(f"{target[:60]} was not answered in {INSIST_S:.0f} s")

    async def _once(self, request: bytes) -> dict[str, Any]:
        if self._ends is None:
            self._ends = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._ends
        writer.write(request)
        return (await read_reply(reader)).json

    def close(self) -> None:
        if self._ends is not None:
            with contextlib.suppress(OSError):
                self._ends[1].close()
        self._ends = None


class Posting:
    """The customers of one installation until `is_over`."""

    def __init__(self, port: int, notebook: Notebook, dice: random.Random) -> None:
        self._port = port
        self._notebook = notebook
        self._dice = dice
        self.is_over = False

    async def singles(self, token: str, pace: Pace, numbers: Iterator[int]) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._single(token, pace, numbers))

    async def _single(self, token: str, pace: Pace, numbers: Iterator[int]) -> None:
        line = Line(self._port, token)
        while not self.is_over:
            await pace.turn()
            number = next(numbers)
            text = LONG if self._dice.random() < LONG_SHARE else TEXT
            query = urlencode({"to": number, "text": text, "sender": "SOAK", "gsmsmsid": f"s{number}"})
            answer = await line.insist("GET", f"/send?{query}", f"s{number}")
            accepted = answer.get("status") == 1 and answer.get("sent") == 1
            self._notebook.asked(
                number, "single", "accepted" if accepted else "refused", str(answer.get("ticket")),
                "" if accepted else str(answer),
            )  # fmt: skip
        line.close()

    async def campaigns(self, token: str, pace: Pace, numbers: Iterator[int]) -> None:
        line = Line(self._port, token)
        while not self.is_over:
            size = self._dice.choice((1, 20, 100, 300))
            await pace.turn(size)
            some = [next(numbers) for _ in range(size)]
            answer = await line.insist("POST", "/send", f"c{some[0]}", _document(some))
            accepted = answer.get("status") == 1 and answer.get("sent") == size
            for number in some:
                self._notebook.asked(
                    number, "campaign", "accepted" if accepted else "refused", str(answer.get("ticket")),
                    "" if accepted else str(answer),
                )  # fmt: skip
        line.close()


def _document(numbers: list[int]) -> bytes:
    recipients = [{"value": str(number), "gsmsmsid": f"c{number}"} for number in numbers]
    message = {"text": TEXT, "pushtype": "alert", "sender": "SOAK"}
    return msgspec.json.encode({"sms": {"message": message, "recipients": {"gsm": recipients}}})
