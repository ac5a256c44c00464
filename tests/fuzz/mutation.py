"""Changes to a stream of PDUs that keep it one: chance alone breaks the lengths and learns nothing more."""

import random
from collections.abc import Callable
from typing import Final

from chappe.telecom.smpp.commands import RESPONSE
from chappe.telecom.smpp.pdu import HEADER, MIN_LENGTH
from tests.fuzz.seeds import pdus
from tests.fuzz.story import cut
from tests.fuzz.targets import COMMANDS

Mutate = Callable[[bytes, int], bytes]
_PDUS: Final = pdus()
_NUMBERS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_STATES: Final = (0, 0, 0, 8, 0x14, 0x58, 0xFF, 0x400)


def split(stream: bytes) -> list[bytes]:
    """The PDUs of a stream, what does not end last."""
    found: list[bytes] = []
    while stream:
        length = int.from_bytes(stream[:4], "big")
        length = length if MIN_LENGTH <= length <= len(stream) else len(stream)
        found.append(stream[:length])
        stream = stream[length:]
    return found


def mutated(data: bytes, max_size: int, seed: int, mutate: Mutate) -> bytes:
    """Another life of a link: a PDU more, less, elsewhere, renumbered or with other octets, or other steps."""
    dice = random.Random(seed)
    if dice.random() < 0.25:
        return mutate(data, max_size)
    start, steps, stream = cut(data)
    if dice.random() < 0.25:
        steps = mutate(steps, 0x3F)[:0x3F]
    else:
        stream = b"".join(_changed(split(stream), dice, mutate))
    if dice.random() < 0.1:
        start = dice.randrange(0x100)
    return (bytes((start, len(steps))) + steps + stream)[:max_size]


def _changed(stream: list[bytes], dice: random.Random, mutate: Mutate) -> list[bytes]:
    at = dice.randrange(len(stream)) if stream else 0
    action = dice.randrange(6) if stream else 0
    if action == 0:
        return [*stream[:at], dice.choice(_PDUS), *stream[at:]]
    if action == 1 and len(stream) > 1:
        return [*stream[:at], *stream[at + 1 :]]
    if action == 2:
        other = dice.randrange(len(stream))
        stream[at], stream[other] = stream[other], stream[at]
        return stream
    stream[at] = _other(stream[at], action, dice, mutate)
    return stream


def _other(one: bytes, action: int, dice: random.Random, mutate: Mutate) -> bytes:
    if len(one) < MIN_LENGTH:
        return one
    _, command, state, number = HEADER.unpack_from(one)
    body = one[MIN_LENGTH:]
    if action == 3:
        number = dice.choice(_NUMBERS)
    elif action == 4:
        state = dice.choice(_STATES)
        command = dice.choice((command ^ RESPONSE, dice.choice(COMMANDS)))
    else:
        body = mutate(body, len(body) + 24)
    return HEADER.pack(MIN_LENGTH + len(body), command, state, number) + body
