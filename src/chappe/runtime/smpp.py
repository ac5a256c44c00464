"""The process that customers bind to over SMPP."""

import asyncio
import os
import ssl
import time
from pathlib import Path

import structlog

from chappe.domain.accounts import LockRule
from chappe.domain.errors import Unavailable
from chappe.manage.bind_users import Binder
from chappe.pipeline import bound_outbox, bound_parts
from chappe.pipeline.bound_changes import BoundChanges
from chappe.pipeline.bound_outbox import DeliveryExpirer, Outbox
from chappe.pipeline.bound_parts import PartExpirer
from chappe.pipeline.bound_submit import BoundSubmitter
from chappe.pipeline.rounds import Rounds
from chappe.pipeline.rules import Rules
from chappe.runtime.bootstrap import defaults_of, submitter
from chappe.runtime.process import only_one, opened_store, stopping
from chappe.runtime.settings import Settings
from chappe.store.ids import Ids
from chappe.store.sqlite import Store
from chappe.surfaces.smpp_server import tls
from chappe.surfaces.smpp_server.customer import UseCases
from chappe.surfaces.smpp_server.server import SmppServer

_log = structlog.get_logger("chappe.process")


async def run(settings: Settings) -> None:
    """Serve customers' binds until told to stop; what they asked by then is answered."""
    async with only_one(settings.database, "smpp"), opened_store(settings) as store:
        binder = Binder(store, LockRule(settings.max_failed_logins, settings.lock_s * 1000))
        server = SmppServer(store, binder, _use_cases(settings, store), process=f"{os.getpid()}.{int(time.time())}")
        jobs = [
            Rounds("parts", PartExpirer(store, wait_s=settings.smpp_part_wait_s).once, every_s=bound_parts.EVERY_S),
            Rounds(
                "deliveries",
                DeliveryExpirer(store, keep_days=settings.smpp_delivery_keep_days).once,
                every_s=bound_outbox.EXPIRE_EVERY_S,
            ),
        ]

        def stop() -> None:
            server.stop()
            for job in jobs:
                job.stop()

        with stopping(stop):
            _log.info("smpp starts")
            async with asyncio.TaskGroup() as group:
                group.create_task(server.run(settings.smpp_host or settings.host, _ports(settings)))
                for job in jobs:
                    group.create_task(job.run())
        binder.close()
    _log.info("smpp stopped")


def _use_cases(settings: Settings, store: Store) -> UseCases:
    ids = Ids()
    accepting = submitter(settings, store, ids, Rules(store, defaults_of(settings)))
    changes = BoundChanges(store, accepting)
    return UseCases(BoundSubmitter(store, ids, accepting, changes), changes, Outbox(store))


def _ports(settings: Settings) -> list[tuple[int, ssl.SSLContext | None]]:
    """The ports to open; one whose certificate cannot be used is said to be closed, and the other opens."""
    ports: list[tuple[int, ssl.SSLContext | None]] = []
    if settings.smpp_port:
        ports.append((settings.smpp_port, None))
    if settings.smpp_tls_port and settings.smpp_tls_certificate:
        certificate, key, ca = (
            Path(each) if each else None
            for each in (settings.smpp_tls_certificate, settings.smpp_tls_key, settings.smpp_tls_client_ca)
        )
        try:
            ports.append((settings.smpp_tls_port, tls.context(certificate or Path(), key, ca)))
        except Unavailable as error:
            _log.error("no SMPP over TLS", reason=str(error))
    return ports
