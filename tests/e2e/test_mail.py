"""Mails reach a real server, and what it says of them is believed."""

import asyncio
import time
from pathlib import Path

import pytest
import structlog
import time_machine
from click.testing import CliRunner

from chappe.domain.mails import MailServer, MailState
from chappe.domain.mails import mail_server as server_of
from chappe.pipeline.mailer import Mailer
from chappe.runtime.cli import cli
from chappe.store import figures, mails
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store
from chappe.store.statement import Statement
from tests.builders import on_loop, world
from tests.mail_server import TAKEN, MailServerDouble, mail_server, self_signed
from tests.server import free_port

TO = "ops@example.org"
_ROWS = Statement("SELECT state, attempts, next_at, error FROM mail ORDER BY id")
_MAKE_DUE = Statement("UPDATE mail SET next_at = 0 WHERE state = 0")


class Outbox:
    """A database with a mailer."""

    def __init__(self, folder: Path, server: MailServer | None) -> None:
        self.store = Store(world(folder).database)
        self.mailer = Mailer(self.store, server)

    async def write(self, *to: str, subject: str = "Credits") -> None:
        for each in to or (TO,):
            await self.store.write(lambda tx, each=each: mails.write(tx, 1, each, subject, "Text\n", now_ms()))  # type: ignore[misc]

    def states(self) -> list[MailState]:
        return [MailState(row[0]) for row in self.store.glance(lambda tx: tx.rows(_ROWS))]

    def rows(self) -> list[tuple[int, int, int, str | None]]:
        return [(row[0], row[1], row[2], row[3]) for row in self.store.glance(lambda tx: tx.rows(_ROWS))]

    async def again(self) -> None:
        """Let the time of the next try come."""
        await self.store.write(lambda tx: tx.run(_MAKE_DUE))
        await self.mailer.once()


def on(port: int, user: str = "", ca_file: str = "", host: str = "127.0.0.1") -> MailServer:
    return server_of(f"smtp://{user}{'@' if user else ''}{host}:{port}", "Acme <sms@acme.example>", ca_file)


@on_loop
async def test_a_mail_is_sent_once(tmp_path: Path) -> None:
    with mail_server() as server:
        outbox = Outbox(tmp_path, on(server.port))
        await outbox.write(subject="Crédits : 3")
        for _ in range(3):
            await outbox.mailer.once()
        await outbox.store.close()
    assert len(server.mails) == 1
    assert server.mails[0].mail_from == "sms@acme.example"
    assert server.mails[0].rcpt_tos == [TO]
    assert server.read()["Subject"] == "Crédits : 3"


@on_loop
async def test_what_the_server_does_not_take_now_is_tried_again_later_under_the_same_id(tmp_path: Path) -> None:
    answers = ["451 4.7.1 greylisted", TAKEN]
    with mail_server(MailServerDouble(lambda _: answers.pop(0))) as server:
        outbox = Outbox(tmp_path, on(server.port))
        await outbox.write()
        await outbox.mailer.once()
        (row,) = outbox.rows()
        assert (row[0], row[1], row[3]) == (MailState.DUE, 1, "451 4.7.1 greylisted")
        assert 55_000 < row[2] - now_ms() <= 60_000
        await outbox.mailer.once()
        assert len(answers) == 1, "not before its time"
        await outbox.again()
        assert outbox.states() == [MailState.SENT]
        await outbox.store.close()


@on_loop
async def test_what_the_server_refuses_for_good_is_given_up_and_the_others_go_out(tmp_path: Path) -> None:
    def answer(address: str) -> str:
        return "550 5.1.1 no such user" if address.startswith("nobody") else TAKEN

    with mail_server(MailServerDouble(answer)) as server:
        outbox = Outbox(tmp_path, on(server.port))
        await outbox.write("a@example.org", "nobody@example.org", "b@example.org")
        await outbox.mailer.once()
        assert outbox.states() == [MailState.SENT, MailState.GIVEN_UP, MailState.SENT]
        assert outbox.rows()[1][3] == "550 5.1.1 no such user"
        await outbox.store.close()
    assert len(server.mails) == 2


@on_loop
async def test_while_the_server_is_away_mails_wait_and_after_two_days_they_are_given_up(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, on(free_port()))
    await outbox.write("a@example.org", "b@example.org")
    await outbox.mailer.once()
    assert [row[:2] for row in outbox.rows()] == [(MailState.DUE, 1)] * 2
    assert "cannot connect" in (outbox.rows()[0][3] or "")
    for _ in range(8):
        await outbox.again()
    assert [row[:2] for row in outbox.rows()] == [(MailState.GIVEN_UP, 9)] * 2
    await outbox.again()
    assert outbox.rows()[0][1] == 9
    await outbox.store.close()


@on_loop
async def test_a_server_that_hangs_up_on_a_mail_is_away_and_its_words_stay_out_of_the_log(tmp_path: Path) -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            if line.startswith(b"RCPT"):
                break
            writer.write(b"250 fine\r\n")
        writer.write(b"421 4.3.2 no more mails to ops@example.org\r\n")
        writer.close()

    listening = await asyncio.start_server(rude, "127.0.0.1", 0)
    async with listening:
        outbox = Outbox(tmp_path, on(listening.sockets[0].getsockname()[1]))
        await outbox.write("ops@example.org", "b@example.org")
        with structlog.testing.capture_logs() as log:
            await outbox.mailer.once()
        assert [row[:2] for row in outbox.rows()] == [(MailState.DUE, 1)] * 2
        assert log
        assert "ops@" not in str(log)
        await outbox.store.close()


