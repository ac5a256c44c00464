"""The receipts of one lane that wait in quarantine, in memory, to be matched when an answer comes late."""

from collections.abc import Iterable

from chappe.store.quarantine import Quarantined
from chappe.telecom.receipts import MatchKeys, match_keys

# Receipts of a carrier that are held in memory; older ones stay in the table.
MAX_HELD = 20_000


class Held:
    """Waiting receipts, found by the ids under which their message may be stored and by its number.

    Shape: several may wait for one message (on its way, then delivered; the same one doubled): all are found, in the
           order in which they came.
    """

    def __init__(self, keys_of: MatchKeys = match_keys) -> None:
        self._keys_of = keys_of
        self._receipts: dict[int, Quarantined] = {}
        self._by_key: dict[str, dict[int, None]] = {}
        self._by_number: dict[int, dict[int, None]] = {}

    def __len__(self) -> int:
        return len(self._receipts)

    def add(self, receipts: Iterable[Quarantined]) -> None:
        """Take receipts up, oldest first; beyond MAX_HELD the oldest are dropped."""
        for early in receipts:
            self._receipts[early.id] = early
            for _, each in self._keys_of(early.ref):
                self._by_key.setdefault(each, {})[early.id] = None
            if early.number is not None and early.is_final:
                self._by_number.setdefault(early.number, {})[early.id] = None
        while len(self._receipts) > MAX_HELD:
            self.remove([next(iter(self._receipts.values()))])

    def remove(self, receipts: Iterable[Quarantined]) -> None:
        """Forget receipts that have found their message."""
        for early in receipts:
            if self._receipts.pop(early.id, None) is None:
                continue
            for _, each in self._keys_of(early.ref):
                _discard(self._by_key, each, early.id)
            if early.number is not None and early.is_final:
                _discard(self._by_number, early.number, early.id)

    def find(self, keys: Iterable[str], numbers: Iterable[int]) -> list[Quarantined]:
        """The receipts under any of these ids or for any of these numbers, oldest first."""
        found: set[int] = set()
        for each in keys:
            found.update(self._by_key.get(each, ()))
        for number in numbers:
            found.update(self._by_number.get(number, ()))
        return [self._receipts[id_] for id_ in sorted(found)]

    def with_number(self) -> list[Quarantined]:
        """Every receipt that may settle a message whose answer was lost, oldest first."""
        return [early for early in self._receipts.values() if early.number is not None and early.is_final]


def _discard(index: dict[str, dict[int, None]] | dict[int, dict[int, None]], key: str | int, id_: int) -> None:
    under = index[key]  # type: ignore[index]
    del under[id_]
    if not under:
        del index[key]  # type: ignore[arg-type]
