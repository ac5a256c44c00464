"""The rules as an operator sets them, each change with its reason in the audit log."""

from collections.abc import Sequence

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, NotFound
from chappe.domain.limits import LIMIT_RULES
from chappe.domain.rulebook import EVERYBODY, AccountRules, Defaults, Override, Rulebook, check
from chappe.store import audit, rules, usage
from chappe.store.audit import Entry
from chappe.store.clock import now_ms
from chappe.store.sqlite import Store, Tx

_MAX_NOTE = 500


class RuleSettings:
    """What was set for the installation and its accounts."""

    def __init__(self, store: Store, defaults: Defaults) -> None:
        self._store = store
        self._defaults = defaults

    def all(self) -> list[Override]:
        """Everything that was set."""
        return self._store.glance(rules.overrides)

    def of(self, account: Account) -> AccountRules:
        """What holds for an account at this moment."""

        def read(tx: Tx) -> Rulebook:
            return rules.rulebook(tx, self._defaults)

        return self._store.glance(read).of(account)

    async def set(self, wanted: Sequence[Override], actor: str) -> None:
        """Set some rules, all or none; from the next half second on they hold.

        Raises: BadData that says what is wrong with which.
        """
        for each in wanted:
            check(each)
            if not each.note.strip():
                raise BadData("say why: whoever reads this rule in a year will ask", field="note")
            if len(each.note) > _MAX_NOTE:
                raise BadData(f"has {len(each.note)} characters; at most {_MAX_NOTE}", field="note")
        now = now_ms()

        def unit(tx: Tx) -> None:
            for each in wanted:
                before = rules.one(tx, each.account_id, each.country, each.name)
                detail = f"{before.value if before else 'not set'} -> {each.value}"
                audit.add(tx, _entry(now, actor, "rule.set", each, detail))
            rules.put(tx, [each._replace(set_at=now) for each in wanted])
            _count_again(tx, wanted)

        await self._store.write(unit)

    async def unset(self, account: int, country: str, name: str, actor: str, note: str) -> None:
        """Let the country's file or the default hold again. Raises: NotFound when it was not set."""
        now = now_ms()

        def unit(tx: Tx) -> None:
            before = rules.one(tx, account, country, name)
            if before is None or not rules.remove(tx, account, country, name):
                raise NotFound(f"{name} is not set there", field="name")
            _count_again(tx, [before])
            audit.add(tx, _entry(now, actor, "rule.unset", before._replace(note=note), f"{before.value} -> not set"))

        await self._store.write(unit)


def _count_again(tx: Tx, changed: Sequence[Override]) -> None:
    """Let what was sent while a limit was not set count as well."""
    for account in {each.account_id for each in changed if each.name in LIMIT_RULES}:
        usage.forget(tx, None if account == EVERYBODY else account)


def _entry(at: int, actor: str, action: str, rule: Override, detail: str) -> Entry:
    account = rule.account_id if rule.account_id != EVERYBODY else None
    return Entry(at, actor, action, account, f"{rule.name} {rule.country or 'everywhere'}", detail, rule.note)
