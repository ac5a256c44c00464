"""Somebody asks what is known of him and to be forgotten, while the server runs and others send."""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

from chappe.carriers.simulator import Simulator
from chappe.store import schema
from chappe.store.sqlite import Database
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.e2e.test_command_line import chappe
from tests.sending import simulated, until
from tests.server import Prepared, prepare, serving
from tests.wire import call

PERIOD = "date_start=2020-01-01%2000:00:00&date_end=2036-01-01%2000:00:00"
ANNA, BOB = "33612345678", "33612345679"


def tables(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    opened = Database(database)
    try:
        return opened.read(
            lambda tx: {name: tx.rows(Statement(f"SELECT * FROM {name}")) for name in schema.metadata.tables}
        )
    finally:
        opened.close()


def mentions(database: Path, word: str) -> list[str]:
    found = tables(database)
    return sorted(name for name, rows in found.items() if any(word in str(value) for row in rows for value in row))


class Customer:
    """Calls the API."""

    def __init__(self, prepared: Prepared) -> None:
        self._port = prepared.settings.port
        json_ = {"Accept": "application/json", "Content-Type": "application/json"}
        self._headers = {"Authorization": f"Bearer {prepared.token}", **json_}

    async def api(self, method: str, target: str, document: object = None) -> dict[str, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        answer = (await call(self._port, method, target, self._headers, body)).json
        assert answer["status"] == 1, answer
        return answer

    async def send(self, to: str, text: str = "Hello Xanadu", **more: object) -> str:
        message = {"text": text, "pushtype": "alert", **more}
        recipients = {"gsm": [{"value": to, "gsmsmsid": f"of {text}"}]}
        answer = await self.api("POST", "/send", {"sms": {"message": message, "recipients": recipients}})
        return str(answer["ticket"])

    async def send_until(self, stop: asyncio.Event) -> int:
        """Send to somebody else all the time; how many it were."""
        count = 0
        while not stop.is_set():
            await self.send(BOB, "Hello")
            count += 1
        return count


@on_loop
async def test_a_person_is_exported_and_erased_while_the_server_runs_and_others_send(tmp_path: Path) -> None:
    # Receipts come late: after the erasure.
    async with Simulator(simulated(receipt_delay_s=6.0)) as carrier:
        prepared = await prepare(tmp_path / "data", carrier.port)
        database = prepared.settings.database
        command = partial(chappe, folder=tmp_path)
        where = ["--data", str(prepared.settings.data)]
        async with serving(prepared, tmp_path / "log") as server:
            customer = Customer(prepared)
            gone = await customer.send(ANNA)
            await customer.api("POST", "/list", {"list": {"name": "Friends", "contacts": {"gsm": [
                {"value": ANNA, "info1": "Xanadu"}, {"value": BOB, "info1": "Bob"}]}}})  # fmt: skip
            await until(lambda: len(carrier.messages()) == 1, "the message is at the carrier")
            delayed = await customer.send(ANNA, delay="2035-01-01 12:00:00")
            before = (await customer.api("GET", "/credits"))["credits"]

            shown = await asyncio.to_thread(command, "privacy", "export", "06 12 34 56 78", "--country", "FR", *where)
            exported = json.loads(shown.stdout)
            assert [message["text"] for message in exported["messages"]] == ["Hello Xanadu", "Hello Xanadu"]
            assert [contact["info1"] for contact in exported["contacts"]] == ["Xanadu"]
            assert BOB not in shown.stdout

            stop = asyncio.Event()
            sending = asyncio.create_task(customer.send_until(stop))
            done = await asyncio.to_thread(command, "privacy", "erase", f"+{ANNA}", "--yes", "--json", *where)
            stop.set()
            assert await sending > 0
            erased = json.loads(done.stdout)
            assert (erased["messages"], erased["contacts"], erased["cancelled"], erased["left"]) == (2, 1, 1, 0)
            assert mentions(database, ANNA) == mentions(database, "Xanadu") == []

            # The receipt of what the carrier had still counts, and is told to nobody.
            async with asyncio.timeout(30):
                while (await customer.api("GET", f"/campaign/{gone}"))["campaign"][0]["delivered"] != "1":
                    await asyncio.sleep(0.1)
            assert mentions(database, ANNA) == []
            assert (await customer.api("GET", f"/campaign/{delayed}"))["campaign"][0]["status"] == "Canceled"
            page = await customer.api("GET", f"/messages?length=1000&{PERIOD}")
            assert {row["destination"] for row in page["messages"]} == {"0", BOB}
            assert (await customer.api("GET", "/campaigns"))["totalRecords"] == page["totalRecords"]
            sent = page["totalRecords"] - 2
            assert (await customer.api("GET", "/credits"))["credits"] == str(int(before) + 1 - sent)
            assert "Traceback" not in server.log()
        log = await asyncio.to_thread(command, "audit", "list", "--action", "privacy", "--json", *where)
        assert [(entry["action"], entry["subject"]) for entry in json.loads(log.stdout)] == [
            ("privacy.erase", "3361234****"), ("privacy.export", "3361234****"),
        ]  # fmt: skip


def test_an_operator_is_asked_before_anything_is_erased(tmp_path: Path) -> None:
    chappe("account", "create", "--email", "a@example.org", "--password", "secret1", folder=tmp_path)
    (tmp_path / "people.csv").write_text(f"{ANNA}\n{BOB}\n")
    chappe("list", "import", "people.csv", "--account", "1", folder=tmp_path)
    asked = chappe("privacy", "erase", ANNA, folder=tmp_path, code=1)
    assert "Of 3361234**** there is: 1 contacts." in asked.stderr
    assert "Aborted" in asked.stderr
    database = tmp_path / "chappe-data" / "chappe.db"
    assert mentions(database, ANNA) == ["contact"]
    done = chappe("privacy", "erase", ANNA, "--yes", folder=tmp_path)
    assert done.stdout == "Erased: 1 contacts.\n"
    assert mentions(database, ANNA) == []
    assert mentions(database, BOB) == ["contact"]
    assert chappe("privacy", "erase", ANNA, "--yes", folder=tmp_path).stdout == "Erased: nothing.\n"


def test_an_export_goes_to_a_file_that_nobody_else_reads_and_bad_numbers_are_refused(tmp_path: Path) -> None:
    chappe("account", "create", "--email", "a@example.org", "--password", "secret1", folder=tmp_path)
    file = tmp_path / "anna.json"
    file.touch(mode=0o644)
    chappe("privacy", "export", ANNA, "--account", "1", "-o", "anna.json", folder=tmp_path)
    assert json.loads(file.read_text())["number"] == f"+{ANNA}"
    assert file.stat().st_mode & 0o077 == 0
    assert "--country" in chappe("privacy", "export", "0612345678", folder=tmp_path, code=1).stderr
    assert "no phone number" in chappe("privacy", "erase", "Anna", folder=tmp_path, code=1).stderr
    assert "no account 9" in chappe("privacy", "export", ANNA, "--account", "9", folder=tmp_path, code=1).stderr
    assert "two letters" in chappe("privacy", "export", ANNA, "--country", "FRA", folder=tmp_path, code=2).stderr
