"""Bind users: create, change, remove, end their binds, and check who binds.

The process that has the binds looks at their users twice a second: that soon a change takes effect.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

import msgspec
import structlog

from chappe.domain.accounts import Account, LockRule
from chappe.domain.bind_users import MAX_PASSWORD, BindOptions, BindUser, checked, checked_password, checked_system_id
from chappe.domain.errors import BadData, NotFound
from chappe.manage.passwords import Passwords
from chappe.store import audit, bind_sessions, bind_users, bound_deliveries
from chappe.store.audit import Entry
from chappe.store.bind_sessions import BindSession
from chappe.store.bound_deliveries import WaitingDeliveries
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.binds")

# Pairs of a user and an address whose wrong passwords are counted; and addresses.
MAX_GUESSERS: Final = 10_000
# How many times as many wrong passwords as lock a user at an address lock that address for all names.
NAMES_OF_PLACE: Final = 5
# Comparisons of one address that wait among those of all others: there are 64 places.
COMPARISONS_OF_PLACE: Final = 2


class BindView(NamedTuple):
    """A bind user as the operator sees him. Shape: `waiting` is None when nothing waits for him."""

    user: BindUser
    sessions: list[BindSession]
    waiting: WaitingDeliveries | None


class BindRefusal(Exception):
    """Somebody may not bind. Shape: `why` is for the log, `reason` one of a closed list."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BindUsers:
    """The bind users of all accounts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(
        self, account: Account, system_id: str, password: str, options: BindOptions, actor: str
    ) -> BindUser:
        """Let an account's programs bind. Raises: BadData, also when the system_id is taken."""
        checked_system_id(system_id)
        checked_password(password)
        options = checked(options)
        password_hash = await hashed(password)

        def unit(tx: Tx) -> BindUser:
            if not bind_users.insert(tx, account.id, system_id, password_hash, options, now_ms()):
                raise BadData("is already in use", field="system_id")
            _audit(tx, actor, "bind.create", account, system_id, _told(BindOptions(), options))
            return _existing(tx, system_id)

        return await self._store.write(unit)

    async def list(self) -> list[BindView]:
        """Every bind user with his binds and what waits for him."""

        def query(tx: Tx) -> list[BindView]:
            sessions = bind_sessions.live(tx, now_ms())
            waiting = {each.bind_user_id: each for each in bound_deliveries.waiting(tx)}
            return [
                BindView(user, [each for each in sessions if each.bind_user_id == user.id], waiting.get(user.id))
                for user in bind_users.all_users(tx)
            ]

        return await self._store.read(query)

    async def change(self, system_id: str, changes: dict[str, object], password: str | None, actor: str) -> BindUser:
        """Change some of a user's options, and his password if one is given. Raises: NotFound, BadData."""
        password_hash = await hashed(checked_password(password)) if password is not None else None

        def unit(tx: Tx) -> BindUser:
            user = _existing(tx, system_id)
            options = checked(msgspec.structs.replace(user.options, **changes))
            bind_users.update(tx, user.id, options, password_hash or user.password_hash)
            detail = ", ".join(filter(None, (_told(user.options, options), "password" if password_hash else "")))
            _audit(tx, actor, "bind.set", user.account, system_id, detail)
            return _existing(tx, system_id)

        return await self._store.write(unit)

    async def remove(self, system_id: str, actor: str) -> int:
        """Take a user away, and what waits for him; how much that was. Raises: NotFound."""

        def unit(tx: Tx) -> int:
            user = _existing(tx, system_id)
            bind_users.remove(tx, user.id, now_ms())
            lost = bound_deliveries.delete_of(tx, user.id)
            _audit(tx, actor, "bind.remove", user.account, system_id, f"{lost} deliveries waited")
            return lost

        return await self._store.write(unit)

    async def kick(self, system_id: str, actor: str) -> int:
        """End the binds of a user now; how many there were. Raises: NotFound."""

        def unit(tx: Tx) -> int:
            user, now = _existing(tx, system_id), now_ms()
            bind_users.kick(tx, user.id, now)
            count = sum(each.bind_user_id == user.id for each in bind_sessions.live(tx, now))
            _audit(tx, actor, "bind.kick", user.account, system_id, f"{count} binds")
            return count

        return await self._store.write(unit)


async def hashed(password: str) -> str:
    """A password as it is kept. Cost: a tenth of a second."""
    passwords = Passwords()
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()


