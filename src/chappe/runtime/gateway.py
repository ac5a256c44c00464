"""The process that talks to carriers."""

import structlog

from chappe.domain.rulebook import EVERYBODY, EVERYWHERE, EXAMPLE_STOP_NUMBER
from chappe.pipeline.gateway import Gateway
from chappe.pipeline.rules import Rules
from chappe.runtime.bootstrap import defaults_of
from chappe.runtime.process import only_one, opened_store, stopping
from chappe.runtime.settings import Settings
from chappe.store import carriers, rules
from chappe.store.ids import Ids
from chappe.store.sqlite import Tx

_log = structlog.get_logger("chappe.process")


async def run(settings: Settings) -> None:
    """Serve every carrier's lane until told to stop; what is in flight is waited for."""
    async with only_one(settings.database, "gateway"), opened_store(settings) as store:
        gateway = Gateway(
            store, Ids(), Rules(store, defaults_of(settings)), receipt_wait_s=settings.receipt_wait_s,
            public_url=settings.public_url,
        )  # fmt: skip
        with stopping(gateway.stop):
            _log.info("gateway starts")
            if store.glance(lambda tx: sends_stop_to_a_stranger(tx, settings)):
                _log.warning(
                    "stop_number is still the example: set it to the number that your carrier gives you for STOP",
                    stop_number=settings.stop_number,
                )
            await gateway.run()
    _log.info("gateway stopped")


def sends_stop_to_a_stranger(tx: Tx, settings: Settings) -> bool:
    """Whether marketing would tell people in France to answer to a number that is not the operator's."""
    if settings.stop_number != EXAMPLE_STOP_NUMBER or not carriers.all_carriers(tx):
        return False
    return not any(rules.one(tx, EVERYBODY, place, "stop_number") for place in ("FR", EVERYWHERE))
