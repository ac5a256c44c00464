"""The npm package smpp in both roles: scripts of tests/peers/node, which are told and tell by lines of JSON."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from chappe.telecom import gsm7
from tests.esme import until
from tests.peers.program import Answer, Heard, Receipt, Reply

SCRIPTS: Final = Path(__file__).parent / "node"
SENDER: Final = "NODE"
_STATES: Final = {2: "DELIVRD", 3: "EXPIRED", 5: "UNDELIV", 8: "REJECTD"}


@dataclass(slots=True)
class Node:
    """A running script, and the facts it told so far."""

    process: asyncio.subprocess.Process
    told: list[dict[str, Any]] = field(default_factory=list)

    def facts(self, name: str) -> list[Any]:
        return [fact[name] for fact in self.told if name in fact]

    def order(self, **order: Any) -> None:
        """Tell it to do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.told.append(json.loads(line))


@asynccontextmanager
async def node(script: str, *arguments: str) -> AsyncIterator[Node]:
    """Run one of our scripts on the independent package; it ends with its input."""
    binary = shutil.which("node")
    if binary is None or not (SCRIPTS / "node_modules" / "smpp").is_dir():
        pytest.fail("node-smpp is not installed: run `make peers`")
    process = await asyncio.create_subprocess_exec(
        binary, str(SCRIPTS / script), *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    peer = Node(process)
    listening = asyncio.create_task(peer.listen())
    try:
        yield peer
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
        await listening


class NodeCentre:
    """A carrier: his script, and the texts that it took."""

    def __init__(self, script: Node) -> None:
        self.script = script

    @property
    def port(self) -> int:
        return int(self.script.facts("port")[0])

    def texts(self, number: str) -> list[str]:
        """The texts to a number, parts put together in the order of their numbers."""
        parts: dict[str, dict[int, str]] = {}
        for i, fact in enumerate(self.script.told):
            if "submit" in fact and fact["to"] == number:
                reference, _, part = _concatenation(fact["udh"][0]) if fact["udh"] else (str(i), 1, 1)
                own = parts.setdefault(reference, {})
                assert part not in own, f"part {part} came twice"
                own[part] = fact["submit"]
        return ["".join(own[each] for each in sorted(own)) for own in parts.values()]

    def reply(self, source: str, destination: str, text: str) -> None:
        """Somebody answers: in the package's own way, so in GSM-7 under the name of ASCII, or in UCS-2."""
        self.script.order(
            reply={
                "source_addr_ton": 1, "source_addr_npi": 1, "source_addr": source, "dest_addr_ton": 3,
                "destination_addr": destination, "short_message": text,
            }
        )  # fmt: skip


@asynccontextmanager
async def node_centre() -> AsyncIterator[NodeCentre]:
    """A carrier on a port of its own."""
    async with node("centre.js") as script:
        await until(lambda: bool(script.facts("port")), "node-smpp listens")
        yield NodeCentre(script)


class NodeCustomer:
    """A customer: his script, and what he has heard."""

    def __init__(self, script: Node) -> None:
        self.script = script

    @property
    def heard(self) -> Heard:
        """What the script told, in the words of all programs."""
        found = Heard(binds=self.script.facts("bound"))
        parts: dict[tuple[str, str, str], dict[int, str]] = {}
        for fact in self.script.told:
            if "answer" in fact:
                found.answers.append(Answer(fact["to"], fact["answer"], fact.get("id") or ""))
            elif fact.get("esm_class") == 4:
                read = Receipt.read(fact["deliver"])
                assert (fact["id"], _STATES[fact["state"]]) == read[:2]
                found.receipts.append(read)
            elif "deliver" in fact and fact["udh"]:
                reference, total, number = _concatenation(fact["udh"][0])
                own = parts.setdefault((fact["from"], fact["to"], reference), {})
                own[number] = fact["deliver"]
                if len(own) == total:
                    text = "".join(own[each] for each in sorted(own))
                    found.replies.append(Reply(fact["from"], fact["to"], text))
            elif "deliver" in fact:
                found.replies.append(Reply(fact["from"], fact["to"], fact["deliver"]))
        return found

    async def send(self, number: str, text: str, *, coding: int | None = None, form: str = "udh") -> None:
        """Submit a text.

        Shape: without `coding` the package finds one by itself; long texts go as `payload`, or as parts (`udh`).
        """
        fields: dict[str, Any] = {
            "source_addr_ton": 5, "source_addr": SENDER, "dest_addr_ton": 1, "dest_addr_npi": 1,
            "destination_addr": number, "registered_delivery": 1,
        }  # fmt: skip
        if coding is not None:
            fields["data_coding"] = coding
        width = 150 if gsm7.DEFAULT.has(text) else 66
        pieces = [text[at : at + width] for at in range(0, len(text), width)]
        if len(pieces) == 1:
            self.script.order(submit=fields | {"short_message": text})
        elif form == "payload":
            self.script.order(submit=fields | {"message_payload": text})
        else:
            for i, piece in enumerate(pieces, 1):
                short = {"udh": f"0500032a{len(pieces):02x}{i:02x}", "message": piece}
                self.script.order(submit=fields | {"short_message": short})

    def end(self) -> None:
        """Say good-bye."""
        assert self.script.process.stdin is not None
        self.script.process.stdin.close()


def _concatenation(header: str) -> tuple[str, int, int]:
    """(reference, total, number) of a part."""
    octets = bytes.fromhex(header)
    return octets[2:-2].hex(), octets[-2], octets[-1]


@asynccontextmanager
async def node_customer(port: int, system_id: str, password: str) -> AsyncIterator[NodeCustomer]:
    """A customer who is bound, or tries to be, and says good-bye at the end."""
    async with node("customer.js", str(port), system_id, password) as script:
        yield NodeCustomer(script)
