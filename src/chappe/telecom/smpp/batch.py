"""What one read brought, gathered by kind until it is told."""

from typing import Generic, TypeVar

from .bodies import ShortMessage
from .events import Answers, Congestion, Deliveries, Event, Oddity, Submits

T = TypeVar("T")


class Batch(Generic[T]):
    """Answers, late answers, incoming messages, congestion and oddities of one read.

    Shape: the session appends to the lists directly; `tell` empties them into events. Answers come
           before messages, so that a receipt finds the message id its answer brought.
    """

    def __init__(self, *, is_client: bool) -> None:
        self._is_client = is_client
        self.answers: list[tuple[T, int, str]] = []
        self.late: list[tuple[T, int, str]] = []
        self.messages: list[tuple[int, ShortMessage]] = []
        self.congestion: int | None = None
        self._odd: dict[str, tuple[str, int]] = {}

    def note(self, name: str, detail: str) -> None:
        """Count an oddity; the first detail of each name is kept."""
        first, count = self._odd.get(name, (detail, 0))
        self._odd[name] = (first, count + 1)

    def tell(self, told: list[Event[T]]) -> None:
        """Append what was gathered as events and start anew."""
        if self.answers:
            told.append(Answers(self.answers))
            self.answers = []
        if self.late:
            told.append(Answers(self.late, late=True))
            self.late = []
        if self.messages:
            told.append(Deliveries(self.messages) if self._is_client else Submits(self.messages))
            self.messages = []
        if self.congestion is not None:
            told.append(Congestion(self.congestion))
            self.congestion = None
        if self._odd:
            told.extend(Oddity(name, detail, count) for name, (detail, count) in self._odd.items())
            self._odd = {}
