"""Every route of the wire API.

All of them need an account: a handler gets a `Call`, and there is no `Call` without one.
"""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from msgspec import Struct

from chappe.surfaces.http.smsfactor import (
    accounts,
    campaigns,
    exclusions,
    explain,
    invoices,
    legacy,
    lists,
    lookups,
    messages,
    notification,
    replies,
    retention,
    send,
    senders,
    tokens,
    webhooks,
)
from chappe.surfaces.http.smsfactor import credits as balance
from chappe.surfaces.http.smsfactor.answers import Answer, File
from chappe.surfaces.http.smsfactor.call import Call
from chappe.surfaces.http.smsfactor.query import QueryField
from chappe.surfaces.http.smsfactor.send_document import ExplainDocument, SendDocument, SendListsDocument

Handler = Callable[[Call], Awaitable[Answer | File]]


class Route(NamedTuple):
    """One call of the API. Its description (`openapi.py`) is made from this row and its handler.

    Shape: `:id` stands for one segment of the path; `query` are the fields that are read from the query, `document`
           is the type of the body; the handler's first line says what the call is for, what it returns is the answer.
           `may_log_in` where an old client writes user name and password into the query; `is_ours` for what the
           vendor's API does not have. `takes_key` where an Idempotency-Key makes a repeated request harmless;
           `speaks_only_xml` where the answer is XML whatever the caller accepts; `file_type` is the media type of an
           answer that is a `File`.
    """

    method: str
    path: str
    handler: Handler
    query: tuple[QueryField, ...] = ()
    document: type[Struct] | None = None
    may_log_in: bool = False
    is_ours: bool = False
    takes_key: bool = False
    speaks_only_xml: bool = False
    file_type: str = ""


class Match(NamedTuple):
    """A route and what stands at its `:id`."""

    route: Route
    place: str


