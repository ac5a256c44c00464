"""The four free fields of a contact, as one text: what lists, messages and exclusions keep of a person."""

from collections.abc import Sequence
from typing import Final

from chappe.domain.personalize import FIELDS, Infos

# Nobody types it; a field that has it loses it.
SEPARATOR: Final = "\x1f"


def join_infos(infos: Sequence[str | None] | None) -> str | None:
    """The fields as one text, empty ones at the end left off; None when all are empty."""
    if not infos or not any(infos):
        return None
    return SEPARATOR.join([(info or "").replace(SEPARATOR, "") for info in infos]).rstrip(SEPARATOR) or None


def split_infos(joined: str | None) -> Infos:
    """The four fields again; an empty one is None."""
    fields = joined.split(SEPARATOR, FIELDS - 1) if joined else []
    return tuple([field or None for field in fields]) + (None,) * (FIELDS - len(fields))
