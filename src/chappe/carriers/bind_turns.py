"""Who may bind when: an account is never bound faster than its carrier allows, over all its links."""

import asyncio
from typing import NamedTuple
from weakref import WeakKeyDictionary


class Account(NamedTuple):
    """Whom a carrier knows: the name, at an address."""

    host: str
    port: int
    system_id: str


# When the next bind of an account may begin, on the clock of each loop.
_next: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Account, float]] = WeakKeyDictionary()


async def turn(account: Account, gap_s: float) -> None:
    """Wait until this account may bind again. Units: seconds between two binds."""
    loop = asyncio.get_running_loop()
    turns, now = _next.setdefault(loop, {}), loop.time()
    at = max(now, turns.get(account, now))
    turns[account] = at + gap_s
    if at > now:
        await asyncio.sleep(at - now)
