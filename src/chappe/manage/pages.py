"""A page of a longer list."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list.

    Shape: `total` counts everything there is, `matching` what the filter leaves, `rows` are at most a page of it.
    """

    rows: list[T]
    total: int
    matching: int
