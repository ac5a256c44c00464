"""Accounts: create, find, open, close, and check a password."""

import asyncio
import re
from typing import Final

import structlog

from chappe.domain.accounts import Account, LockRule, Profile
from chappe.domain.errors import BadData, NotAuthenticated, NotFound
from chappe.domain.pricing import MC
from chappe.domain.sender_shape import plain_sender
from chappe.manage.passwords import Passwords
from chappe.manage.sandbox import ensure_sandbox
from chappe.store import accounts, wallets
from chappe.store.accounts import Login
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.accounts")

# Source: the contract's account creation.
PASSWORD_CHARACTERS: Final = (6, 25)
MAX_EMAIL_CHARACTERS: Final = 254
MAX_CREDITS: Final = 10**12
MAX_ID_DIGITS: Final = 18

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_COUNTRY = re.compile(r"[A-Z]{2}")


class Accounts:
    """The customers' accounts.

    Old clients send the password with every request. A password that was right is remembered, as a keyed
    digest beside the hash it matched, so that a changed password ends at once.
    """

    def __init__(self, store: Store, ids: Ids, rule: LockRule | None = None) -> None:
        self._store = store
        self._ids = ids
        self._rule = rule or LockRule()
        self._passwords = Passwords()
        self._checking: dict[bytes, asyncio.Future[bool]] = {}

    async def create(
        self,
        email: str,
        password: str,
        country: str,
        credits: int = 0,  # noqa: A002 - the word of the field
        parent: Account | None = None,
        shares_parent_credits: bool = False,
        *,
        sender: str | None = None,
        profile: Profile | None = None,
        is_sandbox: bool = False,
    ) -> Account:
        """Open an account, with its first credits in its wallet.

        Shape:  `country` is ISO 3166-1 alpha-2 in either case; a sub-account has a parent, which is no sub-account
                itself; with its parent it is a sandbox.
        Raises: BadData, also when the e-mail address is taken.
        """
        if parent is not None and parent.parent_id is not None:
            raise BadData("a sub-account cannot have sub-accounts", field="isChild")
        email = _checked_email(email)
        country = country.strip().upper()
        if not _COUNTRY.fullmatch(country):
            raise BadData("must be two letters of ISO 3166-1", field="country_code")
        _check_password(password)
        if not 0 <= credits <= (0 if shares_parent_credits else MAX_CREDITS):
            raise BadData("cannot be given to this account", field="credits")
        if is_sandbox and parent is not None and not parent.is_sandbox:
            raise BadData("a sub-account is what its parent is", field="sandbox")
        if shares_parent_credits and parent is None:
            raise BadData("is for sub-accounts only", field="unlimited")
        password_hash = await self._passwords.hash(password)
        now = now_ms()

        is_sandbox = parent.is_sandbox if parent else is_sandbox

        def unit(tx: Tx) -> Account:
            account_id = self._ids.take(tx, "account")
            account = Account(
                id=account_id,
                wallet_id=parent.wallet_id if parent and shares_parent_credits else account_id,
                parent_id=parent.id if parent else None,
                email=email,
                country=country,
                sender=plain_sender(sender),
                is_sandbox=is_sandbox,
            )
            if not accounts.insert(tx, account, password_hash, now, profile):
                raise BadData("is already in use", field="email")
            if credits:
                wallets.add(tx, account_id, account_id, "topup", credits * MC, now, None)
            if is_sandbox:
                ensure_sandbox(tx, self._ids, now)
            return account

        return await self._store.write(unit)

    def find(self, id_or_email: int | str) -> Account:
        """An account by its id or its e-mail address. Raises: NotFound."""
        name = str(id_or_email).strip()
        if name.isascii() and name.isdigit() and len(name) <= MAX_ID_DIGITS:
            found = self._store.glance(lambda tx: accounts.by_id(tx, int(name)))
        else:
            found = self._store.glance(lambda tx: accounts.by_email(tx, name.lower()))
        if found is None:
            raise NotFound(f"there is no account {name}", field="account")
        return found

    def first(self) -> Account:
        """The oldest account, usually the operator's own. Raises: NotFound when there is none."""
        found = self._store.glance(lambda tx: accounts.after(tx, 0, 1))
        if not found:
            raise NotFound("there is no account: make one with `chappe account create`", field="account")
        return found[0].account

    async def authenticate(self, username: str, password: str) -> Account:
        """The account with this e-mail address, if the password is right.

        Some wrong passwords in a row lock the account for a while: no password opens it then. Tokens still do, so that
        a stranger who guesses cannot stop the owner's programs.
        Raises: NotAuthenticated, after the same time whether the address or the password was wrong;
                Unavailable when too many are being checked.
        Cost:   a tenth of a second at first, microseconds when it was right before.
        """
        email = username.strip().lower()
        login = self._store.glance(lambda tx: accounts.login(tx, email))
        self._refuse_locked(login)
        mac = self._passwords.digest(email, password)
        if login and not login.failed_logins and self._passwords.remembers(mac, login.password_hash):
            return login.account
        is_right = await self._check(mac, login, password)
        if login is None or not is_right:
            raise NotAuthenticated("wrong user name or password")
        self._passwords.remember(mac, login.password_hash)
        return login.account

    def close(self) -> None:
        """End the hashing threads."""
        self._passwords.close()

    async def unlock_child(self, parent: Account, child_id: int) -> None:
        """Let a sub-account log in again. Raises: NotFound when it is none of the parent's."""

        def unit(tx: Tx) -> None:
            if accounts.child(tx, parent.id, child_id) is None:
                raise NotFound(f"there is no sub-account {child_id}", field="id")
            accounts.unlock(tx, child_id)

        await self._store.write(unit)

    async def unlock(self, account: Account) -> None:
        """Let an account log in again."""
        await self._store.write(lambda tx: accounts.unlock(tx, account.id))

    async def set_active(self, account: Account, is_active: bool) -> None:
        """Open or close an account. A closed one and its sub-accounts can do nothing: tokens end within a second."""
        await self._store.write(lambda tx: accounts.set_active(tx, account.id, is_active))

    async def set_password(self, account: Account, password: str) -> None:
        """Change the password, which also unlocks. Raises: BadData."""
        _check_password(password)
        password_hash = await self._passwords.hash(password)
        await self._store.write(lambda tx: accounts.set_password(tx, account.id, password_hash))

    async def _check(self, mac: bytes, login: Login | None, password: str) -> bool:
        """Verify a password once for all the requests that bring it at the same time."""
        check = self._checking.get(mac)
        if check is None:
            # Longer ones cannot be right, and must not cost more than others.
            cut = password[: PASSWORD_CHARACTERS[1] + 1]
            check = asyncio.ensure_future(self._checked(login, cut))
            self._checking[mac] = check
            check.add_done_callback(lambda _: self._checking.pop(mac, None))
        return await asyncio.shield(check)

    async def _checked(self, login: Login | None, password: str) -> bool:
        """Verify a password and count it when it is wrong.

        The lock is looked at when it is this guess's turn and once more when it was checked: guesses that came before
        the lock are not answered after it, or a burst of them would get past it.
        """

        def refuse_locked() -> None:
            if login is not None:
                self._refuse_locked(self._store.glance(lambda tx: accounts.login(tx, login.account.email)))

        expected = login.password_hash if login else None
        is_right = await self._passwords.is_right(expected, password, at_its_turn=refuse_locked)
        refuse_locked()
        if login is None:
            return False
        account = login.account.id
        if not is_right:
            if await self._store.write(lambda tx: accounts.count_failure(tx, account, self._rule, now_ms())):
                _log.warning("locked after wrong passwords", account=account)
        elif login.failed_logins:
            await self._store.write(lambda tx: accounts.unlock(tx, account))
        return is_right

    def _refuse_locked(self, login: Login | None) -> None:
        if login and self._rule.is_locked(login.locked_at, now_ms()):
            raise NotAuthenticated("the account is locked after too many wrong passwords: wait, or have it unlocked")


def _check_password(password: str) -> None:
    if not PASSWORD_CHARACTERS[0] <= len(password) <= PASSWORD_CHARACTERS[1]:
        raise BadData("must have {} to {} characters".format(*PASSWORD_CHARACTERS), field="password")


def _checked_email(email: str) -> str:
    email = email.strip().lower()
    if len(email) > MAX_EMAIL_CHARACTERS or not _EMAIL.fullmatch(email):
        raise BadData("is no e-mail address", field="email")
    return email
