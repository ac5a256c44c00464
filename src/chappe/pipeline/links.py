"""The short links of an installation: make them for messages, and find where a code leads."""

from chappe.domain.clicks import MAX_USER_AGENT, Click
from chappe.domain.links import LinkCodes, Shortener
from chappe.store import links
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store


class Links:
    """Codes both ways.

    Shape: `base` is what stands before the code in a text; `host` is the name that serves nothing but short links,
           when there is one.
    """

    def __init__(self, store: Store, base: str, host: str | None = None) -> None:
        self._store = store
        self._base = base
        self.host = host
        self._codes: LinkCodes | None = None

    async def shortener(self) -> Shortener:
        """What writes links into texts. Raises: Unavailable."""
        if self._codes is None:
            self._codes = LinkCodes(await self._store.write(links.make_secret))
        return Shortener(self._base, self._codes)

    def follow(self, code: str, user_agent: str) -> Click | None:
        """The click on a link, with where it leads; None when nothing has this code.

        Raises: Unavailable. Cost: one point look-up.
        """
        if self._codes is None:
            known = self._store.glance(links.secret)
            if known is None:
                return None
            self._codes = LinkCodes(known)
        place = self._codes.read(code)
        if place is None:
            return None
        message, position = place
        target = self._store.glance(lambda tx: links.target(tx, message, position))
        if target is None:
            return None
        agent = user_agent[:MAX_USER_AGENT]
        return Click(target.account_id, target.campaign_id, message, position, code, target.url, now_ms(), agent)
