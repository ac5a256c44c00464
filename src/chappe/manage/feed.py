"""The news of an installation as lines to read: what was accepted, submitted, delivered, clicked, answered."""

from chappe.domain.delay import paris_text
from chappe.domain.lifecycle import Dlr, State
from chappe.domain.pricing import cost_credits
from chappe.store import feed
from chappe.store.clock import now_ms
from chappe.store.feed import CampaignNews, MessageNews
from chappe.store.replies import ReplyState
from chappe.store.sqlite import Store, Tx

MAX_WATCHED = 200
_REPLIES = {
    "stop": "somebody opted out",
    "start": "somebody opted in again",
    "contact": "somebody asked who writes",
    "reply": "somebody replied",
}


class Feed:
    """Follows every campaign that is not finished when the feed is opened, or begins later."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._after = store.glance(feed.newest)
        self._after_reply = store.glance(feed.newest_reply)
        self._after_click = store.glance(feed.newest_click)
        # Their ids are older than those of what was accepted meanwhile.
        self._preparing = store.glance(feed.preparing)
        # Those of an earlier start that are not finished.
        self._watched: dict[int, CampaignNews | None] = dict.fromkeys(store.glance(feed.unfinished))
        self._messages: dict[int, MessageNews] = {}

    def news(self) -> list[str]:
        """What has happened since the last call."""
        return self._store.glance(self._news)

    def _news(self, tx: Tx) -> list[str]:
        lines = []
        late, self._preparing = self._preparing, feed.preparing(tx)
        for found in feed.since(tx, self._after, late, MAX_WATCHED):
            self._after = max(self._after, found.id)
            lines.append(_accepted(found))
            if (text := feed.linked_text(tx, found.id)) is not None:
                lines.append(f"ticket {found.id}: reads {text!r}")
            if found.open and len(self._watched) < MAX_WATCHED:
                self._watched[found.id] = None
        for ticket, before in list(self._watched.items()):
            now = feed.campaign(tx, ticket)
            if now.sent == 1:
                lines += self._message_lines(tx, now)
            elif now != before:
                lines += _campaign_lines(now)
            self._watched[ticket] = now
            if not now.open:
                del self._watched[ticket]
                self._messages.pop(ticket, None)
        for click in feed.clicks(tx, self._after_click, MAX_WATCHED):
            self._after_click = click.id
            device = " ".join(filter(None, (click.brand, click.model, click.os))) or "an unknown device"
            lines.append(f"ticket {click.campaign_id}: link {click.position + 1} followed from {device}")
        return lines + self._reply_lines(tx)

    def _reply_lines(self, tx: Tx) -> list[str]:
        lines = []
        for reply in feed.replies_since(tx, self._after_reply, MAX_WATCHED):
            if reply.state == ReplyState.STORED:  # its owner is not found yet, or its other parts have not come
                break
            self._after_reply = reply.id
            if reply.campaign_id is not None:
                lines.append(f"ticket {reply.campaign_id}: {_REPLIES[reply.kind or '']} (reply {reply.id})")
            elif reply.state == ReplyState.DELIVERED:
                lines.append(f"{_REPLIES[reply.kind or '']}, without a campaign (reply {reply.id})")
            elif reply.state == ReplyState.NOBODYS:
                lines.append(f"reply {reply.id}: nobody wrote to its sender")
        return lines

    def _message_lines(self, tx: Tx, campaign: CampaignNews) -> list[str]:
        before = self._messages.get(campaign.id, MessageNews(State.ACCEPTED, Dlr.NOT_SENT, None, None))
        now = self._messages[campaign.id] = feed.message(tx, campaign.first_message_id)
        lines = []
        if now.refs and now.refs != before.refs:
            lines.append(f"ticket {campaign.id}: submitted, carrier {now.carrier} took it as {now.refs}")
        if now.state not in (before.state, State.SENT):
            lines.append(f"ticket {campaign.id}: {State(now.state).name.lower()} ({now.dlr} {Dlr(now.dlr).name})")
        return lines


def _accepted(found: CampaignNews) -> str:
    line = f"ticket {found.id}: accepted {found.sent} of {found.total}, {cost_credits(found.cost_mc)} credit(s)"
    if found.sent and found.send_at > now_ms():
        return f"{line}, leaves from {paris_text(found.send_at)} in Paris on"
    return line


def _campaign_lines(now: CampaignNews) -> list[str]:
    final = now.sent - now.open
    if not final:
        return []
    failed = now.failed + now.expired + now.network_error
    return [f"ticket {now.id}: {final} of {now.sent} final, {now.delivered} delivered, {failed} not"]
