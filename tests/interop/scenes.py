"""What every program has to live through as a customer who binds, whoever made it."""

import asyncio
from typing import Final

from tests.interop.site import Customer, phone, until
from tests.interop.texts import LONG, SHORT, WIDE
from tests.peers.program import Program, Reply

SHORT_CODE: Final = "36180"
RATE: Final = 3
"""Submits a second that a customer may send who sends more."""


async def texts_and_receipts(
    customer: Customer, program: Program, sender: str, *, each_part: bool = True, wide: str = WIDE
) -> None:
    """Short, long and wide texts arrive once, at the price of HTTP; each receipt comes once."""
    texts = {phone(): text for text in (SHORT, LONG, wide)}
    for number, text in texts.items():
        await program.send(number, text)
    await customer.arrived(texts, program, sender=sender, each_part=each_part)


async def replies(customer: Customer, program: Program) -> None:
    """What somebody answers comes once, whatever its letters and length; HTTP shows the same."""
    number = phone()
    await program.send(number, "Shall we?")
    await customer.until_status(number, "DELIVERED")
    customer.spent += await customer.price(number, "Shall we?")
    said = ["Oui, à 5 € {pile} @", WIDE, LONG]
    for text in said:
        customer.site.carrier.reply(number, SHORT_CODE, text)
    await until(lambda: len(program.heard.replies) >= len(said), "replies")
    await customer.until_told()
    expected = sorted(Reply(number, SHORT_CODE, text) for text in said)
    assert sorted(each._replace(destination=each.destination.lstrip("+")) for each in program.heard.replies) == expected
    assert sorted(await customer.replies()) == sorted((number, text) for text in said)


async def too_fast(customer: Customer, program: Program, sender: str, *, each_part: bool = True) -> None:
    """A customer with a RATE who sends more than it is told so, and nothing is lost or doubled."""
    texts = {phone(): f"Number {i}" for i in range(4 * RATE)}
    await asyncio.gather(*(program.send(*each) for each in texts.items()))
    await customer.arrived(texts, program, sender=sender, each_part=each_part)
    assert await customer.refused() > 0


async def failures(customer: Customer, program: Program) -> None:
    """A text that reaches nobody is told so, over SMPP and HTTP."""
    number = phone()
    with customer.site.carrier_with(outcomes={"undeliverable": 1.0}):
        await program.send(number, "Hello")
        await customer.until_status(number, "NOT_DELIVERED")
    await until(lambda: any(each.word == "UNDELIV" for each in program.heard.receipts), "the receipt")
    await customer.pays_for({number: "Hello"})
