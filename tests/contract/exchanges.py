"""Golden exchanges: files that say, octet by octet, what is sent and what is answered.

A file holds any number of exchanges, played one after the other against a fresh installation:

    === request
    GET /credits
    Authorization: Bearer {token}

    === answer
    200 application/json; charset=utf-8
    {"status":1, ...}

What happened in between stands in a section of facts, one a line, and goes through the parts that record it:

    === given
    message 1 left
    message 2 ended 5
    reply from 33600112233: Yes
    rule hold_words is bank
    campaign 1 approved
    campaign 2 refused

The number after *ended* is a delivery status. `{token}` in a request is the token of the account; `{jwt}` in an answer
stands for any token, `{pdf}` for a whole PDF.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.builders import Api
from tests.contract.facts import come_true
from tests.wire import Reply, call

FOLDER = Path(__file__).parent / "exchanges"
_JWT = r"[\w-]+\.[\w-]+\.[\w-]+"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the answer it must get."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    status: int
    content_type: str
    answer: str

    async def play(self, port: int, token: str) -> Reply:
        headers = {name: value.replace("{token}", token) for name, value in self.headers.items()}
        return await call(port, self.method, self.target.replace("{token}", token), headers, self.body)

    def is_answered_by(self, reply: Reply) -> bool:
        if self.answer == "{pdf}":
            return reply.body.startswith(b"%PDF-") and reply.body.rstrip().endswith(b"%%EOF")
        pattern = re.escape(self.answer).replace(re.escape("{jwt}"), _JWT)
        return re.fullmatch(pattern, reply.body.decode()) is not None


@dataclass(frozen=True, slots=True)
class Given:
    """What happens before the next request."""

    facts: tuple[str, ...]

    async def happen(self, api: Api) -> None:
        for fact in self.facts:
            await come_true(api, fact)


def steps(path: Path) -> list[Exchange | Given]:
    """The exchanges of a file and what happens between them, in their order."""
    parts = re.split(r"^=== (request|answer|given)\n", path.read_text(), flags=re.MULTILINE)[1:]
    assert parts, f"{path.name} has no exchange"
    found: list[Exchange | Given] = []
    request: str | None = None
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        assert (kind == "answer") == (request is not None), f"{path.name}: a request without an answer"
        if kind == "request":
            request = text
        elif request is not None:
            found.append(_exchange(request, text))
            request = None
        else:
            found.append(Given(tuple(line for line in text.splitlines() if line.strip())))
    assert request is None, f"{path.name}: a request without an answer"
    return found


def load(path: Path) -> list[Exchange]:
    """The exchanges of a file, in their order."""
    return [step for step in steps(path) if isinstance(step, Exchange)]


def _exchange(request: str, answer: str) -> Exchange:
    head, _, body = request.strip("\n").partition("\n\n")
    first, *lines = head.split("\n")
    method, target = first.split(" ", 1)
    headers = dict(line.split(": ", 1) for line in lines)
    start, _, text = answer.strip("\n").partition("\n")
    status, _, content_type = start.partition(" ")
    return Exchange(method, target, headers, body.encode(), int(status), content_type, text)