@on_loop
async def test_a_server_that_never_answers_holds_up_a_round_for_a_while_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr("chappe.carriers.smtp.connected.__wrapped__.__kwdefaults__", {"timeout_s": 0.2})
    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with listening:
        outbox = Outbox(tmp_path, on(listening.sockets[0].getsockname()[1]))
        await outbox.write()
        began = time.monotonic()
        await outbox.mailer.once()
        assert time.monotonic() - began < 5
        assert outbox.rows()[0][:2] == (MailState.DUE, 1)
        await outbox.store.close()


@on_loop
async def test_a_mail_that_cannot_be_written_is_given_up_before_anything_is_sent(tmp_path: Path) -> None:
    with mail_server() as server:
        outbox = Outbox(tmp_path, on(server.port))
        await outbox.write("ops@example.org\r\nBcc: all@example.org", "b@example.org")
        await outbox.mailer.once()
        assert outbox.states() == [MailState.GIVEN_UP, MailState.SENT]
        await outbox.store.close()
    assert [mail.rcpt_tos for mail in server.mails] == [["b@example.org"]]


@on_loop
async def test_encryption_that_is_offered_is_used_when_the_certificate_is_trusted(tmp_path: Path) -> None:
    tls, certificate = self_signed(tmp_path)
    with mail_server(tls=tls) as server:
        outbox = Outbox(tmp_path, on(server.port))
        await outbox.write()
        await outbox.mailer.once()
        assert outbox.rows()[0][:2] == (MailState.DUE, 1), "nobody vouches for this certificate"
        outbox.mailer = Mailer(outbox.store, on(server.port, ca_file=str(certificate)))
        await outbox.again()
        assert outbox.states() == [MailState.SENT]
        await outbox.store.close()
    assert server.were_encrypted == [True]


@on_loop
async def test_a_wrong_password_says_nothing_about_the_mails(tmp_path: Path) -> None:
    with mail_server(password="right") as server:
        outbox = Outbox(tmp_path, on(server.port, user="me:wrong"))
        await outbox.write("a@example.org", "b@example.org")
        await outbox.mailer.once()
        assert outbox.states() == [MailState.DUE] * 2
        assert "user name or password" in (outbox.rows()[0][3] or "")
        outbox.mailer = Mailer(outbox.store, on(server.port, user="me:right"))
        await outbox.again()
        assert outbox.states() == [MailState.SENT] * 2
        await outbox.store.close()


@on_loop
async def test_a_password_is_not_sent_in_the_clear_to_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chappe.carriers.smtp._LOOPBACK", frozenset())  # as if the server were another machine
    with mail_server(password="right") as server:
        outbox = Outbox(tmp_path, on(server.port, user="me:right"))
        await outbox.write()
        await outbox.mailer.once()
        assert "no encryption" in (outbox.rows()[0][3] or "")
        await outbox.store.close()
    assert server.mails == []


@on_loop
async def test_without_a_mail_server_mails_wait_a_day_and_the_log_says_so_once(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, None)
    await outbox.write()
    assert outbox.store.glance(figures.read).mails_due == 1
    with structlog.testing.capture_logs() as log:
        for _ in range(3):
            await outbox.mailer.once()
        assert len(log) == 1
        assert "smtp_url" in log[0]["event"]
        assert outbox.states() == [MailState.DUE]
        with time_machine.travel(time.time() + 25 * 3600):
            assert outbox.store.glance(figures.read).oldest_mail_s >= 25 * 3600
            await outbox.mailer.once()
    assert outbox.states() == [MailState.GIVEN_UP]
    assert outbox.rows()[0][3] == "no mail server is set up"
    await outbox.store.close()


def run_test(environment: dict[str, str], to: str = TO) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["mail", "test", "--to", to], env=environment)
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


def test_the_command_line_sends_a_mail_at_once_and_says_what_happened() -> None:
    def answer(address: str) -> str:
        return {"no": "550 5.1.1 no such user", "later": "451 4.7.1 come back"}.get(address.split("@")[0], TAKEN)

    with mail_server(MailServerDouble(answer)) as server:
        environment = {
            "CHAPPE_SMTP_URL": f"smtp://127.0.0.1:{server.port}", "CHAPPE_MAIL_FROM": "Acme <sms@acme.example>",
        }  # fmt: skip
        code, said = run_test(environment)
        assert (code, "took the mail: 2.0.0 taken" in said) == (0, True), said
        assert server.read()["From"] == "Acme <sms@acme.example>"
        code, said = run_test(environment, "no@example.org")
        assert code == 1
        assert "for good: 550 5.1.1 no such user" in said
        code, said = run_test(environment, "later@example.org")
        assert code == 1
        assert "451 4.7.1 come back" in said
        assert run_test(environment, "nobody")[0] == 1
    code, said = run_test(environment)
    assert code == 1
    assert "cannot connect" in said
    code, said = run_test({"CHAPPE_SMTP_URL": "", "CHAPPE_MAIL_FROM": ""})
    assert code == 1
    assert "CHAPPE_SMTP_URL" in said
