"""The process that posts webhooks and does what is done in rounds."""

import asyncio

import structlog

from chappe.carriers.guarded_http import guarded_session
from chappe.manage import lookups
from chappe.manage.lookups import Lookups
from chappe.pipeline import (
    balance_alerts,
    enqueue,
    expire,
    failover,
    mailer,
    moderate,
    quotas,
    receive,
    retain,
    sweep_lists,
)
from chappe.pipeline.balance_alerts import Alerter
from chappe.pipeline.enqueue import Enqueuer
from chappe.pipeline.expire import Expirer
from chappe.pipeline.failover import Failover
from chappe.pipeline.lane_health import COMPACT_EVERY_S, Compactor
from chappe.pipeline.mailer import Mailer
from chappe.pipeline.notify import USER_AGENT, Notifier
from chappe.pipeline.quotas import Pruner
from chappe.pipeline.retain import Retainer
from chappe.pipeline.rounds import Rounds
from chappe.pipeline.rules import Rules
from chappe.pipeline.sweep_lists import ListSweeper
from chappe.runtime.bootstrap import defaults_of, moderator_of, receiver, submitter
from chappe.runtime.process import only_one, opened_store, stopping
from chappe.runtime.settings import Settings
from chappe.store.ids import Ids
from chappe.store.sqlite import Store

_log = structlog.get_logger("chappe.process")


async def run(settings: Settings) -> None:
    """Do the jobs until told to stop; posts on their way are waited for."""
    session = guarded_session(settings.webhook_allow_networks, user_agent=USER_AGENT)
    async with only_one(settings.database, "worker"), opened_store(settings) as store, session:
        notifier = Notifier(store, session)
        jobs = _jobs(settings, store, Ids())
        ending: list[asyncio.Task[None]] = []

        def stop() -> None:
            for job in jobs:
                job.stop()
            ending.append(asyncio.create_task(notifier.stop()))

        with stopping(stop):
            _log.info("worker starts")
            async with asyncio.TaskGroup() as group:
                group.create_task(notifier.run())
                for job in jobs:
                    group.create_task(job.run())
        await asyncio.gather(*ending)
    _log.info("worker stopped")


def _jobs(settings: Settings, store: Store, ids: Ids) -> list[Rounds]:
    """Everything that is done in rounds."""
    expirer = Expirer(store, ids, receipt_wait_s=settings.receipt_wait_s)
    retainer = Retainer(store, event_keep_days=settings.event_keep_days)
    rules = Rules(store, defaults_of(settings))
    alerter = Alerter(store, ids, submitter(settings, store, ids, rules))
    enqueuer = Enqueuer(store, rules, validity_s=settings.validity_s)
    moderator = moderator_of(settings, store, ids, enqueuer)
    sender = Mailer(store, settings.mail_server)
    return [
        Rounds("replies", receiver(settings, store, ids, rules).once, every_s=receive.EVERY_S),
        Rounds("expire", expirer.once, every_s=expire.EVERY_S),
        Rounds("failover", Failover(store).once, every_s=failover.EVERY_S),
        Rounds("retain", retainer.round, every_s=retain.EVERY_S),
        Rounds("balance alerts", alerter.once, every_s=balance_alerts.EVERY_S),
        Rounds("mail", sender.once, every_s=mailer.EVERY_S),
        Rounds("enqueue", enqueuer.once, every_s=enqueue.EVERY_S),
        Rounds("moderation", moderator.once, every_s=moderate.EVERY_S),
        Rounds("abandoned look-ups", Lookups(store, ids).settle_abandoned, every_s=lookups.EVERY_S),
        Rounds("carrier figures", Compactor(store).once, every_s=COMPACT_EVERY_S),
        Rounds("past counts", Pruner(store).once, every_s=quotas.PRUNE_EVERY_S),
        Rounds("sweep lists", ListSweeper(store).once, every_s=sweep_lists.EVERY_S),
    ]
