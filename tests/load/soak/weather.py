"""What goes wrong at a carrier, drawn by chance: a script of the simulator for each seed."""

import random
from typing import Final

# Beyond the patience for answers, so that outcomes become unknown.
_TOO_LATE: Final = "11s..25s"
_GARBAGE: Final = ("command", "body", "stray", "octets", "nack", "answer", "bare")


def weather(dice: random.Random, seconds: int) -> str:
    """Shares of everything that may go wrong with a message, and moments at which the link does.

    Shape: each kind of trouble comes at least once in `seconds`.
    """
    lines = [
        f"refuse ESME_RSYSERR {_share(dice, 0.1, 1)}",
        f"refuse ESME_RX_P_APPN {_share(dice, 0.1, 1)}",
        f"never answer {_share(dice, 0.05, 0.3)}",
        f"late answer {_TOO_LATE} {_share(dice, 0.05, 0.3)}",
        f"late answer 0s..{dice.randint(100, 900)}ms {_share(dice, 10, 60)}",
        f"double answer {_share(dice, 0.1, 1)}",
        f"early receipt {_share(dice, 0.2, 2)}",
        f"double receipt {_share(dice, 0.5, 4)}",
        f"no receipt {_share(dice, 0.05, 0.3)}",
        f"report undeliverable {_share(dice, 0.5, 3)}",
        f"report expired {_share(dice, 0.2, 1)}",
        f"late receipt 0s..{dice.randint(2, 20)}s {_share(dice, 10, 60)}",
        *(f"garbage {kind} {_share(dice, 0.02, 0.1)}" for kind in _GARBAGE),
        f"garbage tlv {_share(dice, 0.2, 2)}",
        f"garbage length every {dice.randint(8_000, 20_000)}th",
        f"garbage header every {dice.randint(8_000, 20_000)}th",
        f"drop after answer every {dice.randint(3_000, 9_000)}th",
        f"drop before answer every {dice.randint(3_000, 9_000)}th",
        f"refuse binds ESME_RSYSERR {_share(dice, 2, 8)}",
        f"ignore binds {_share(dice, 1, 5)}",
        f"ignore enquire_link {_share(dice, 2, 10)}",
    ]
    moments = [
        (f"throttle {_share(dice, 5, 50)}", 5, 15),
        ("queue full", 2, 5),
        ("down", 3, 12),
        ("stop reading", 2, 6),
        ("write slowly 3000", 3, 8),
        ("drop links", 0, 0),
        ("unbind", 0, 0),
    ]
    # Often enough to be seen in a short run, seldom enough to let a long one work.
    often = min(seconds, 300)
    for words, least, most in moments:
        at, pause = dice.randint(5, max(6, often // 2)), dice.randint(often // 2, often)
        lasts = f" for {dice.randint(least, most)}s" if most else ""
        lines.append(f"{words} at {at}s{lasts} every {max(pause, most * 4)}s")
    return "\n".join(lines) + "\n"


def _share(dice: random.Random, least: float, most: float) -> str:
    return f"{dice.uniform(least, most):.2f}%"
