"""The numbers and keywords at which people reach accounts, as the operator gives them."""

import structlog

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, NotFound
from chappe.domain.inbound import MAX_NUMBER, InboundNumber, read_keyword
from chappe.store import accounts, audit, inbound
from chappe.store.audit import Entry
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx
from chappe.telecom.number_input import Written, read
from chappe.telecom.numbers import normalise

_log = structlog.get_logger("chappe.numbers")


class Inbound:
    """Whose numbers and keywords are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, account: Account, number: str, keyword: str | None, actor: str) -> InboundNumber:
        """Give a number, or a keyword at it, to an account. Raises: BadData, also when it is somebody's already."""
        row = InboundNumber(
            read_number(number, account.country), read_keyword(keyword) if keyword is not None else "", account.id
        )

        def unit(tx: Tx) -> None:
            known = inbound.one(tx, row.number, row.keyword)
            if known is not None:
                owner = accounts.by_id(tx, known.account_id)
                whose = owner.email if owner else f"account {known.account_id}"
                raise BadData(f"{_said(row)} is {whose}'s already: remove it first", field="number")
            inbound.insert(tx, row, now_ms())
            audit.add(tx, Entry(now_ms(), actor, "number.add", account.id, _said(row)))

        await self._store.write(unit)
        _log.info("number given", account=account.id, keyword=row.keyword)
        return row

    async def list(self, account: Account | None = None) -> list[InboundNumber]:
        """Every number and keyword, or those of one account."""
        return await self._store.read(lambda tx: inbound.numbers(tx, account.id if account else None))

    async def remove(self, number: str, keyword: str | None, actor: str) -> InboundNumber:
        """Take a number, or a keyword at it, from its account. Raises: NotFound."""

        def unit(tx: Tx) -> InboundNumber:
            digits = number.strip().removeprefix("+")
            known = inbound.one(tx, digits, read_keyword(keyword) if keyword is not None else "")
            if known is None:
                raise NotFound(f"{number} is nobody's: `chappe number list` shows those that are", field="number")
            inbound.delete(tx, known.number, known.keyword)
            audit.add(tx, Entry(now_ms(), actor, "number.remove", known.account_id, _said(known)))
            return known

        return await self._store.write(unit)


def read_number(text: str, country: str) -> str:
    """The digits of a short code, or of a long number with its country code, as somebody of a country writes it.

    Raises: BadData.
    """
    written = read(text)
    if not isinstance(written, Written) or not 3 <= len(written.digits) <= MAX_NUMBER + 2:
        raise BadData(f"is a short code or a number like +33644630000, unlike {text!r}", field="number")
    found = normalise([text], country).e164[0]
    if found is not None:
        return found
    digits = written.digits.removeprefix("00") if not written.has_plus else written.digits
    if len(digits) > MAX_NUMBER or digits.startswith("0"):
        raise BadData(f"is a short code or a number with its country code, unlike {text!r}", field="number")
    return digits


def _said(row: InboundNumber) -> str:
    return f"{row.number} {row.keyword}".rstrip()
