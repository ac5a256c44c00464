"""The only place where everything meets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chappe.domain.accounts import LockRule
from chappe.domain.invoices import Terms
from chappe.domain.plans import Limits
from chappe.domain.rulebook import Defaults
from chappe.manage.accounts import Accounts
from chappe.manage.balance_alerts import BalanceAlerts
from chappe.manage.bind_users import BindUsers
from chappe.manage.campaigns import Campaigns
from chappe.manage.carriers import Carriers
from chappe.manage.credits import Credits
from chappe.manage.delivery_reports import DeliveryReports
from chappe.manage.exclusions import Exclusions
from chappe.manage.http_carriers import HttpCarriers
from chappe.manage.inbound import Inbound
from chappe.manage.invoices import Invoices
from chappe.manage.lists import Lists
from chappe.manage.lookups import Lookups
from chappe.manage.messages import Messages
from chappe.manage.moderation import Moderation
from chappe.manage.privacy import Privacy
from chappe.manage.profiles import Profiles
from chappe.manage.replies import Replies
from chappe.manage.retention import Retentions
from chappe.manage.routes import Routes
from chappe.manage.rules import RuleSettings
from chappe.manage.senders import Senders
from chappe.manage.tokens import Tokens
from chappe.manage.unknowns import UnknownMessages
from chappe.manage.webhooks import Webhooks
from chappe.pipeline.callbacks import Callbacks
from chappe.pipeline.clicks import Clicks
from chappe.pipeline.contact_answers import ContactAnswers
from chappe.pipeline.enqueue import Enqueuer
from chappe.pipeline.explain import Explainer
from chappe.pipeline.links import Links
from chappe.pipeline.moderate import Moderator
from chappe.pipeline.receive import Receiver
from chappe.pipeline.route_test import RouteTester
from chappe.pipeline.rules import Rules
from chappe.pipeline.settle import Settler
from chappe.pipeline.submit import Submitter
from chappe.pipeline.submit_lists import ListSubmitter
from chappe.runtime.settings import Settings
from chappe.store.ids import Ids
from chappe.store.migrations import migrate
from chappe.store.sqlite import Store
from chappe.surfaces.http.use_cases import UseCases


@dataclass(frozen=True, slots=True)
class Chappe:
    """An opened installation: its store and its use cases."""

    settings: Settings
    store: Store
    ids: Ids
    use_cases: UseCases
    carriers: Carriers
    routes: Routes
    http_carriers: HttpCarriers
    rules: RuleSettings
    privacy: Privacy
    moderation: Moderation
    unknown_messages: UnknownMessages
    settler: Settler
    binds: BindUsers
    inbound: Inbound


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Chappe]:
    """Open the installation's database, created or upgraded when needed.

    Raises: Unavailable when it cannot be opened.
    """
    migrate(settings.database)
    store, ids = Store(settings.database), Ids()
    use_cases = wire(settings, store, ids)
    try:
        yield Chappe(
            settings=settings,
            store=store,
            ids=ids,
            use_cases=use_cases,
            carriers=Carriers(store, ids),
            routes=Routes(store, ids),
            http_carriers=HttpCarriers(store, ids),
            rules=RuleSettings(store, defaults_of(settings)),
            privacy=Privacy(store, ids, receiver(settings, store, ids, Rules(store, defaults_of(settings)))),
            moderation=moderation_of(settings, store, ids),
            unknown_messages=UnknownMessages(store, receipt_wait_s=settings.receipt_wait_s),
            settler=Settler(store, ids),
            binds=BindUsers(store),
            inbound=Inbound(store),
        )
    finally:
        await use_cases.clicks.close()
        use_cases.accounts.close()
        await use_cases.lookups.close()
        await store.close()


def wire(settings: Settings, store: Store, ids: Ids) -> UseCases:
    """The use cases on a database."""
    rules = Rules(store, defaults_of(settings))
    rule = LockRule(settings.max_failed_logins, settings.lock_s * 1000)
    return UseCases(
        submitter=submitter(settings, store, ids, rules),
        list_submitter=ListSubmitter(store, ids, _limits(settings), links_of(settings, store), rules),
        explainer=Explainer(store, _limits(settings), links_of(settings, store), rules),
        links=links_of(settings, store),
        clicks=Clicks(store, ids),
        callbacks=Callbacks(store),
        campaigns=Campaigns(store),
        messages=Messages(store, defaults_of(settings)),
        replies=Replies(store),
        delivery_reports=DeliveryReports(store),
        credits=Credits(store),
        webhooks=Webhooks(store, ids),
        tokens=Tokens(store, ids),
        accounts=Accounts(store, ids, rule),
        profiles=Profiles(store, rule),
        retentions=Retentions(store),
        balance_alerts=BalanceAlerts(store),
        lists=Lists(store, ids),
        exclusions=Exclusions(store),
        invoices=Invoices(store, terms_of(settings)),
        lookups=Lookups(store, ids),
        senders=Senders(store, ids, defaults_of(settings)),
    )


def moderation_of(settings: Settings, store: Store, ids: Ids) -> Moderation:
    """The campaigns that wait for a person, for who decides about them."""
    enqueuer = Enqueuer(store, Rules(store, defaults_of(settings)), validity_s=settings.validity_s)
    return Moderation(store, moderator_of(settings, store, ids, enqueuer))


def moderator_of(settings: Settings, store: Store, ids: Ids, enqueuer: Enqueuer) -> Moderator:
    """What carries out decisions about campaigns that are held."""
    return Moderator(store, ids, enqueuer, validity_s=settings.validity_s, moderation_days=settings.moderation_days)


def terms_of(settings: Settings) -> Terms:
    """How credits are sold here."""
    return Terms(
        credit_price=settings.credit_price,
        currency=settings.currency,
        vat_percent=settings.vat_percent,
        issuer=settings.invoice_issuer,
        prefix=settings.invoice_prefix,
    )


def submitter(settings: Settings, store: Store, ids: Ids, rules: Rules) -> Submitter:
    """What accepts messages, within the limits and the rules of this installation."""
    return Submitter(store, ids, _limits(settings), links_of(settings, store), rules)


def route_tester(chappe: Chappe) -> RouteTester:
    """What sends a test through one carrier."""
    rules = Rules(chappe.store, defaults_of(chappe.settings))
    return RouteTester(chappe.store, chappe.ids, _limits(chappe.settings), rules)


def receiver(settings: Settings, store: Store, ids: Ids, rules: Rules) -> Receiver:
    """What gives replies to their owners, and answers those who ask whom messages are from."""
    answers = ContactAnswers(store, rules, submitter(settings, store, ids, rules))
    return Receiver(
        store, ids, rules, answers,
        window_days=settings.reply_window_days, parts_wait_s=settings.reply_parts_wait_s,
    )  # fmt: skip


def defaults_of(settings: Settings) -> Defaults:
    """What the settings say where no rule was set."""
    return Defaults(settings.max_parts, settings.default_sender, settings.stop_text, settings.stop_number)


def _limits(settings: Settings) -> Limits:
    return Limits(settings.max_recipients, settings.validity_s, settings.max_list_recipients)


def links_of(settings: Settings, store: Store) -> Links:
    """The short links of this installation."""
    return Links(store, settings.links_base, settings.links_host)
