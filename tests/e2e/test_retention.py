"""A running server deletes what its customers do not want to be kept."""

from pathlib import Path

from chappe.carriers.simulator import Simulator
from chappe.domain.requests import SubmitRequest
from chappe.runtime.bootstrap import opened
from chappe.store.clock import now_ms
from chappe.store.sqlite import Database
from chappe.store.statement import Statement
from tests.builders import on_loop
from tests.sending import simulated, until
from tests.server import Prepared, prepare, serving

DAY = 24 * 3600 * 1000
NUMBERS = [str(33_612_000_000 + i) for i in range(2_000)]


def read(path: Path, sql: str) -> int:
    database = Database(path)
    try:
        return int(database.read(lambda tx: tx.one(Statement(sql)))[0])
    finally:
        database.close()


@on_loop
async def test_old_messages_are_gone_soon_after_the_start_and_new_ones_stay(tmp_path: Path) -> None:
    async with Simulator(simulated()) as carrier:
        prepared = await prepare(tmp_path / "data", carrier.port)
        await fill(prepared)
        path = prepared.settings.database
        async with serving(prepared, tmp_path / "log") as server:
            await until(lambda: read(path, "SELECT COUNT(*) FROM message") == 3, server.log(), within_s=30)
            await until(lambda: "deleted what is kept no longer" in server.log(), "the line in the log")
        assert read(path, "SELECT COUNT(*) FROM campaign") == 2
        assert read(path, "SELECT COUNT(*) FROM campaign WHERE messages_deleted_at IS NOT NULL") == 1


async def fill(prepared: Prepared) -> None:
    """A campaign of three days ago, for an account that keeps two days, and one of today."""
    async with opened(prepared.settings) as chappe:
        account, submitter = chappe.use_cases.accounts.find(prepared.account_id), chappe.use_cases.submitter
        await chappe.use_cases.retentions.change(account, {"message": "2d"}, fields={"message": "message"})
        old = (await submitter.submit(account, SubmitRequest("Hello", NUMBERS))).ticket
        assert old is not None
        await submitter.cancel(account, old)
        at = now_ms() - 3 * DAY
        await chappe.store.write(lambda tx: tx.run(Statement("UPDATE campaign SET send_at = :at"), at=at))
        await submitter.submit(account, SubmitRequest("Hello", NUMBERS[:3]))
