"""Texts that differ from recipient to recipient: a contact's fields, `[info1]` to `[info4]`, and own short links."""

import re
from collections.abc import Sequence
from typing import Final

from chappe.domain.links import SHORT

Infos = tuple[str | None, ...]
"""The fields of one contact, info1 first; missing ones may be left off the end."""

FIELDS: Final = 4

_TAG: Final = re.compile(r"\[info([1-4])\]")
_TAG_OR_LINK: Final = re.compile(rf"\[info([1-4])\]|{SHORT}")


def has_tags(text: str) -> bool:
    """Say whether a text differs from contact to contact."""
    return "[info" in text and _TAG.search(text) is not None


def tags(text: str) -> tuple[int, ...]:
    """Give the numbers of the fields a text asks for, in the order they stand there."""
    return tuple([int(number) for number in _TAG.findall(text)])


def personalize(text: str, infos: Sequence[Infos | None], links: Sequence[Sequence[str]] = ()) -> list[str]:
    """Write the text of each contact.

    Shape: one text per entry of `infos`, in its order. A field that is missing or unknown is left out. Tags
           inside a field's value stay as they are: nobody can reach another field through one. `links` has a column
           for each `<-short->` of the text, as long as `infos`; without any these stay as they are.
    Cost:  below a microsecond a contact.
    """
    tag = _TAG_OR_LINK if links else _TAG
    places = tag.findall(text)
    if not places:
        return [text] * len(infos)
    pieces = tag.split(text)[::2]
    frame = "%s".join([piece.replace("%", "%%") for piece in pieces])
    of_links = iter(links)
    columns = [_column(infos, int(place) - 1) if place else next(of_links) for place in places]
    return [frame % values for values in zip(*columns, strict=True)]


def _column(infos: Sequence[Infos | None], place: int) -> list[str]:
    """One field of all contacts."""
    return [(own[place] or "") if own is not None and place < len(own) else "" for own in infos]
