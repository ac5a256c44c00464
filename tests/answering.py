"""The job that gives replies to their owners, with everything that it needs."""

from chappe.domain.plans import Limits
from chappe.domain.rulebook import Defaults
from chappe.pipeline.contact_answers import ContactAnswers
from chappe.pipeline.links import Links
from chappe.pipeline.receive import Receiver
from chappe.pipeline.rules import Rules
from chappe.pipeline.submit import Submitter
from chappe.store.ids import Ids
from chappe.store.sqlite import Store


def receiver(store: Store, ids: Ids) -> Receiver:
    """The job as the worker has it, with the default settings."""
    rules = Rules(store, Defaults())
    submitter = Submitter(store, ids, Limits(), Links(store, "sms.example"), rules)
    return Receiver(store, ids, rules, ContactAnswers(store, rules, submitter), window_days=30, parts_wait_s=3600)
