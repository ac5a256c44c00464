"""In which order equals are tried: what each takes, and their shares, which stick to the recipients.

A number falls into one of 4,096 buckets, and each bucket orders the carriers for itself (weighted rendezvous hashing):
the same person keeps the same carrier, and when a carrier comes or goes only its own share moves.
Source: Thaler and Ravishankar 1998; Schindelhauer and Schomaker 2005 for weights; Steele 2014 for the mixing.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Final

# So few that all their orders are soon known, so many that a share is met within a percent.
BUCKETS: Final = 1 << 12
_MASK: Final = (1 << 64) - 1
# 2^64 divided by the golden ratio: consecutive numbers are spread evenly.
_GOLDEN: Final = 0x9E3779B97F4A7C15


def bucket(number: int) -> int:
    """The bucket of a number. Cost: a tenth of a microsecond."""
    return (number * _GOLDEN & _MASK) >> 52


def by_share(weights: Mapping[int, int], at: int) -> list[int]:
    """Lanes by their weights as a bucket has them; those without weight after the others."""
    return sorted(weights, key=lambda lane: (-_score(weights[lane], lane, at), lane))


def _score(weight: int, lane: int, at: int) -> float:
    drawn = (_mixed(at * _GOLDEN + lane) + 1) / (_MASK + 2)
    # Those without weight share what the others leave evenly: their scores are below all others'.
    return -weight / log(drawn) if weight else drawn - 1


def _mixed(value: int) -> int:
    value = (value + _GOLDEN) & _MASK
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31


class Costs:
    """What carriers take for a part.

    Shape: of each lane a cost by place: alpha-2 of a country, the first digits of numbers, or empty for the rest. The
           longest digits count before the country.
    Units: thousandths of a credit.
    """

    def __init__(self, by_lane: Mapping[int, Mapping[str, int]] | None = None) -> None:
        self._by_lane = by_lane or {}
        self._lengths = {
            lane: sorted({len(place) for place in costs if place.isdigit()}, reverse=True)
            for lane, costs in self._by_lane.items()
        }

    def of(self, lane: int, country: str, digits: str) -> int | None:
        """What a lane takes for a part to a number; None when it is not known."""
        costs = self._by_lane.get(lane)
        if costs is None:
            return None
        for length in self._lengths[lane]:
            if (found := costs.get(digits[:length])) is not None:
                return found
        return costs.get(country, costs.get(""))

    def depend_on_number(self, lane: int) -> bool:
        """Whether two numbers of a country may cost differently."""
        return bool(self._lengths.get(lane))

    def cheapest_first(self, lanes: Iterable[int], country: str, digits: str, at: int) -> list[int]:
        """Lanes by their costs, those that nobody knows last; what costs the same is shared evenly."""
        order = by_share(dict.fromkeys(lanes, 1), at)
        costs = {lane: self.of(lane, country, digits) for lane in order}
        return sorted(order, key=lambda lane: (costs[lane] is None, costs[lane] or 0))


def shares(weights: Mapping[int, int]) -> dict[int, float]:
    """What part of the messages each gets."""
    total = sum(weights.values())
    return {lane: weight / total if total else 1 / len(weights) for lane, weight in weights.items()}


def without_repeats(lanes: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(lanes))


def weights_of(given: Sequence[tuple[int, int | None]]) -> dict[int, int] | None:
    """The weights of equals, where any has one; those without get one."""
    if all(weight is None for _, weight in given):
        return None
    found: dict[int, int] = {}
    for lane, weight in given:
        found.setdefault(lane, 1 if weight is None else weight)
    return found
