"""Accounts over the API: who may open them, what locks them, whose credits they spend."""

import asyncio
from pathlib import Path

import msgspec
import pytest
import time_machine

from chappe.manage.passwords import HASHING_THREADS
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from tests.builders import CHILD_EMAIL, EMAIL, PASSWORD, STRANGER_EMAIL, Api, on_loop, running_api
from tests.wire import Reply, call

JSON = {"Accept": "application/json"}


def signed(token: str, **more: str) -> dict[str, str]:
    return {**JSON, "Authorization": f"Bearer {token}", **more}


async def ask(api: Api, method: str, path: str, tree: object = None, *, token: str | None = None, **more: str) -> Reply:
    body = b"" if tree is None else msgspec.json.encode(tree)
    return await call(api.port, method, path, signed(token or api.token, **more), body)


async def log_in(api: Api, email: str, password: str) -> Reply:
    return await call(api.port, "GET", "/credits", {**JSON, "sfusername": email, "sfpassword": password})


def new(email: str, **more: object) -> dict[str, object]:
    return {"account": {"email": email, "password": "secret1", **more}}


async def token_of(api: Api, child: int) -> str:
    reply = await ask(api, "POST", f"/token/account/{child}", {"token": {"name": "child"}})
    found: str = reply.json["token"]
    return found


