"""A send that brings the balance down to the trigger is told about: by mail, webhook and text message, once."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest
import structlog

from chappe.carriers.simulator import Simulator
from chappe.domain.accounts import Account
from chappe.domain.requests import SubmitRequest
from chappe.manage.balance_alerts import AlertWish
from chappe.pipeline.balance_alerts import Alerter
from chappe.runtime.bootstrap import opened
from chappe.store.statement import Statement
from tests.builders import CHILD_EMAIL, STRANGER_EMAIL, on_loop
from tests.mail_server import mail_server
from tests.sending import Sending, installation, simulated, until
from tests.server import prepare, serving
from tests.webhook_receiver import OK, always, receiver

TO, PHONE = "33612345678", "33600112233"


class Alerts:
    """An installation whose worker's round is done when the test says so."""

    def __init__(self, sending: Sending) -> None:
        self.sending = sending
        self.alerter = Alerter(sending.store, sending.ids, sending.use_cases.submitter)

    async def want(self, trigger: int, account: Account | None = None, **more: object) -> None:
        wish = AlertWish(trigger, **{"by_email": True, **more})  # type: ignore[arg-type]
        await self.sending.use_cases.balance_alerts.change(account or self.sending.account, wish)

    async def spend(self, count: int, account: Account | None = None) -> None:
        to = [str(33_612_000_000 + i) for i in range(count)]
        await self.sending.use_cases.submitter.submit(account or self.sending.account, SubmitRequest("Hello", to))

    async def add(self, credits_: int) -> None:
        await self.sending.use_cases.credits.add(self.sending.account, credits_)

    def read(self, sql: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self.sending.store.glance(lambda tx: tx.rows(Statement(sql)))]

    def mails(self) -> list[object]:
        return [row[0] for row in self.read("SELECT recipient FROM mail ORDER BY id")]

    def events(self) -> list[dict[str, str]]:
        return [json.loads(str(row[0])) for row in self.read("SELECT payload FROM event ORDER BY id")]

    def texts(self) -> list[tuple[object, ...]]:
        return self.read(f"SELECT account_id, price_mc FROM message WHERE number = {PHONE}")


@asynccontextmanager
async def alerts(folder: Path) -> AsyncIterator[Alerts]:
    async with installation(folder) as sending:
        yield Alerts(sending)


@on_loop
async def test_an_alert_is_given_when_the_balance_reaches_the_trigger_and_not_before(tmp_path: Path) -> None:
    async with alerts(tmp_path) as made:
        await made.want(990)
        await made.spend(9)
        await made.alerter.once()
        assert made.mails() == []
        await made.spend(1)
        await made.alerter.once()
        assert made.mails() == ["shop@example.org"]


@on_loop
async def test_it_is_given_once_until_the_balance_has_been_above_the_trigger_again(tmp_path: Path) -> None:
    async with alerts(tmp_path) as made:
        await made.want(990)
        for _ in range(3):
            await made.spend(10)
            await made.alerter.once()
        await made.add(20)  # exactly at the trigger: not above it
        await made.alerter.once()
        assert len(made.mails()) == 1
        await made.add(1)
        await made.alerter.once()
        await made.spend(1)
        await made.alerter.once()
        assert len(made.mails()) == 2


@on_loop
async def test_another_worker_does_not_repeat_it_and_neither_do_two_at_the_same_time(tmp_path: Path) -> None:
    async with alerts(tmp_path) as made:
        await made.want(999)
        await made.spend(1)
        workers = [Alerter(made.sending.store, made.sending.ids, made.sending.use_cases.submitter) for _ in range(3)]
        await asyncio.gather(*(worker.once() for worker in workers))
        assert len(made.mails()) == 1


@on_loop
async def test_whoever_wants_webhooks_only_gets_webhooks_only(tmp_path: Path) -> None:
    async with alerts(tmp_path) as made:
        hooks = made.sending.use_cases.webhooks
        for kind in ("BALANCE_ALERT", "BALANCE_ALERT", "DLR"):
            await hooks.create(made.sending.account, type=kind, url="https://hooks.example/x", signature=None)
        await made.want(995, by_email=False)
        await made.spend(6)
        await made.alerter.once()
        assert made.mails() == []
        assert [set(event) for event in made.events()] == [{"balance", "trigger", "date"}] * 2
        assert (made.events()[0]["balance"], made.events()[0]["trigger"]) == ("994", "995")


@on_loop
async def test_a_text_message_is_an_alert_of_the_account_at_its_price(tmp_path: Path) -> None:
    async with alerts(tmp_path) as made:
        await made.want(990, by_sms=True, phone_number=PHONE)
        await made.spend(10)
        for _ in range(2):
            await made.alerter.once()
        assert made.texts() == [(made.sending.account.id, 1000)]
        assert await made.sending.credits() == 989
        assert made.read("SELECT kind FROM campaign ORDER BY id DESC LIMIT 1") == [("alert",)]