ROUTES: Final = (
    Route("GET", "/send", send.get, query=send.QUERY, may_log_in=True, takes_key=True),
    Route("POST", "/send", send.post, document=SendDocument, takes_key=True),
    Route("GET", "/send/simulate", send.simulate_get, query=send.QUERY, may_log_in=True),
    Route("POST", "/send/simulate", send.simulate_post, document=SendDocument),
    Route("POST", "/send/lists", send.lists, document=SendListsDocument, takes_key=True),
    Route("POST", "/send/lists/simulate", send.simulate_lists, document=SendListsDocument),
    Route("POST", "/explain", explain.post, document=ExplainDocument, is_ours=True),
    Route("DELETE", "/send/:id", send.cancel),
    Route("GET", "/campaigns", campaigns.history, query=campaigns.QUERY),
    Route("GET", "/campaign/:id", campaigns.one),
    Route("GET", "/campaign/:id/blacklist", replies.stops, query=replies.CAMPAIGN_QUERY),
    Route("GET", "/campaign/:id/npai", replies.npai, query=replies.CAMPAIGN_QUERY),
    Route("PUT", "/campaign/:id/npai", replies.blacklist_npai),
    Route("GET", "/campaign/:id/mo", replies.of_campaign, query=replies.CAMPAIGN_QUERY),
    Route("GET", "/messages", messages.find, query=messages.QUERY),
    Route("GET", "/messages/mo", replies.find, query=replies.QUERY),
    Route("GET", "/credits", balance.get),
    Route("POST", "/token", tokens.create, document=tokens.TokenDocument),
    Route("GET", "/token", tokens.all_of_account),
    Route("GET", "/token/:id", tokens.one),
    Route("DELETE", "/token/:id", tokens.delete),
    Route("POST", "/token/account/:id", tokens.create_for_child, document=tokens.TokenDocument),
    Route("POST", "/webhook", webhooks.create, document=webhooks.WebhookDocument),
    Route("GET", "/webhook", webhooks.all_of_account),
    Route("PUT", "/webhook/:id", webhooks.update, document=webhooks.WebhookDocument),
    Route("DELETE", "/webhook/:id", webhooks.delete),
    Route("PUT", "/webhook/:id/status", webhooks.set_status, document=webhooks.WebhookDocument),
    Route("GET", "/account", accounts.own),
    Route("POST", "/account", accounts.create, document=accounts.AccountDocument),
    Route("GET", "/sub-accounts", accounts.children),
    Route("GET", "/sub-accounts/:id", accounts.child),
    Route(
        "POST",
        "/sub-accounts/:id/credits",
        accounts.share,
        document=accounts.CreditsDocument,
        is_ours=True,
        takes_key=True,
    ),
    Route("GET", "/account/:id/unlock", accounts.unlock),
    Route("GET", "/retention", retention.get),
    Route("PUT", "/retention", retention.update, document=retention.RetentionDocument),
    Route("GET", "/notification/balance", notification.get),
    Route("PUT", "/notification/balance", notification.update, document=notification.NotificationDocument),
    Route("POST", "/list", lists.fill, document=lists.ListDocument),
    Route("GET", "/lists", lists.all_of_account),
    Route("GET", "/list/:id", lists.one, query=lists.QUERY),
    Route("DELETE", "/list/:id", lists.delete),
    Route("PUT", "/list/deduplicate/:id", lists.deduplicate),
    Route("PUT", "/deduplicate/:id", lists.deduplicate),  # as an older client calls it
    Route("PUT", "/list/:id/npai/clear", lists.clear_npai),
    Route("PUT", "/list/contact/:id", lists.update_contact, document=lists.ContactDocument),
    Route("DELETE", "/list/contact/:id", lists.delete_contact),
    Route("GET", "/blacklist", exclusions.blacklist, query=exclusions.QUERY),
    Route("POST", "/blacklist", exclusions.add_to_blacklist, document=exclusions.BlacklistDocument),
    Route("DELETE", "/blacklist/contact/:id", exclusions.remove_from_blacklist),
    Route("GET", "/npai", exclusions.npai, query=exclusions.QUERY),
    Route("POST", "/npai", exclusions.add_to_npai, document=exclusions.NpaiDocument),
    Route("DELETE", "/npai/contact/:id", exclusions.remove_from_npai, is_ours=True),
    Route("POST", "/lookup", lookups.ask, document=lookups.LookupDocument),
    Route("GET", "/lookup", lookups.find, query=lookups.QUERY, is_ours=True),
    Route("POST", "/sender", senders.register, document=senders.SenderDocument, is_ours=True),
    Route("GET", "/sender", senders.all_of_account, is_ours=True),
    Route("DELETE", "/sender/:id", senders.withdraw, is_ours=True),
    Route("GET", "/account/invoice", invoices.all_of_account),
    Route("GET", "/account/invoice/:id", invoices.one),
    Route("GET", "/account/invoice/:id/download", invoices.download, file_type="application/pdf"),
    Route("POST", "/", legacy.send_xml, document=SendDocument, takes_key=True),
    Route("POST", "/dr", legacy.reports, query=legacy.QUERY, document=legacy.ReportDocument, speaks_only_xml=True),
)

_BY_CALL: Final = {(route.method, route.path): route for route in ROUTES}
_MAX_SEGMENTS: Final = 4


def match(method: str, path: str) -> Match | None:
    """The route of a call, None when there is none; doubled and trailing slashes do not matter."""
    if route := _BY_CALL.get((method, path)):
        return Match(route, "")
    segments = [segment for segment in path.split("/") if segment]
    if len(segments) > _MAX_SEGMENTS:
        return None
    if route := _BY_CALL.get((method, "/" + "/".join(segments))):
        return Match(route, "")
    for index in range(1, len(segments)):
        pattern = [*segments[:index], ":id", *segments[index + 1 :]]
        if route := _BY_CALL.get((method, "/" + "/".join(pattern))):
            return Match(route, segments[index])
    return None