@on_loop
async def test_a_client_that_knows_only_texts_opens_a_sub_account(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        wish = new("java@example.org", isChild="1", unlimited="1", country_code="FR")
        reply = await ask(api, "POST", "/account", wish)
        assert (reply.json["id"], reply.json["active"]) == ("4", "1")
        child = (await ask(api, "GET", "/sub-accounts/4")).json["sub-account"]
        assert (child["unlimited"], child["senderid"], child["credits"]) == ("1", None, "1000")


@on_loop
async def test_main_accounts_are_opened_by_customers_only_where_the_operator_lets_them(tmp_path: Path) -> None:
    async with running_api(tmp_path, limits=RequestLimits(open_registration=False)) as api:
        reply = await ask(api, "POST", "/account", new("new@example.org", country_code="FR"))
        assert reply.json["status"] == -7
        assert "isChild" in reply.json["details"]
        assert (await ask(api, "POST", "/account", new("c@example.org", isChild=1, unlimited=0))).json["status"] == 1


@on_loop
async def test_a_sub_account_opens_no_accounts(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        token = await token_of(api, 2)
        for wish in (new("a@example.org", country_code="FR"), new("b@example.org", isChild=1, unlimited=0)):
            reply = await ask(api, "POST", "/account", wish, token=token)
            assert (reply.json["status"], "sub-account" in reply.json["details"]) == (-7, True)


@pytest.mark.parametrize("field", ["firstname", "company", "phone", "address1", "zip", "city", "description", "email"])
@on_loop
async def test_every_field_of_a_profile_has_its_limit(field: str, tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        wish = new("a@example.org", country_code="FR")
        wish["account"][field] = "x" * 2000  # type: ignore[index]
        reply = await ask(api, "POST", "/account", wish)
        assert (reply.json["status"], field in reply.json["details"]) == (-7, True)


@on_loop
async def test_the_new_account_logs_in_with_its_password_and_has_nothing(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await ask(api, "POST", "/account", new("new@example.org", country_code="it"))
        found = await log_in(api, "new@example.org", "secret1")
        assert (found.json["status"], found.json["credits"]) == (1, "0")


@on_loop
async def test_repeated_wrong_passwords_lock_the_log_in_and_nothing_else(tmp_path: Path) -> None:
    async with running_api(tmp_path, max_failed_logins=3) as api:
        assert (await log_in(api, CHILD_EMAIL, PASSWORD)).json["status"] == 1
        token = await token_of(api, 2)
        for guess in range(3):
            reply = await log_in(api, CHILD_EMAIL, f"guess {guess}")
            assert reply.json["details"] == "wrong user name or password"
        for password in (PASSWORD, "guess"):
            reply = await log_in(api, CHILD_EMAIL, password)
            assert reply.json["status"] == -1
            assert "locked" in reply.json["details"]
        assert (await ask(api, "GET", "/sub-accounts/2")).json["sub-account"]["status"] == "0"
        assert (await ask(api, "GET", "/credits", token=token)).json["status"] == 1
        assert (await log_in(api, EMAIL, PASSWORD)).json["status"] == 1
        assert (await ask(api, "GET", "/account/2/unlock")).json["state"] == "unlocked"
        assert (await log_in(api, CHILD_EMAIL, PASSWORD)).json["status"] == 1


@on_loop
async def test_a_right_password_in_between_begins_the_count_anew(tmp_path: Path) -> None:
    async with running_api(tmp_path, max_failed_logins=3) as api:
        for password in ("a", "b", PASSWORD, "c", "d", PASSWORD):
            reply = await log_in(api, CHILD_EMAIL, password)
            assert reply.json["status"] == (1 if password == PASSWORD else -1)


@on_loop
async def test_a_lock_opens_by_itself_after_its_time_and_counts_from_one(tmp_path: Path) -> None:
    async with running_api(tmp_path, max_failed_logins=2, lock_s=600) as api:
        with time_machine.travel("2031-05-16T10:00:00Z", tick=False) as clock:
            for guess in ("a", "b"):
                await log_in(api, CHILD_EMAIL, guess)
            clock.shift(599)
            assert "locked" in (await log_in(api, CHILD_EMAIL, PASSWORD)).json["details"]
            clock.shift(2)
            assert (await log_in(api, CHILD_EMAIL, "c")).json["details"] == "wrong user name or password"
            assert (await log_in(api, CHILD_EMAIL, PASSWORD)).json["status"] == 1


@on_loop
async def test_a_burst_of_guesses_does_not_get_past_the_lock(tmp_path: Path) -> None:
    async with running_api(tmp_path, max_failed_logins=3) as api:
        guesses = [*(f"guess {n}" for n in range(20)), PASSWORD]
        replies = await asyncio.gather(*(log_in(api, CHILD_EMAIL, guess) for guess in guesses))
        assert [reply.json["status"] for reply in replies] == [-1] * len(guesses)
        tested = [reply for reply in replies if reply.json["details"] == "wrong user name or password"]
        assert len(tested) < 3 + 2 * HASHING_THREADS


@on_loop
async def test_a_sub_account_is_closed_with_its_parent(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        token = await token_of(api, 2)
        await api.use_cases.accounts.set_active(api.account, False)
        assert (await ask(api, "GET", "/credits", token=token)).json["status"] == -1
        assert (await log_in(api, CHILD_EMAIL, PASSWORD)).json["status"] == -1
        await api.use_cases.accounts.set_active(api.account, True)
        assert (await ask(api, "GET", "/credits", token=token)).json["status"] == 1


@on_loop
async def test_nobody_unlocks_an_account_that_is_not_his_child(tmp_path: Path) -> None:
    async with running_api(tmp_path, max_failed_logins=1) as api:
        await log_in(api, CHILD_EMAIL, "wrong")
        await log_in(api, STRANGER_EMAIL, "wrong")
        assert (await ask(api, "GET", "/account/2/unlock", token=api.stranger_token)).json["status"] == -5
        assert (await ask(api, "GET", "/account/3/unlock")).json["status"] == -5
        assert "locked" in (await log_in(api, CHILD_EMAIL, PASSWORD)).json["details"]
        assert "locked" in (await log_in(api, STRANGER_EMAIL, PASSWORD)).json["details"]


@on_loop
async def test_a_transfer_that_is_repeated_under_its_key_is_made_once(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        await ask(api, "POST", "/account", new("own@example.org", isChild=1, unlimited=0))
        wish = {"credits": {"amount": "100"}}
        key = {"Idempotency-Key": "k-1"}
        first = await ask(api, "POST", "/sub-accounts/4/credits", wish, **key)
        again = await ask(api, "POST", "/sub-accounts/4/credits", wish, **key)
        assert first.json == again.json == {
            "status": 1, "message": "OK", "credits": "900", "sub_account_credits": "100",
        }  # fmt: skip
        other = await ask(api, "POST", "/sub-accounts/4/credits", {"credits": {"amount": "1"}}, **key)
        assert (other.json["status"], "Idempotency-Key" in other.json["details"]) == (-7, True)


@on_loop
async def test_what_a_sub_account_spends_is_told_by_month(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        token = await token_of(api, 2)
        ledger = (
            "INSERT INTO ledger (wallet_id, account_id, kind, amount_mc, campaign_id, at, note) VALUES"
            " (1, 2, ?, 3500, NULL, ?, NULL)"
        )
        with time_machine.travel("2031-05-31T22:30:00Z", tick=False):  # 1 June in Paris
            for kind, at in (
                ("capture", 1_937_859_900_000),  # 29 May 2031
                ("capture", 1_938_031_260_000),  # 31 May, 22:01 UTC: June in Paris
                ("reserve", 1_938_031_260_000),
                ("capture", 1_935_000_000_000),  # April
            ):
                await api.store.write(
                    lambda tx, kind=kind, at=at: tx._connection.execute(ledger, (kind, at))  # type: ignore[misc]
                )
            child = (await ask(api, "GET", "/sub-accounts")).json["sub-accounts"][0]
            assert (child["current_month_consumption"], child["previous_month_consumption"]) == (4, 4)
        assert token
