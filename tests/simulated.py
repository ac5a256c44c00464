"""A simulated carrier on free ports, and texts for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps

import msgspec

from chappe.carriers.simulator import Simulator, SimulatorOptions
from chappe.telecom.smpp.bodies import ShortMessage
from chappe.telecom.udh import concatenation_header
from tests.esme import Esme, esme, until

Test = Callable[[], Awaitable[None]]


def on_a_loop(test: Test) -> Callable[[], None]:
    @wraps(test)
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 60))

    return run


def options(**given: object) -> SimulatorOptions:
    start = {"port": 0, "control_port": 0, "receipt_delay_s": 0.0, "keep": "messages", "seed": 1}
    return msgspec.convert(start | given, SimulatorOptions)


def text(number: int, words: str = "Hello", receipt: int = 1) -> ShortMessage:
    return ShortMessage(5, 0, "CHAPPE", 1, 1, f"336{number:08}", 0, 0, words.encode(), receipt)


def texts(count: int, receipt: int = 1) -> list[tuple[int, ShortMessage]]:
    return [(number, text(number, receipt=receipt)) for number in range(count)]


def every_receipt(customer: Esme, count: int) -> Awaitable[None]:
    return until(lambda: len(customer.deliveries) >= count, f"{count} receipts")


@asynccontextmanager
async def playing(script: str, **given: object) -> AsyncIterator[tuple[Simulator, Esme]]:
    """A carrier that plays a script, and a customer bound to it."""
    async with Simulator(options(script=script, **given)) as carrier, esme(carrier.port) as customer:
        yield carrier, customer


def give_up(customer: Esme) -> None:
    """Let the customer's patience for answers end."""
    customer.tick(ahead_s=11)


def long_text(number: int, reference: int = 7) -> list[ShortMessage]:
    """A message in two parts."""
    return [
        text(number)._replace(esm_class=0x40, short_message=concatenation_header(reference, 2, part) + b"part")
        for part in (1, 2)
    ]
