"""Demo accounts: nothing they send reaches a carrier, and the numbers say what becomes of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from chappe.carriers.simulator import Simulator
from chappe.domain.lifecycle import Dlr, Queue, State
from chappe.domain.magic import MAGIC, PREFIX
from chappe.manage.carriers import Changes
from chappe.runtime.bootstrap import opened
from chappe.runtime.cli import cli
from chappe.store.sqlite import Database, Row
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.sending import simulated
from tests.server import Prepared, prepare, serving
from tests.wire import call

# Times of the table pass so many times faster.
SPEED = 25.0
WITHIN_S = 40.0
LONG = "A text that takes two parts, so that the first may be reported and the second never is. " * 2
DELIVERED = (State.DELIVERED, Dlr.DELIVERED, None)
# What becomes of a message to each number, as docs/testing.md says: its state, its status, where it is in the queue.
BECOMES: dict[str, tuple[int, int, int | None]] = {
    "01": DELIVERED,
    "02": DELIVERED,
    "03": (State.FAILED, Dlr.NOT_DELIVERED, None),
    "04": (State.FAILED, Dlr.EXPIRED, None),
    "05": (State.FAILED, Dlr.INVALID_DESTINATION, None),
    "06": (State.FAILED, Dlr.REJECTED, None),
    "07": (State.FAILED, Dlr.INVALID_SENDER, None),
    "08": DELIVERED,
    "09": DELIVERED,
    "10": (State.ACCEPTED, Dlr.NOT_SENT, Queue.UNKNOWN),
    "11": DELIVERED,
    "12": (State.SENT, Dlr.SENT, None),
    "13": DELIVERED,
    "14": DELIVERED,
    "15": (State.SENT, Dlr.SENT, None),
    "16": DELIVERED,
    "17": DELIVERED,
    "18": DELIVERED,
}
# No magic: delivered after a moment.
ANYBODY = "33612345678"


def magic(code: str) -> str:
    return f"33639{PREFIX}{code}"


@dataclass(frozen=True, slots=True)
class Site:
    """A served installation with a real carrier, an ordinary account (of `prepared`) and a demo account."""

    prepared: Prepared
    real: Simulator
    token: str
    child_token: str

    async def api(self, token: str, method: str, target: str, document: object = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Content-Type": "application/json"}
        body = b"" if document is None else json.dumps(document).encode()
        return (await call(self.prepared.settings.port, method, target, headers, body)).json

    async def send(self, token: str, *numbers: str, text: str = "Hello") -> dict[str, Any]:
        recipients = [{"value": number} for number in numbers]
        message = {"text": text, "sender": "SHOP", "pushtype": "alert"}
        document = {"sms": {"message": message, "recipients": {"gsm": recipients}}}
        answer = await self.api(token, "POST", "/send", document)
        assert answer["status"] == 1, answer
        return answer

    def rows(self, sql: str) -> list[Row]:
        database = Database(self.prepared.settings.database)
        try:
            return database.read(lambda tx: tx.rows(Statement(sql)))
        finally:
            database.close()

    def write(self, sql: str) -> None:
        database = Database(self.prepared.settings.database)
        try:
            database.write(lambda tx: tx.run(Statement(sql)))
        finally:
            database.close()

    def became(self) -> dict[str, tuple[int, int, int | None]]:
        """The last two digits of each number -> state, status and place in the queue of the message to it."""
        found = self.rows(
            "SELECT m.number, m.state, m.dlr, d.state FROM message m LEFT JOIN dispatch d ON d.message_id = m.id"
        )
        return {str(number)[-2:]: (state, dlr, queue) for number, state, dlr, queue in found}


async def eventually(holds: Callable[[], bool], what: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + WITHIN_S
    while not holds():
        assert loop.time() < end, what()
        await asyncio.sleep(0.1)


@asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    async with Simulator(simulated()) as real:
        prepared = await prepare(folder / "data", real.port)
        async with opened(prepared.settings) as chappe:
            accounts, tokens = chappe.use_cases.accounts, chappe.use_cases.tokens
            demo = await accounts.create("demo@example.org", "open-sesame", "FR", 1000, is_sandbox=True)
            child = await accounts.create("child@example.org", "open-sesame", "FR", 0, demo, True)
            assert child.is_sandbox
            token, child_token = [(await tokens.create(each, "tests", None, None)).token for each in (demo, child)]
            await chappe.carriers.change("sandbox", Changes({"speed": SPEED}))
        async with serving(prepared, folder / "log"):
            yield Site(prepared, real, token, child_token)


@on_loop
async def test_every_magic_number_does_what_the_table_says(tmp_path: Path) -> None:
    async with site(tmp_path) as running:
        await running.send(running.token, *[magic(code) for code in MAGIC if code != "15"], ANYBODY)
        await running.send(running.token, magic("15"), text=LONG)
        # The one whose carrier was full is tried again after a minute: now.
        refused = "SELECT 1 FROM trace WHERE detail LIKE 'ESME_RMSGQFUL%'"
        await eventually(lambda: bool(running.rows(refused)), running.became)
        running.write("UPDATE dispatch SET ready_at = 0 WHERE state = 3")
        expected = BECOMES | {ANYBODY[-2:]: DELIVERED}
        await eventually(lambda: running.became() == expected, running.became)
        assert running.rows("SELECT p.dlr FROM part p JOIN message m ON m.id = p.message_id WHERE m.number % 100 = 15"
                            " ORDER BY seq") == [(Dlr.DELIVERED,), (0,)]  # fmt: skip

        await eventually(lambda: len(running.rows("SELECT 1 FROM reply WHERE state = 1")) >= 3, lambda: "three replies")
        replies = {str(row["destination"])[-2:] for row in (await _replies(running))}
        assert replies == {"16", "17", "18"}
        assert _values(await running.api(running.token, "GET", "/npai")) == {magic("05")}
        assert _values(await running.api(running.token, "GET", "/blacklist")) == {magic("16")}
        left_out = await running.send(running.token, magic("05"), magic("16"), magic("01"))
        assert (left_out["npai"], left_out["blacklisted"], left_out["sent"]) == (1, 1, 1)
        assert running.real.stats().received == 0, "nothing reached the real carrier"


@on_loop
async def test_demo_and_ordinary_accounts_keep_to_their_own_carriers(tmp_path: Path) -> None:
    async with site(tmp_path) as running:
        number, delivered = "33612345999", "SELECT account_id, carrier_id FROM message WHERE state = 2 ORDER BY id"
        await running.send(running.prepared.token, number)
        await eventually(lambda: len(running.rows(delivered)) == 1, running.became)
        await running.send(running.child_token, number)
        await eventually(lambda: len(running.rows(delivered)) == 2, running.became)
        assert running.real.stats().received == 1
        [(kind,)] = running.rows("SELECT kind FROM carrier WHERE id = (SELECT carrier_id FROM message WHERE id ="
                                 " (SELECT MAX(id) FROM message))")  # fmt: skip
        assert kind == "sandbox"
        # The person answers what he got; that a demo account "wrote" to him later changes nothing.
        running.real.reply(number, "SHOP", "Thank you")
        await eventually(lambda: bool(running.rows("SELECT 1 FROM reply WHERE state = 1")), lambda: "a reply")
        assert running.rows("SELECT account_id FROM reply") == [(running.prepared.account_id,)]


@on_loop
async def test_why_a_message_of_a_demo_account_goes_nowhere_is_told(tmp_path: Path) -> None:
    async with site(tmp_path) as running:
        asked = {"explain": {"to": ANYBODY, "text": "Hello", "sender": "SHOP"}}
        told = json.dumps(await running.api(running.token, "POST", "/explain", asked))
        assert "nothing is sent to anybody" in told
        assert "nothing is sent to anybody" not in json.dumps(
            await running.api(running.prepared.token, "POST", "/explain", asked)
        )


def test_the_command_line_makes_demo_accounts_and_keeps_their_carrier(tmp_path: Path) -> None:
    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli, [*words, "--data", str(tmp_path)])
        assert done.exit_code == code, done.output
        return f"{done.output}{done.exception or ''}"

    account = ["account", "create", "--password", "open-sesame", "--email"]
    run(*account, "shop@example.org")
    run(*account, "demo@example.org", "--sandbox")
    run(*account, "child@example.org", "--parent", "demo@example.org")
    listed = run("account", "list").splitlines()
    assert [line.endswith("sandbox") for line in listed if "@" in line] == [False, True, True]
    assert json.loads(run("account", "show", "child@example.org", "--json"))["sandbox"] is True
    assert "what its parent is" in run(*account, "x@example.org", "--parent", "shop@example.org", "--sandbox", code=1)
    assert "sandbox: built in, for demo accounts" in run("carrier", "list")
    explained = ["route", "explain", "--to", ANYBODY, "--account"]
    assert "sandbox by no route: of a demo account" in run(*explained, "child@example.org")
    assert "sandbox" not in run(*explained, "shop@example.org")
    assert "built in" in run("carrier", "remove", "sandbox", code=1)
    assert "needs no route" in run("route", "add", "--carrier", "sandbox", code=1)


async def _replies(running: Site) -> list[dict[str, Any]]:
    found = await running.api(
        running.token, "GET", "/messages/mo?date_start=2026-01-01+00:00:00&date_end=2099-01-01+00:00:00"
    )
    return list(found["replies"])


def _values(answer: dict[str, Any]) -> set[str]:
    rows = answer["list"]
    return {str(row["destination"]) for row in rows}
