"""What holds for an account in a country: what was set for it, else what the country's file says, else the settings.

The narrower wins: the account before its parent before the installation, and for each a country before all of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

from chappe.domain.accounts import Account
from chappe.domain.countries import Country, countries, country
from chappe.domain.country_words import name_hint
from chappe.domain.errors import BadData
from chappe.domain.legal_hours import Holidays, Window, read_window
from chappe.domain.limits import LIMIT_RULES, SendLimits, limits_of
from chappe.domain.rule_facts import fact_for
from chappe.domain.rule_table import HOLDS, other_than, read_value, rule_named
from chappe.telecom.segments import MAX_PARTS

Origin = Literal["account", "parent", "installation", "country", "default"]
_SET: Final = ("account", "parent", "installation")
EVERYBODY: Final = 0
EVERYWHERE: Final = ""
_ALWAYS: Final = "always"
# The seed's example, which belongs to somebody: an operator has a number of his own.
EXAMPLE_STOP_NUMBER: Final = "36173"


class Override(NamedTuple):
    """A rule as it was set. Shape: account EVERYBODY, country EVERYWHERE. Units: milliseconds UTC."""

    account_id: int
    country: str
    name: str
    value: str
    note: str = ""
    set_at: int = 0


class Because(NamedTuple):
    """Where a rule comes from.

    Shape: `sources` are ids of the country file's sources; `note` is the operator's or the file's.
    """

    rule: str
    value: str
    origin: Origin
    confidence: str = ""
    sources: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the settings say. Shape: `stop_text` has {number} where the number stands."""

    max_parts: int = MAX_PARTS
    default_sender: str = "Chappe"
    stop_text: str = "STOP au {number}"
    stop_number: str = EXAMPLE_STOP_NUMBER

    def fill(self, text: str) -> str:
        """A default of the table with its setting in place."""
        return str(getattr(self, text[1:-1])) if text.startswith("{") else text


@dataclass(frozen=True, slots=True)
class CountryRules:
    """Everything that decides about a message to a country.

    Shape: `window` is None when marketing may leave at any time; `dropped` finds the characters a name may not have;
           `stop_mention` is the text that tells how to opt out; `needs_mention` says whether marketing under a name
           gets it, `works_here` whether its number is one of the country's. `default_senders` are tried in turn when
           the asked one will not do; `approved` has what may be sent under although not everybody may, under each of
           its spellings as it was approved; `own_numbers` are the numbers on which the platform itself is reached
           there, `carrier_sender` is what its carrier shows for messages without a sender.
           `sender_hint` says what networks may do to names.
    Units: thousandths of a credit for a part.
    """

    country: Country
    may_send: bool
    price_mc: int
    max_parts: int
    window: Window | None
    holidays: Holidays | None
    sender: str
    dropped: Any
    sender_min: int
    sender_max: int
    sender_words: frozenset[str]
    numeric_sender: str
    default_senders: tuple[str, ...]
    approved: Mapping[str, str]
    own_numbers: frozenset[str]
    carrier_sender: str
    sender_hint: str
    needs_mention: bool
    works_here: bool
    stop_mention: str