class Binder:
    """Says who may bind, and lets nobody guess.

    Wrong passwords are counted by user and address: a stranger who guesses locks himself out and not the customer. One
    who tries many names is locked out of all of them; who was right before binds from his address all the same.
    """

    def __init__(self, store: Store, rule: LockRule) -> None:
        self._store = store
        self._rule = rule
        self._passwords = Passwords()
        # (system_id, address) -> (wrong passwords, when the last one came)
        self._guesses: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()
        # address -> (wrong passwords for any name, when the first of them came): what is older than a lock is forgotten
        self._of_places: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def close(self) -> None:
        """End the hashing threads."""
        self._passwords.close()

    async def authenticate(
        self, system_id: str, password: str, address: str, *, is_tls: bool, certificate_names: Collection[str]
    ) -> BindUser:
        """The user who binds from an address, if he may.

        Shape:  `certificate_names` are the names in his client certificate.
        Raises: BindRefusal: `locked`, `unknown`, `address`, `password`, `tls`, `certificate`; Unavailable when too
                many are being checked. All that need a comparison take its time.
        Cost:   a tenth of a second at first, microseconds when it was right before.
        """
        guesser = (system_id[:32], place_of(address))
        self._refuse_locked(guesser)
        user = self._store.glance(lambda tx: bind_users.open_named(tx, system_id))
        is_allowed = user is not None and user.options.allows(address)
        expected = user.password_hash if user and is_allowed else None
        digest = self._passwords.digest(system_id, password)
        # One address's comparisons queue up among themselves: it never takes all the places there are.
        turns = self._turns.setdefault(guesser[1], asyncio.Semaphore(COMPARISONS_OF_PLACE))
        if not self._knows(digest, expected):
            async with turns:
                is_right = self._knows(digest, expected) or await self._compare(guesser, expected, password)
            if not is_right:
                self._count(guesser)
                if user is None:
                    raise BindRefusal("unknown")
                raise BindRefusal("password" if is_allowed else "address")
            self._passwords.remember(digest, expected or "")
        self._guesses.pop(guesser, None)
        if user is None:
            raise BindRefusal("unknown")
        if user.options.tls and not is_tls:
            raise BindRefusal("tls")
        if user.options.certificate and user.options.certificate not in certificate_names:
            raise BindRefusal("certificate")
        return user

    def _knows(self, digest: bytes, expected: str | None) -> bool:
        return expected is not None and self._passwords.remembers(digest, expected)

    async def _compare(self, guesser: tuple[str, str], expected: str | None, password: str) -> bool:
        has_begun = False

        def begin() -> None:
            nonlocal has_begun
            self._refuse_locked(guesser)
            self._refuse_locked_place(guesser[1])
            has_begun = True

        self._refuse_locked_place(guesser[1])
        try:
            return await self._passwords.is_right(expected, password[: MAX_PASSWORD + 1], at_its_turn=begin)
        except asyncio.CancelledError:
            if has_begun:  # he has gone before it was found: it has cost as much as a wrong one
                self._count_place(guesser[1])
            raise

    def _refuse_locked(self, guesser: tuple[str, str]) -> None:
        count, at = self._guesses.get(guesser, (0, 0))
        if not self._rule.most_failures or count < self._rule.most_failures:
            return
        if self._rule.is_locked(at, now_ms()):
            raise BindRefusal("locked")
        del self._guesses[guesser]

    def _refuse_locked_place(self, place: str) -> None:
        count, since = self._of_places.get(place, (0, 0))
        if not self._rule.is_locked(since, now_ms()):
            self._of_places.pop(place, None)
        elif 0 < self._rule.most_failures * NAMES_OF_PLACE <= count:
            raise BindRefusal("locked")

    def _count(self, guesser: tuple[str, str]) -> None:
        count, _ = self._guesses.pop(guesser, (0, 0))
        self._guesses[guesser] = (count + 1, now_ms())
        if count + 1 == self._rule.most_failures:
            _log.warning("locked after wrong passwords", system_id=guesser[0], address=guesser[1])
        if len(self._guesses) > MAX_GUESSERS:
            self._guesses.popitem(last=False)
        self._count_place(guesser[1])

    def _count_place(self, place: str) -> None:
        count, since = self._of_places.pop(place, (0, now_ms()))
        self._of_places[place] = (count + 1, since)
        if count + 1 == self._rule.most_failures * NAMES_OF_PLACE:
            _log.warning("address locked after wrong passwords", address=place)
        if len(self._of_places) > MAX_GUESSERS:
            self._of_places.popitem(last=False)


def place_of(address: str) -> str:
    """Whom what comes from an address is counted against: of IPv6 its network, which one person has."""
    where = ip_address(address.partition("%")[0])
    if isinstance(where, IPv6Address) and where.ipv4_mapped is None:
        return str(ip_network((where, 64), strict=False))
    return str(where)


def _existing(tx: Tx, system_id: str) -> BindUser:
    user = bind_users.named(tx, system_id)
    if user is None:
        raise NotFound(f"there is no bind user {system_id}", field="system_id")
    return user


def _told(before: BindOptions, after: BindOptions) -> str:
    """What differs, for the audit log."""
    old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(after)
    return ", ".join(f"{name} {_word(old[name])} -> {_word(new[name])}" for name in new if new[name] != old[name])


def _word(value: object) -> str:
    return ",".join(value) or "-" if isinstance(value, tuple) else str(value) or "-"


def _audit(tx: Tx, actor: str, action: str, account: Account, system_id: str, detail: str) -> None:
    audit.add(tx, Entry(now_ms(), actor, action, account.id, system_id, detail))
