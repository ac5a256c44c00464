"""The process that talks to carriers."""

import structlog

from chappe.pipeline.gateway import Gateway
from chappe.pipeline.rules import Rules
from chappe.runtime.bootstrap import defaults_of
from chappe.runtime.process import only_one, opened_store, stopping
from chappe.runtime.settings import Settings
from chappe.store.ids import Ids

_log = structlog.get_logger("chappe.process")


async def run(settings: Settings) -> None:
    """Serve every carrier's lane until told to stop; what is in flight is waited for."""
    async with only_one(settings.database, "gateway"), opened_store(settings) as store:
        gateway = Gateway(store, Ids(), Rules(store, defaults_of(settings)), receipt_wait_s=settings.receipt_wait_s)
        with stopping(gateway.stop):
            _log.info("gateway starts")
            await gateway.run()
    _log.info("gateway stopped")