@on_loop
async def test_without_credits_for_it_there_is_no_text_message_but_everything_else(tmp_path: Path) -> None:
    async with alerts(tmp_path) as made:
        await made.want(0, by_sms=True, phone_number=PHONE)
        await made.spend(1000)
        with structlog.testing.capture_logs() as log:
            await made.alerter.once()
        assert made.texts() == []
        assert len(made.mails()) == 1
        assert any("no text message" in line["event"] for line in log)
        await made.alerter.once()
        assert len(made.mails()) == 1


@on_loop
async def test_sub_accounts_that_share_credits_each_have_their_own_alert_on_the_parents_balance(tmp_path: Path) -> None:
    async with alerts(tmp_path) as made:
        child = made.sending.use_cases.accounts.find(CHILD_EMAIL)
        stranger = made.sending.use_cases.accounts.find(STRANGER_EMAIL)
        await made.want(950)
        await made.want(990, child)
        await made.want(990, stranger)
        await made.spend(10)
        await made.alerter.once()
        assert made.mails() == [CHILD_EMAIL]
        await made.spend(40, child)
        await made.alerter.once()
        assert made.mails() == [CHILD_EMAIL, "shop@example.org"]


@on_loop
async def test_setting_a_trigger_above_the_balance_gives_no_alert_but_falling_to_it_again_does(tmp_path: Path) -> None:
    async with alerts(tmp_path) as made:
        await made.want(2000)
        await made.alerter.once()
        assert made.mails() == []
        await made.add(1500)
        await made.alerter.once()
        await made.spend(500)
        await made.alerter.once()
        assert len(made.mails()) == 1


@pytest.mark.parametrize("trigger", [990, 995])
def test_an_alert_that_is_due_survives_a_change_of_the_settings(tmp_path: Path, trigger: int) -> None:
    @on_loop
    async def scenario() -> None:
        async with alerts(tmp_path) as made:
            await made.want(990)
            await made.spend(20)
            await made.want(trigger, email="ops@example.org")
            await made.alerter.once()
            assert made.mails() == ["ops@example.org"]
            await made.want(trigger)
            await made.alerter.once()
            assert len(made.mails()) == 1, "saying the same again is no new occasion"

    scenario()


@on_loop
async def test_an_alert_that_could_not_be_written_down_is_given_in_the_next_round_once(tmp_path: Path) -> None:
    async with alerts(tmp_path) as made:
        hooks = made.sending.use_cases.webhooks
        await hooks.create(made.sending.account, type="BALANCE_ALERT", url="https://hooks.example/x", signature=None)
        await made.want(990, by_sms=True, phone_number=PHONE)
        await made.spend(10)
        connection = made.sending.store._writer.connection
        connection.execute("CREATE TEMP TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'full'); END")
        with pytest.raises(apsw.ConstraintError):
            await made.alerter.once()
        assert (made.mails(), made.events(), made.texts()) == ([], [], [])
        connection.execute("DROP TRIGGER full")
        for _ in range(2):
            await made.alerter.once()
        assert (len(made.mails()), len(made.events()), len(made.texts())) == (1, 1, 1)


@on_loop
async def test_a_customer_is_written_to_in_the_language_of_his_account(tmp_path: Path) -> None:
    async with alerts(tmp_path) as made:
        await made.sending.store.write(lambda tx: tx.run(Statement("UPDATE account SET lang = 'FR'")))
        await made.want(999)
        await made.spend(1)
        await made.alerter.once()
        assert str(made.read("SELECT body FROM mail")[0][0]).startswith("Bonjour")


@on_loop
async def test_a_running_server_tells_by_mail_webhook_and_text_message(tmp_path: Path) -> None:
    with mail_server() as mails:
        async with Simulator(simulated()) as carrier, receiver(always(OK)) as hook:
            prepared = await prepare(tmp_path / "data", carrier.port, balance=10)
            async with opened(prepared.settings) as chappe:
                account = chappe.use_cases.accounts.find(prepared.account_id)
                await chappe.use_cases.webhooks.create(account, type="BALANCE_ALERT", url=hook.url, signature="s3cret")
                wish = AlertWish(8, True, True, "ops@example.org", PHONE)
                await chappe.use_cases.balance_alerts.change(account, wish)
            environment = {
                "CHAPPE_SMTP_URL": f"smtp://127.0.0.1:{mails.port}",
                "CHAPPE_MAIL_FROM": "sms@acme.example",
                "CHAPPE_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            }
            async with serving(prepared, tmp_path / "log", **environment) as server:
                async with opened(prepared.settings) as chappe:
                    await chappe.use_cases.submitter.submit(account, SubmitRequest("Hello", [TO, "33612345679"]))
                await until(lambda: mails.mails and hook.requests, server.log(), within_s=30)
                await until(lambda: carrier.messages(PHONE), "the text message", within_s=30)
                time.sleep(4)  # two more rounds
            assert [mail.rcpt_tos for mail in mails.mails] == [["ops@example.org"]]
            assert "8" in mails.read()["Subject"]
            (event,) = hook.requests
            assert json.loads(event.body)["balance"] == "8"
            assert json.loads(event.body)["trigger"] == "8"
            assert event.headers["x-smsfactor-signature"] == "s3cret"
            assert len(carrier.messages(PHONE)) == 1
