"""A simulated carrier on free ports, and texts for it."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps

import msgspec

from chappe.carriers.simulator import SimulatorOptions
from chappe.telecom.smpp.bodies import ShortMessage
from tests.esme import Esme, until

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