class Rulebook:
    """The rules of an installation, as they are at one moment."""

    def __init__(
        self,
        defaults: Defaults,
        overrides: Iterable[Override] = (),
        senders: Mapping[int, Sequence[tuple[str, str]]] | None = None,
        carrier_senders: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Shape: `senders` has an account's approved names, or EVERYBODY's, with the country of each, or EVERYWHERE;
        `carrier_senders` has the own senders of the carriers that may take a country's messages, or all others'.
        """
        self._defaults = defaults
        # What another version wrote and this one cannot read must not stop what it does not concern.
        self.unreadable: list[tuple[Override, str]] = []
        self._overrides = {(each.account_id, each.country, each.name): each for each in self._readable(overrides)}
        self._senders = senders or {}
        self._carrier_senders = carrier_senders or {}
        self._limits = {key: each.value for key, each in self._overrides.items() if each.name in LIMIT_RULES}
        self._accounts: dict[int, AccountRules] = {}

    def of(self, account: Account) -> "AccountRules":
        """The rules of an account. Cost: a look-up from the second time on."""
        found = self._accounts.get(account.id)
        if found is None or found.account != account:
            found = self._accounts[account.id] = AccountRules(
                account,
                self._defaults,
                self._overrides,
                self._senders_of(account),
                self._carrier_senders,
                limits_of(account, self._limits),
            )
        return found

    def _readable(self, overrides: Iterable[Override]) -> Iterator[Override]:
        for each in overrides:
            try:
                check(each)
            except BadData as error:
                self.unreadable.append((each, str(error)))
            else:
                yield each

    def _senders_of(self, account: Account) -> list[tuple[str, str]]:
        """What the account may send under: its own before its parent's before everybody's."""
        whose = dict.fromkeys((account.id, account.parent_id or EVERYBODY, EVERYBODY))
        return [sender for each in whose for sender in self._senders.get(each, ())]


class AccountRules:
    """The rules of one account, country by country."""

    def __init__(
        self,
        account: Account,
        defaults: Defaults,
        overrides: Mapping[tuple[int, str, str], Override],
        senders: Sequence[tuple[str, str]] = (),
        carrier_senders: Mapping[str, tuple[str, ...]] | None = None,
        send_limits: tuple[SendLimits, ...] = (),
    ) -> None:
        self.account = account
        self.send_limits = send_limits
        self._defaults = defaults
        self._overrides = overrides
        self._senders = senders
        self._carrier_senders = carrier_senders or {}
        self._values: dict[tuple[str, str], Any] = {}
        self._countries: dict[str, CountryRules] = {}
        self.chosen_senders: dict[tuple[str | None, str], Any] = {}  # kept by `domain/variants.py`

    @cached_property
    def asks_a_person(self) -> bool:
        """Whether there is anything that a person is asked about before it is sent."""
        return any(self.value(rule) for rule in HOLDS)

    def value(self, name: str, code: str = EVERYWHERE) -> Any:
        """The value of a rule in a country. Cost: a look-up from the second time on."""
        key = (name, code)
        if key not in self._values:
            self._values[key] = self._read(name, code)
        return self._values[key]

    def because(self, name: str, code: str = EVERYWHERE) -> Because:
        """Where the value of a rule comes from."""
        rule = rule_named(name)
        for account, origin in self._scopes():
            for place in dict.fromkeys((code, EVERYWHERE)) if rule.has_country else (EVERYWHERE,):
                if found := self._overrides.get((account, place, name)):
                    return Because(name, found.value, origin, note=found.note)
        fact = fact_for(rule.fact, country(code)) if rule.fact and code else None
        if fact is not None:
            return Because(name, fact.value, "country", fact.confidence, fact.sources, fact.note)
        return Because(name, self._defaults.fill(rule.default), "default")

    def country(self, code: str) -> CountryRules:
        """Everything about one country. Cost: a look-up from the second time on, a file the first time."""
        found = self._countries.get(code)
        if found is None:
            found = self._countries[code] = self._country(code)
        return found

    def _scopes(self) -> list[tuple[int, Origin]]:
        scopes: list[tuple[int, Origin]] = [(self.account.id, "account")]
        if self.account.parent_id is not None:
            scopes.append((self.account.parent_id, "parent"))
        return [*scopes, (EVERYBODY, "installation")]

    def _read(self, name: str, code: str) -> Any:
        because = self.because(name, code)
        return read_value(name, because.value)

    def _country(self, code: str) -> CountryRules:
        def value(name: str) -> Any:
            return self.value(name, code)

        facts = country(code)
        number = value("stop_number")
        return CountryRules(
            country=facts,
            may_send=value("may_send"),
            price_mc=value("price"),
            max_parts=value("max_parts"),
            window=self._window(code),
            holidays=self._holidays(facts),
            sender=value("sender"),
            dropped=other_than(value("sender_characters")),
            sender_min=value("sender_min"),
            sender_max=value("sender_max"),
            sender_words=value("sender_words"),
            numeric_sender=self._numeric_sender(code),
            default_senders=self._default_senders(code),
            approved=self._approved(code),
            own_numbers=self._own_numbers(code, number),
            carrier_sender=self._carrier_sender(code),
            sender_hint=self._sender_hint(facts),
            needs_mention=value("stop_mention"),
            works_here=value("stop_mention") or self._is_set_for(code, "stop_number", "stop_text"),
            stop_mention=value("stop_text").replace("{number}", number),
        )

    def _is_set_for(self, code: str, *names: str) -> bool:
        """Whether somebody set one of the rules for this very country."""
        return any((account, code, name) in self._overrides for account, _ in self._scopes() for name in names)

    def _numeric_sender(self, code: str) -> str:
        """Where a name is mandatory a number is none, unless somebody who knows better has allowed numbers."""
        is_set = self.because("numeric_sender", code).origin in _SET
        if self.value("sender", code) == "mandatory" and not is_set:
            return "not_supported"
        return str(self.value("numeric_sender", code))

    def _default_senders(self, code: str) -> tuple[str, ...]:
        """The account's own for the country, where an empty one means none at all, else the account's.

        Where a name is mandatory the installation's come last.
        """
        default = self.value("default_sender", code)
        is_own = self.because("default_sender", code).origin in ("account", "parent")
        found = [default] if is_own else []
        if self.account.sender and default:
            found.append(self.account.sender)
        if self.value("sender", code) == "mandatory":
            found += [default, self._defaults.default_sender]
        return tuple(dict.fromkeys(filter(None, found)))

    def _approved(self, code: str) -> dict[str, str]:
        """What was approved for a country before what was approved for all."""
        here = [text for text, place in self._senders if place == code]
        here += [text for text, place in self._senders if place == EVERYWHERE]
        spelled: dict[str, str] = {}
        for text in here:
            spelled.setdefault(text.casefold(), text)
        # Registries may tell capitals from small letters: one that was approved is sent as it stands.
        return spelled | {text: text for text in here}

    def _own_numbers(self, code: str, stop_number: str) -> frozenset[str]:
        """The carriers' own numbers, and the one that STOP is sent to; none where a name must be shown."""
        if self.value("sender", code) == "mandatory":
            return frozenset()
        own = {sender for sender in self._senders_of_carriers(code) if sender.isdigit()}
        stop = stop_number.lstrip("+") if stop_number != EXAMPLE_STOP_NUMBER else ""
        return frozenset({*own, stop}) - {""}

    def _carrier_sender(self, code: str) -> str:
        """The first carrier's own, but a name where any of them has one: nobody can answer it."""
        own = self._senders_of_carriers(code)
        return next((sender for sender in own if sender and not sender.isdigit()), own[0] if own else "")

    def _senders_of_carriers(self, code: str) -> tuple[str, ...]:
        return self._carrier_senders.get(code, self._carrier_senders.get(EVERYWHERE, ()))

    def _sender_hint(self, place: Country) -> str:
        if self.because("sender", place.code).origin in _SET:
            return ""
        return name_hint(place)

    def _window(self, code: str) -> Window | None:
        text = self.value("marketing_hours", code)
        profile = country(code).profiles.get(text)
        window = profile.value if profile else text
        return None if window == _ALWAYS else read_window(window)

    def _holidays(self, facts: Country) -> Holidays | None:
        if facts.code == "FR" and self.value("alsace_moselle"):
            return Holidays("FR", "Alsace-Moselle")
        return facts.holidays


def check_country(code: str) -> None:
    """Raises: BadData for what is neither everywhere nor a country's two letters."""
    if code and code not in countries():
        raise BadData(f"there is no country {code!r}; two letters like FR", field="country")


def check(override: Override) -> None:
    """Whether a rule may be set so. Raises: BadData that says why not."""
    rule = rule_named(override.name)
    read_value(override.name, override.value)
    check_country(override.country)
    if override.country and not rule.has_country:
        raise BadData(f"{override.name} is the same in every country", field="country")
    if override.name == "marketing_hours" and override.value not in country(override.country).profiles:
        try:
            read_window(override.value)
        except BadData as error:
            raise BadData(error.reason, field=override.name) from None
