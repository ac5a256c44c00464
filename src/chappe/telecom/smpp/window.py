"""The requests of ours that wait for an answer: who asked, since when, and did it leave the house."""

from collections import deque
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MAX_SEQUENCE: Final = 0x7FFFFFFF
_MERGE_S: Final = 0.1
"""Batches sent within this time share one deadline, the latest: a busy link keeps few entries."""


def following(sequence: int) -> int:
    """The sequence number after this one; 1 comes after 0x7FFFFFFF."""
    return sequence + 1 if sequence < MAX_SEQUENCE else 1


def _moved(sequence: int, count: int) -> int:
    """The sequence number `count` after this one."""
    return (sequence - 1 + count) % MAX_SEQUENCE + 1


class _Due:
    """A run of sequence numbers with one deadline; `after` follows its last one."""

    def __init__(self, opened: float, deadline: float, first: int, count: int) -> None:
        self.opened = opened
        self.deadline = deadline
        self.first = first
        self.count = count
        self.after = _moved(first, count)

    def __iter__(self) -> Iterator[int]:
        sequence = self.first
        for _ in range(self.count):
            yield sequence
            sequence = following(sequence)


class Window(Generic[T]):
    """Unanswered requests by sequence number.

    Shape: `pending` is read and popped directly by the session: it is the hot path.
           `expired` keeps the last `late_kept` timed-out ones, for answers that come late.
    """

    def __init__(self, response_s: float, late_kept: int) -> None:
        self.pending: dict[int, T] = {}
        self.expired: dict[int, T] = {}
        self.response_s = response_s
        self._late_kept = late_kept
        self._due: deque[_Due] = deque()
        self._unwritten: list[tuple[int, int]] = []

    def sent(self, first: int, count: int, now: float) -> None:
        """Start the clock of `count` requests whose tokens are in `pending` already."""
        if not count:
            return
        self._unwritten.append((first, count))
        deadline = now + self.response_s
        if len(self.pending) == count:
            self._due.clear()
        last = self._due[-1] if self._due else None
        # A probe or a question in between has taken a number: what follows is a run of its own.
        if last is not None and last.after == first and now - last.opened < _MERGE_S:
            last.deadline = deadline
            last.count += count
            last.after = _moved(first, count)
        else:
            self._due.append(_Due(now, deadline, first, count))

    def written(self) -> None:
        """Everything sent so far has been handed to the connection."""
        if self._unwritten:
            self._unwritten.clear()

    def deadline(self) -> float | None:
        """When the oldest request may time out."""
        if not self.pending:
            self._due.clear()
        return self._due[0].deadline if self._due else None

    def expire(self, now: float) -> list[T]:
        """Tokens whose time is over; their slots are free again."""
        tokens: list[T] = []
        while self._due and self._due[0].deadline <= now:
            for sequence in self._due.popleft():
                if sequence in self.pending:
                    token = self.pending.pop(sequence)
                    self.expired[sequence] = token
                    tokens.append(token)
        while len(self.expired) > self._late_kept:
            del self.expired[next(iter(self.expired))]
        return tokens

    def close(self) -> tuple[list[T], list[T]]:
        """Give everything back: (tokens that were written, tokens that never left)."""
        unwritten: list[T] = []
        for first, count in self._unwritten:
            for sequence in _Due(0.0, 0.0, first, count):
                if sequence in self.pending:
                    unwritten.append(self.pending.pop(sequence))
        written = list(self.pending.values())
        self.pending.clear()
        self.expired.clear()
        self._due.clear()
        self._unwritten.clear()
        return written, unwritten
