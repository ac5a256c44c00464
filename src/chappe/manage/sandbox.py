"""The carrier of demo accounts, which is there once there is such an account."""

from itertools import chain, count
from typing import Final

import structlog

from chappe.carriers.kinds import encode_options
from chappe.carriers.sandbox import WINDOW, SandboxOptions
from chappe.store import carriers, rules
from chappe.store.carriers import CarrierRow
from chappe.store.ids import Ids
from chappe.store.sqlite import Tx

_log = structlog.get_logger("chappe.carriers")

KIND: Final = "sandbox"


def ensure_sandbox(tx: Tx, ids: Ids, now: int) -> None:
    """Set up the carrier of demo accounts unless there is one; a running gateway serves it within a second or two."""
    known = carriers.all_carriers(tx)
    if any(row.kind == KIND for row in known):
        return
    taken = {row.name for row in known}
    names = chain([KIND], (f"{KIND}-{number}" for number in count(2)))
    name = next(name for name in names if name not in taken)
    row = CarrierRow(
        ids.take(tx, "carrier"), name, "", 0, "", "", False, 1, WINDOW, 0, encode_options(SandboxOptions()), KIND
    )
    carriers.insert(tx, row, now)
    rules.changed(tx)
    _log.info("carrier added", carrier=name, id=row.id)
