"""Read the numbers and fields of many people without holding up everybody else."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from chappe.domain.accounts import Account
from chappe.domain.contacts import Readings, read_contacts
from chappe.domain.personalize import Infos

# Rows from which reading takes long enough to be worth a thread.
LARGE: Final = 2000


async def readings(
    numbers: Sequence[str], infos: Sequence[Infos | None], account: Account, *, is_any_line: bool = False
) -> Readings:
    """What the rows are to this account. Shape: as `domain/contacts.py` reads them."""
    read = partial(read_contacts, numbers, infos, account.country, is_any_line=is_any_line)
    return read() if len(numbers) < LARGE else await asyncio.to_thread(read)
