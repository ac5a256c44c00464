"""The process that posts webhooks and ends what is overdue."""

import asyncio

import structlog

from chappe.carriers.guarded_http import guarded_session
from chappe.pipeline.expire import Expirer
from chappe.pipeline.notify import USER_AGENT, Notifier
from chappe.runtime.process import only_one, opened_store, stopping
from chappe.runtime.settings import Settings
from chappe.store.ids import Ids

_log = structlog.get_logger("chappe.process")


async def run(settings: Settings) -> None:
    """Do the jobs until told to stop; posts on their way are waited for."""
    session = guarded_session(settings.webhook_allow_networks, user_agent=USER_AGENT)
    async with only_one(settings.database, "worker"), opened_store(settings) as store, session:
        notifier = Notifier(store, session)
        expirer = Expirer(store, Ids(), receipt_wait_s=settings.receipt_wait_s)
        ending: list[asyncio.Task[None]] = []

        def stop() -> None:
            expirer.stop()
            ending.append(asyncio.create_task(notifier.stop()))

        with stopping(stop):
            _log.info("worker starts")
            async with asyncio.TaskGroup() as group:
                group.create_task(notifier.run())
                group.create_task(expirer.run())
        await asyncio.gather(*ending)
    _log.info("worker stopped")
