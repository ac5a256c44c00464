"""A centre brings again what it saw no acknowledgement of; a person writes the same words twice. On real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from chappe.carriers.connection import Acknowledge, Address
from chappe.carriers.link import LATE_S
from chappe.carriers.smpp import SmppCarrier
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.outcomes import ReceiptIn, ReplyIn
from chappe.domain.replies import StoredReply, repeats
from chappe.telecom.smpp import commands
from chappe.telecom.smpp.commands import DELIVER_SM, RESPONSE
from tests.fast_clock import hurrying, run_fast
from tests.faults.bad_centres import MESSAGE, whole
from tests.faults.test_bad_centres import GOOD_DAY, Told
from tests.sending import until
from tests.smpp_wire import Wire, answered, listening

BRISK = 8.0  # a link that is lost is back after an eighth of a second
ONE = MESSAGE._replace(esm_class=0, short_message=b"1")


class Desk(Told):
    """Keeps the replies as the database does, and acknowledges them when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[StoredReply] = []
        self.is_slow = False
        self._waiting: list[tuple[Acknowledge, list[int]]] = []

    def delivered(self, acknowledge: Acknowledge, items: list[tuple[int, ReceiptIn | ReplyIn]]) -> None:
        for _, item in items:
            assert isinstance(item, ReplyIn)
            since, until = item.doubt or (None, None)
            place = (len(self.rows), 5, item.source, item.destination, item.text, item.at or 0, None, None)
            self.rows.append(StoredReply(*place, doubt_since=since, doubt_until=until))
        self._waiting.append((acknowledge, [number for number, _ in items]))
        if not self.is_slow:
            self.catch_up()

    def catch_up(self) -> None:
        waiting, self._waiting = self._waiting, []
        for acknowledge, numbers in waiting:
            acknowledge(numbers)

    @property
    def counted(self) -> int:
        return len(self.rows) - len(repeats(self.rows, []))


class Centre:
    """The connections that stand."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []

    async def life(self, wire: Wire) -> None:
        wire.say(answered(await wire.until(commands.BIND_TRANSCEIVER), GOOD_DAY))
        self.wires.append(wire)
        try:
            while (heard := await wire.pdu()).command != commands.UNBIND:
                if not heard.command & RESPONSE:
                    wire.say(answered(heard))
            wire.say(answered(heard))
        finally:
            self.wires.remove(wire)


@asynccontextmanager
async def bound(binds: int) -> AsyncIterator[tuple[Centre, Desk, Callable[[int], Awaitable[None]]]]:
    """Our end with so many binds, and how the centre brings "1" over one of them, until it is acknowledged."""
    centre, desk = Centre(), Desk()
    server, port = await listening(centre.life)
    options = SmppOptions(bind_gap_s=0)
    carrier: SmppCarrier[str] = SmppCarrier(
        Address("carrier", "127.0.0.1", port, "user", "secret", tls=False, window=10, binds=binds), options, desk
    )
    carrier.start()

    async def bring(place: int) -> None:
        wire, came, number = centre.wires[place], len(desk.rows), len(desk.rows) + 1
        wire.say(whole(DELIVER_SM, number, ONE))
        await until(lambda: len(desk.rows) > came, "stored")
        if not desk.is_slow:
            said = (DELIVER_SM | RESPONSE, 0, number)
            await until(lambda: said in [heard[:3] for heard in wire.heard], "acknowledged")

    try:
        await until(lambda: len(centre.wires) == binds, "bound")
        yield centre, desk, bring
    finally:
        await carrier.stop()
        server.close()


async def lose(centre: Centre, place: int) -> None:
    standing = len(centre.wires)
    lost = centre.wires[place]
    lost.writer.close()
    await until(lambda: lost not in centre.wires, "lost")
    await until(lambda: len(centre.wires) == standing, "bound again")
    await asyncio.sleep(0.1)  # the bind's answer is read


def test_the_same_words_twice_over_a_link_that_stands_count_twice() -> None:
    async def run() -> None:
        async with bound(1) as (_, desk, bring):
            await bring(0)
            await bring(0)
            assert (len(desk.rows), desk.counted) == (2, 2)

    run_fast(run(), BRISK)


def test_what_comes_again_after_a_link_was_lost_counts_once_and_the_next_answer_counts() -> None:
    async def run() -> None:
        async with bound(1) as (centre, desk, bring):
            await bring(0)
            await lose(centre, 0)
            await bring(0)
            assert (len(desk.rows), desk.counted) == (2, 1)
            await bring(0)
            assert (len(desk.rows), desk.counted) == (3, 2)

    run_fast(run(), BRISK)


def test_two_links_bring_two_answers_unless_one_of_them_was_lost() -> None:
    async def run() -> None:
        async with bound(2) as (centre, desk, bring):
            await bring(0)
            await bring(1)
            assert desk.counted == 2
            await lose(centre, 0)
            await bring(0)  # the one that stood all the time, now the first
            await bring(1)
            assert (len(desk.rows), desk.counted) == (4, 2)

    run_fast(run(), BRISK)


def test_what_comes_again_because_we_were_slow_counts_once() -> None:
    async def run() -> None:
        async with bound(1) as (_, desk, bring):
            desk.is_slow = True
            await bring(0)
            await asyncio.sleep(LATE_S + 1)
            await bring(0)  # over the same link, before the first is acknowledged
            assert desk.counted == 1
            desk.catch_up()
            desk.is_slow = False
            await bring(0)  # it had given up the second before our answer came
            assert (len(desk.rows), desk.counted) == (3, 1)

    async def hurried() -> None:
        with hurrying(BRISK):
            await run()

    run_fast(hurried(), BRISK)


def test_two_answers_in_one_piece_count_twice_though_none_is_acknowledged_yet() -> None:
    async def run() -> None:
        async with bound(1) as (centre, desk, _):
            centre.wires[0].say(whole(DELIVER_SM, 1, ONE), whole(DELIVER_SM, 2, ONE))
            await until(lambda: len(desk.rows) == 2, "stored")
            assert desk.counted == 2

    run_fast(run(), BRISK)
