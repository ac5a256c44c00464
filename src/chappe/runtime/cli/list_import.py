"""A file of contacts on its way into a list, with a bar for who watches."""

import gc
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import msgspec

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData
from chappe.runtime.bootstrap import Chappe
from chappe.runtime.cli.progress import bar
from chappe.surfaces.contact_files.columns import layout
from chappe.surfaces.contact_files.load import load, rejects_file
from chappe.surfaces.contact_files.table import Options, opened

SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Source:
    """The file, and what the person says about it."""

    file: Path
    options: Options
    columns: Mapping[str, str]
    has_heading: bool | None
    rejects: Path | None


@dataclass(frozen=True, slots=True)
class Target:
    """A new list of an account, or an existing one. Shape: either `account` or `list_id` is given."""

    account: str | None
    list_id: int | None
    name: str
    deduplicates: bool


class Report(msgspec.Struct, frozen=True):
    """What became of an import. Shape: `deduplicated` is None unless it was asked for."""

    list_id: int
    name: str
    file: str
    format: str
    columns: str
    contacts: int
    duplicates: int
    deduplicated: int | None
    refused: dict[str, int]
    rejects: str | None
    seconds: float


async def import_file(chappe: Chappe, source: Source, target: Target) -> Report:
    """Import a file. Raises: Refusal, with no new list left behind."""
    # Rows come and go by the million and none is in a cycle: looking for some would take a third of the time.
    gc.disable()
    began = time.monotonic()
    account, lists = _account(chappe, target), chappe.use_cases.lists
    with opened(source.file, source.options) as table:
        first = next(table.rows, [])
        sample = [cells for _, cells in first if any(map(str.strip, cells))][:SAMPLE_ROWS]
        if not sample:
            raise BadData("has no rows", field=str(source.file))
        meaning = layout(sample, source.columns, account.country, has_heading=source.has_heading)
        if meaning.has_heading:
            first = first[[cells for _, cells in first].index(sample[0]) + 1 :]
        batches = chain([first] if first else [], table.rows)
        before = 0
        if target.list_id is not None and not target.deduplicates:
            before = await lists.count_duplicates(account, target.list_id)
        with rejects_file(source.rejects) as rejects, bar(source.file.name) as show:
            async with lists.filling(
                account, name=None if target.list_id else target.name, list_id=target.list_id
            ) as filling:
                loaded = await load(
                    batches, meaning, filling, account.country, rejects=rejects, progress=lambda: show(table.share())
                )
                list_id = await filling.finish()
    removed = await lists.deduplicate(account, list_id) if target.deduplicates else None
    duplicates = await lists.count_duplicates(account, list_id) - before if removed is None else 0
    return Report(
        list_id=list_id,
        name=lists.get(account, list_id).name,
        file=str(source.file),
        format=table.says,
        columns=meaning.says(),
        contacts=loaded.contacts,
        duplicates=duplicates,
        deduplicated=removed,
        refused=dict(loaded.refused),
        rejects=str(source.rejects) if source.rejects else None,
        seconds=round(time.monotonic() - began, 3),
    )


def _account(chappe: Chappe, target: Target) -> Account:
    if target.list_id is not None:
        return chappe.use_cases.accounts.find(chappe.use_cases.lists.owner(target.list_id))
    return chappe.use_cases.accounts.find(target.account or "")
