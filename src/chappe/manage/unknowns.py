"""Messages whose outcome is unknown, as the operator watches them."""

from dataclasses import dataclass

from chappe.carriers.kinds import decode_options
from chappe.domain.errors import NotFound
from chappe.domain.privacy import ERASED
from chappe.domain.unknown import Kind, Unknowns, kind_of
from chappe.store import carriers, unknowns
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx
from chappe.store.unknowns import OpenUnknown


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message that was written to a carrier and never answered.

    Shape: `number` has its last four digits covered; `policy` is the carrier's for its kind, `next` what is going to
           be done by it, at `decides_at`.
    Units: milliseconds UTC.
    """

    id: int
    carrier: str | None
    account_id: int
    kind: Kind
    number: str
    country: str
    since: int | None
    resends: int
    policy: str
    next: str
    decides_at: int
    expires_at: int


class UnknownMessages:
    """What is unknown now, and what will become of it."""

    def __init__(self, store: Store, *, receipt_wait_s: int) -> None:
        self._store = store
        self._receipt_wait_s = receipt_wait_s

    async def list(self, carrier: str | None, older_s: int | None, limit: int) -> list[UnknownMessage]:
        """The unknown messages, the next to be decided about first; of one carrier, and of those at least so old.

        Raises: NotFound.
        """

        def query(tx: Tx) -> list[UnknownMessage]:
            rows = carriers.all_carriers(tx)
            named = {row.name: row.id for row in rows}
            if carrier is not None and carrier not in named:
                raise NotFound(f"there is no carrier {carrier}", field="carrier")
            known = {row.id: self._policies(row.kind, row.options) for row in rows}
            before = None if older_s is None else now_ms() - older_s * 1000
            found = unknowns.open_unknowns(tx, named[carrier] if carrier else None, before, limit)
            return [_message(each, known.get(each.carrier_id)) for each in found]

        return await self._store.read(query)

    def _policies(self, kind: str, options: str) -> Unknowns:
        found = decode_options(kind, options)
        return Unknowns(found.unknown, self._receipt_wait_s, found.is_idempotent)


def _message(each: OpenUnknown, known: Unknowns | None) -> UnknownMessage:
    number = str(each.number)
    follows = "given up: its carrier was removed"
    if known is not None:
        follows = known.follows(each.priority, each.resends, each.decides_at < each.expires_at)
        if each.carrier_refs and known.of(each.priority).does == "query":
            follows += "; the carrier is asked about the parts it took"
    return UnknownMessage(
        id=each.message_id,
        carrier=each.carrier,
        account_id=each.account_id,
        kind=kind_of(each.priority),
        number="erased" if each.number == ERASED else f"{number[:-4]}****",
        country=each.country,
        since=each.since,
        resends=each.resends,
        policy=str(known.of(each.priority)) if known else "-",
        next=follows,
        decides_at=each.decides_at,
        expires_at=each.expires_at,
    )
