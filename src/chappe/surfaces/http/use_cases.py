"""What the HTTP surface may call; built once, where everything meets."""

from dataclasses import dataclass

from chappe.manage.accounts import Accounts
from chappe.manage.balance_alerts import BalanceAlerts
from chappe.manage.campaigns import Campaigns
from chappe.manage.credits import Credits
from chappe.manage.delivery_reports import DeliveryReports
from chappe.manage.exclusions import Exclusions
from chappe.manage.invoices import Invoices
from chappe.manage.lists import Lists
from chappe.manage.lookups import Lookups
from chappe.manage.messages import Messages
from chappe.manage.profiles import Profiles
from chappe.manage.replies import Replies
from chappe.manage.retention import Retentions
from chappe.manage.senders import Senders
from chappe.manage.tokens import Tokens
from chappe.manage.webhooks import Webhooks
from chappe.pipeline.callbacks import Callbacks
from chappe.pipeline.clicks import Clicks
from chappe.pipeline.explain import Explainer
from chappe.pipeline.links import Links
from chappe.pipeline.submit import Submitter
from chappe.pipeline.submit_lists import ListSubmitter


@dataclass(frozen=True, slots=True)
class UseCases:
    """The use cases behind the API."""

    submitter: Submitter
    list_submitter: ListSubmitter
    explainer: Explainer
    links: Links
    clicks: Clicks
    callbacks: Callbacks
    campaigns: Campaigns
    messages: Messages
    replies: Replies
    delivery_reports: DeliveryReports
    credits: Credits
    webhooks: Webhooks
    tokens: Tokens
    accounts: Accounts
    profiles: Profiles
    retentions: Retentions
    balance_alerts: BalanceAlerts
    lists: Lists
    exclusions: Exclusions
    invoices: Invoices
    lookups: Lookups
    senders: Senders
