"""Accounts, passwords and tokens on a real database."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import OctKey

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, NotAuthenticated, NotFound
from chappe.manage import passwords as passwords_module
from chappe.manage.accounts import Accounts
from chappe.manage.credits import Credits
from chappe.manage.tokens import Tokens
from chappe.store.ids import Ids
from chappe.store.sqlite import Store
from chappe.store.statement import Statement
from tests.builders import CHILD_EMAIL, CREDITS, EMAIL, PASSWORD, STRANGER_EMAIL, on_loop, world


@dataclass(frozen=True, slots=True)
class House:
    """The use cases on a database with the usual three accounts."""

    store: Store
    accounts: Accounts
    tokens: Tokens
    account: Account
    child: Account
    token: str
    database: Path


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    made = world(folder)
    store = Store(made.database)
    accounts = Accounts(store, Ids())
    try:
        yield House(
            store,
            accounts,
            Tokens(store, Ids()),
            accounts.find(EMAIL),
            accounts.find(CHILD_EMAIL),
            made.token,
            made.database,
        )
    finally:
        accounts.close()
        await store.close()


async def is_refused_within(seconds: float, tokens: Tokens, token: str) -> bool:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        try:
            tokens.authenticate(token, None)
        except NotAuthenticated:
            return True
        await asyncio.sleep(0.05)
    return False


class TestTokens:
    """Issue, use, limit and end."""

    @on_loop
    async def test_a_token_is_a_jwt_of_the_documented_form(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            with time_machine.travel(1937000000.123456, tick=False):
                issued = await h.tokens.create(h.account, "ci")
            header, payload = [base64.urlsafe_b64decode(part + "==") for part in issued.token.split(".")[:2]]
            assert header == b'{"typ":"JWT","alg":"HS256"}'
            assert payload == b'{"sub":"%d","iat":1937000000.123456}' % h.account.id

    @on_loop
    async def test_a_token_with_an_end_says_so(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            with time_machine.travel(1937000000.5, tick=False):
                issued = await h.tokens.create(h.account, "ci", ttl_s=60)
            claims = msgspec.json.decode(base64.urlsafe_b64decode(issued.token.split(".")[1] + "=="))
            assert claims == {"sub": str(h.account.id), "iat": 1937000000.5, "exp": 1937000060}

    @on_loop
    async def test_tokens_are_signed_with_the_secret_of_the_installation(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            row = h.store.glance(lambda tx: tx.row(Statement("SELECT value FROM meta WHERE key = 'token_secret'")))
            assert row is not None
            secret = bytes.fromhex(row[0])
            assert len(secret) == 32
            assert jwt.decode(h.token, OctKey.import_key(secret)).claims["sub"] == str(h.account.id)

    @on_loop
    async def test_the_text_of_a_token_is_nowhere_in_the_database(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            issued = await h.tokens.create(h.account, "ci")
        content = h.database.read_bytes()
        assert issued.token.encode() not in content
        assert issued.token.split(".")[2].encode() not in content

    @on_loop
    async def test_two_tokens_of_the_same_moment_differ(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            with time_machine.travel(1937000000, tick=False):
                first, second = await asyncio.gather(*(h.tokens.create(h.account, "ci") for _ in range(2)))
            assert first.token != second.token
            assert second.token_id == first.token_id + 1

    @on_loop
    async def test_a_token_tells_its_account(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            assert h.tokens.authenticate(h.token, None) == h.account
            issued = await h.tokens.create_for(h.account, h.child.id, "branch")
            assert h.tokens.authenticate(issued.token, "203.0.113.7") == h.child

    @pytest.mark.parametrize("wrong", ["", "x", "a.b.c", "é", "\ud800", "x" * 100_000])
    @on_loop
    async def test_an_unknown_token_is_nobodys(self, wrong: str, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            for token in (wrong, h.token + wrong + "x", h.token[:-1]):
                with pytest.raises(NotAuthenticated):
                    h.tokens.authenticate(token, None)

    @on_loop
    async def test_a_deleted_token_ends_at_once(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            issued = await h.tokens.create(h.account, "ci")
            h.tokens.authenticate(issued.token, None)
            await h.tokens.delete(h.account, issued.token_id)
            with pytest.raises(NotAuthenticated):
                h.tokens.authenticate(issued.token, None)
            with pytest.raises(NotFound):
                await h.tokens.delete(h.account, issued.token_id)

    @on_loop
    async def test_a_token_deleted_by_another_process_ends_within_a_second_or_so(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            other = Tokens(h.store, Ids())
            issued = await h.tokens.create(h.account, "ci")
            h.tokens.authenticate(issued.token, None)
            await other.delete(h.account, issued.token_id)
            assert await is_refused_within(10, h.tokens, issued.token)

    @on_loop
    async def test_a_token_ends_when_its_time_is_over_even_if_it_was_just_used(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            with time_machine.travel(1937000000, tick=False) as traveller:
                issued = await h.tokens.create(h.account, "ci", ttl_s=60)
                traveller.shift(59.9)
                h.tokens.authenticate(issued.token, None)
                traveller.shift(0.1)
                with pytest.raises(NotAuthenticated, match="expired"):
                    h.tokens.authenticate(issued.token, None)
                shown = h.tokens.get(h.account, issued.token_id)
                assert shown.is_active is False

    @on_loop
    async def test_a_token_is_good_from_its_addresses_only(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            issued = await h.tokens.create(h.account, "ci", allowed_ips=["192.0.2.0/24", "2001:db8::/32"])
            for good in ("192.0.2.1", "2001:db8::5", "::ffff:192.0.2.77"):
                assert h.tokens.authenticate(issued.token, good) == h.account
            for bad in ("192.0.3.1", "2001:db9::5", None):
                with pytest.raises(NotAuthenticated, match="address"):
                    h.tokens.authenticate(issued.token, bad)

    @on_loop
    async def test_the_token_of_a_closed_account_is_nobodys(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            await h.store.write(lambda tx: tx.run(Statement("UPDATE account SET is_active = FALSE")))
            with pytest.raises(NotAuthenticated):
                h.tokens.authenticate(h.token, None)
            with pytest.raises(NotAuthenticated):
                await h.accounts.authenticate(EMAIL, PASSWORD)

    @on_loop
    async def test_an_account_lists_its_own_tokens_the_newest_first(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            issued = await h.tokens.create(h.account, "ci", ttl_s=60, allowed_ips=["192.0.2.0/24"])
            await h.tokens.create_for(h.account, h.child.id, "branch")
            found = h.tokens.list(h.account)
            assert [token.name for token in found] == ["ci", "tests"]
            assert found[0] == h.tokens.get(h.account, issued.token_id)
            assert found[0].allowed_ips == ("192.0.2.0/24",)
            assert (found[1].ttl_s, found[1].expires_at, found[1].allowed_ips) == (None, None, ())

    @on_loop
    async def test_another_accounts_token_is_not_found(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            stranger = h.accounts.find(STRANGER_EMAIL)
            mine = h.tokens.list(h.account)[0].id
            with pytest.raises(NotFound):
                h.tokens.get(stranger, mine)
            with pytest.raises(NotFound):
                await h.tokens.delete(stranger, mine)
            with pytest.raises(NotFound):
                await h.tokens.create_for(stranger, h.child.id, "theft")
            with pytest.raises(NotFound):
                await h.tokens.create_for(h.account, h.account.id, "self")

    @pytest.mark.parametrize(
        ("name", "ttl_s", "ips"),
        [("", None, []), ("n" * 256, None, []), ("n", 0, []), ("n", -1, []), ("n", 10**12, []), ("n", None, ["x"])],
    )
    @on_loop
    async def test_a_token_outside_its_limits_is_refused(
        self, name: str, ttl_s: int | None, ips: list[str], tmp_path: Path
    ) -> None:
        async with house(tmp_path) as h:
            with pytest.raises(BadData):
                await h.tokens.create(h.account, name, ttl_s, ips)
            assert len(h.tokens.list(h.account)) == 1


class TestAccounts:
    """Open, find, check a password."""

    @on_loop
    async def test_a_new_account_has_its_credits_in_its_wallet_and_in_the_ledger(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            account = await h.accounts.create(" New@Example.org ", "secret", "be", credits=12)
            assert (account.email, account.country, account.wallet_id) == ("new@example.org", "BE", account.id)
            assert (await Credits(h.store).balance(account)).credits == 12
            query = Statement("SELECT kind, amount_mc, account_id FROM ledger WHERE wallet_id = :wallet")
            assert h.store.glance(lambda tx: tx.rows(query, wallet=account.id)) == [("topup", 12_000, account.id)]

    @on_loop
    async def test_an_account_without_credits_has_an_empty_wallet(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            account = await h.accounts.create("new@example.org", "secret", "FR")
            assert (await Credits(h.store).balance(account)).credits == 0
            query = Statement("SELECT COUNT(*) FROM wallet WHERE id = :wallet")
            assert h.store.glance(lambda tx: tx.row(query, wallet=account.id)) == (1,)

    @on_loop
    async def test_a_sub_account_that_shares_draws_on_the_same_wallet(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            assert h.child.wallet_id == h.account.id
            assert h.child.parent_id == h.account.id
            balance = await Credits(h.store).balance(h.child)
            assert (balance.credits, balance.is_unlimited) == (CREDITS, True)

    @on_loop
    async def test_an_address_is_used_once_in_any_case(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            with pytest.raises(BadData, match="email: is already in use"):
                await h.accounts.create(EMAIL.upper(), "secret", "FR", credits=5)
            query = Statement("SELECT COUNT(*), SUM(available_mc) FROM wallet")
            assert h.store.glance(lambda tx: tx.row(query)) == (2, 2 * CREDITS * 1000)

    @pytest.mark.parametrize(
        ("email", "password", "country"),
        [
            ("nobody", "secret", "FR"),
            ("a b@example.org", "secret", "FR"),
            ("a@b@c", "secret", "FR"),
            ("x" * 250 + "@example.org", "secret", "FR"),
            ("a@example.org", "short", "FR"),
            ("a@example.org", "x" * 26, "FR"),
            ("a@example.org", "secret", "France"),
            ("a@example.org", "secret", ""),
        ],
    )
    @on_loop
    async def test_an_account_outside_its_limits_is_refused(
        self, email: str, password: str, country: str, tmp_path: Path
    ) -> None:
        async with house(tmp_path) as h:
            with pytest.raises(BadData):
                await h.accounts.create(email, password, country)

    @on_loop
    async def test_credits_cannot_be_given_to_who_shares_them_and_only_children_share(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            with pytest.raises(BadData, match="credits"):
                await h.accounts.create(
                    "a@example.org", "secret", "FR", credits=1, parent=h.account, shares_parent_credits=True
                )
            with pytest.raises(BadData, match="credits"):
                await h.accounts.create("a@example.org", "secret", "FR", credits=-1)
            with pytest.raises(BadData, match="unlimited"):
                await h.accounts.create("a@example.org", "secret", "FR", shares_parent_credits=True)

    @on_loop
    async def test_an_account_is_found_by_id_and_by_address(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            assert h.accounts.find(h.account.id) == h.account
            assert h.accounts.find(str(h.account.id)) == h.account
            assert h.accounts.find(EMAIL.upper()) == h.account
            for nobody in (99, "99", "9" * 40, "nobody@example.org", ""):
                with pytest.raises(NotFound):
                    h.accounts.find(nobody)

    @on_loop
    async def test_the_right_password_opens_and_a_wrong_one_does_not(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            for _ in range(2):
                assert await h.accounts.authenticate(EMAIL.upper(), PASSWORD) == h.account
            for user, password in (
                (EMAIL, PASSWORD + "x"),
                (EMAIL, ""),
                (EMAIL, PASSWORD + "x" * 1000),
                (CHILD_EMAIL, "wrong"),
                ("nobody@example.org", PASSWORD),
            ):
                with pytest.raises(NotAuthenticated, match="wrong user name or password"):
                    await h.accounts.authenticate(user, password)

    @on_loop
    async def test_a_password_is_stored_as_argon2id_only(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            rows = h.store.glance(lambda tx: tx.rows(Statement("SELECT password_hash FROM account")))
            assert all(row[0].startswith("$argon2id$") for row in rows)
        assert PASSWORD.encode() not in h.database.read_bytes()

    @on_loop
    async def test_a_changed_password_ends_the_old_one_at_once(self, tmp_path: Path) -> None:
        async with house(tmp_path) as h:
            await h.accounts.authenticate(EMAIL, PASSWORD)
            other = await h.accounts.create("other@example.org", "another", "FR")
            copy = "UPDATE account SET password_hash = (SELECT password_hash FROM account WHERE id = :other)"
            await h.store.write(lambda tx: tx.run(Statement(copy), other=other.id))
            with pytest.raises(NotAuthenticated):
                await h.accounts.authenticate(EMAIL, PASSWORD)
            assert await h.accounts.authenticate(EMAIL, "another") == h.account

    @on_loop
    async def test_the_same_login_at_the_same_time_is_checked_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(passwords_module, "MAX_WAITING", 1)
        async with house(tmp_path) as h:
            found = await asyncio.gather(*(h.accounts.authenticate(EMAIL, PASSWORD) for _ in range(50)))
            assert found == [h.account] * 50

    @on_loop
    async def test_too_many_logins_at_once_are_put_off(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(passwords_module, "MAX_WAITING", 1)
        async with house(tmp_path) as h:
            results = await asyncio.gather(
                *(h.accounts.authenticate(EMAIL, f"wrong-{n}") for n in range(3)), return_exceptions=True
            )
            assert sorted(type(result).__name__ for result in results) == [
                "NotAuthenticated",
                "Unavailable",
                "Unavailable",
            ]
