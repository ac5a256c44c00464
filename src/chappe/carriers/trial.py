"""Try a carrier out: connect, bind, unbind, and say what the centre said. Nothing is sent."""

import asyncio
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from chappe.carriers.bind_turns import turn
from chappe.carriers.connection import Acknowledge, Address, LinkState, Question
from chappe.carriers.link import MODES, Link
from chappe.carriers.smpp import account_of, commands_of, connect
from chappe.carriers.smpp_options import SmppOptions
from chappe.carriers.tls import failure
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.retry import Refused

# How long the good-bye may take.
_UNBIND_S = 6.0


class Tried(NamedTuple):
    """How one bind went. Shape: `said` is what came of it, in words; `waiting` is what the centre brought meanwhile."""

    mode: str
    is_good: bool
    said: str
    version: str = ""
    waiting: int = 0
    oddities: Mapping[str, int] = MappingProxyType({})


class _Nobody:
    """Hears everything and keeps nothing: what a centre delivers is not acknowledged, so that it brings it again."""

    def __init__(self) -> None:
        self.waiting = 0

    def answered(self, items: list[tuple[Any, Refused | None, str]], *, late: bool) -> None:
        pass

    def unknown(self, tokens: list[Any]) -> None:
        pass

    def unsent(self, tokens: list[Any]) -> None:
        pass

    def delivered(self, acknowledge: Acknowledge, items: list[tuple[int, ReceiptIn | ReplyIn]]) -> None:
        self.waiting += len(items)

    def told(self, answers: list[tuple[Question, ReceiptIn | str]]) -> None:
        pass

    def congested(self, percent: int) -> None:
        pass

    def changed(self) -> None:
        pass


async def try_binds(address: Address, options: SmppOptions) -> tuple[Tried, ...]:
    """Make each kind of bind that the carrier would have, once, one after the other.

    Units: `bind_s` of the options for the connection and again for the bind.
    """
    kinds = dict.fromkeys(commands_of(address, options))
    return tuple([await _try(address, options, command) for command in kinds])


async def _try(address: Address, options: SmppOptions, command: int) -> Tried:
    mode, state, nobody = MODES[command], LinkState(), _Nobody()
    loop = asyncio.get_running_loop()
    bound: asyncio.Future[None] = loop.create_future()
    link: Link[Any] = Link(address, options, command, state, nobody, lambda: bound.set_result(None))
    await turn(account_of(address), options.bind_gap_s)
    try:
        await connect(link, address, options)
    except (OSError, ssl.SSLError) as error:
        return Tried(mode, False, f"cannot connect: {failure(error)}")
    either: list[asyncio.Future[Any]] = [bound, link.closed]
    await asyncio.wait(either, timeout=options.bind_s + 1, return_when=asyncio.FIRST_COMPLETED)
    if not bound.done():
        bound.cancel()
        said = link.closed.result() if link.closed.done() else "the bind was never answered"
        link.unbind()
        return Tried(mode, False, said, oddities=state.oddities)
    link.unbind()
    done, _ = await asyncio.wait([link.closed], timeout=_UNBIND_S)
    said = "bound and unbound" if done else "bound; the good-bye was not answered"
    return Tried(mode, True, said, state.version, nobody.waiting, state.oddities)
