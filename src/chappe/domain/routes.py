"""What an operator may say about which carrier gets which messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from chappe.domain.countries import countries
from chappe.domain.errors import BadData
from chappe.domain.pricing import exact_credits
from chappe.domain.requests import Kind
from chappe.domain.windows import Window, read_window, window_text
from chappe.telecom.gsm7 import Language
from chappe.telecom.networks import known

DEFAULT_RANK: Final = 100
MAX_RANK: Final = 1_000_000
MAX_WEIGHT: Final = 1_000_000
MAX_NOTE: Final = 500
# Names in one condition: more would be a table of its own.
MAX_NAMES: Final = 200
PARIS: Final = "Europe/Paris"
# A number has at most 15 digits. Source: ITU-T E.164.
_MAX_DIGITS: Final = 15


class Conditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What must hold of a message, all of it, for a route to take it; kept as JSON with the route.

    Shape: of several in a tuple one must hold. `prefixes` are first digits with the country code; `networks` are names
           of `telecom/networks`, `senders` what people see, whatever the case; an account's sub-accounts are meant
           with it. `within_price` asks that the carrier takes no more for a part than the customer pays; a cost that
           is not known is too much. `hours` as `domain/windows` reads them, on the clocks of `zone`.
    Units: thousandths of a credit for a part.
    """

    prefixes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    accounts: tuple[int, ...] = ()
    senders: tuple[str, ...] = ()
    kind: Kind | Literal[""] = ""
    max_cost_mc: int | None = None
    within_price: bool = False
    hours: str = ""
    zone: str = PARIS

    @property
    def is_about_cost(self) -> bool:
        return self.within_price or self.max_cost_mc is not None


NO_CONDITIONS: Final = Conditions()


class Route(NamedTuple):
    """One way to a carrier.

    Shape: `country` is None for every country. The lowest `rank` is tried first. `weight` is the share among equals:
           None where none was said, 0 for a route that takes only what the others cannot. A route that `is_test` takes
           no traffic but what is sent for a test.
    """

    id: int
    lane: int
    country: str | None = None
    conditions: Conditions = NO_CONDITIONS
    rank: int = DEFAULT_RANK
    weight: int | None = None
    is_test: bool = False
    note: str = ""


class Lane(NamedTuple):
    """What routes need to know of a carrier.

    Shape: `sender` is its own, empty when nobody said; `languages` are those whose tables it passes on; what is sent
           over one that `is_sandbox` goes to nobody; what may have reached one that `is_idempotent` is sent again
           over it and no other.
    """

    id: int
    name: str
    sender: str = ""
    languages: tuple[Language, ...] = ()
    is_sandbox: bool = False
    is_paused: bool = False
    is_idempotent: bool = False


def checked(route: Route) -> Route:
    """A route as it may be kept, its conditions in one spelling. Raises: BadData that says what is wrong."""
    if route.country is not None and route.country not in countries():
        raise BadData(f"there is no country {route.country!r}; two letters of ISO 3166-1, like FR", field="country")
    if not 0 <= route.rank <= MAX_RANK:
        raise BadData(f"must be between 0 and {MAX_RANK}", field="rank")
    if route.weight is not None and not 0 <= route.weight <= MAX_WEIGHT:
        raise BadData(f"must be between 0 and {MAX_WEIGHT}", field="weight")
    if len(route.note) > MAX_NOTE or not (route.note.isprintable() or not route.note):
        raise BadData(f"must be one line of at most {MAX_NOTE} characters", field="note")
    return route._replace(conditions=_checked(route.conditions))


def _checked(asked: Conditions) -> Conditions:
    for field in ("prefixes", "networks", "accounts", "senders"):
        if len(getattr(asked, field)) > MAX_NAMES:
            raise BadData(f"at most {MAX_NAMES} in one route", field=field)
    if asked.max_cost_mc is not None and asked.max_cost_mc < 0:
        raise BadData("must not be negative", field="max_cost")
    if any(not sender.strip() for sender in asked.senders):
        raise BadData("must not be empty", field="sender")
    if asked.zone not in available_timezones():
        raise BadData(f"there is no time zone {asked.zone!r}; like Europe/Paris", field="zone")
    return msgspec.structs.replace(
        asked,
        prefixes=tuple(sorted({_prefix(each) for each in asked.prefixes})),
        networks=tuple(sorted({_network(each) for each in asked.networks})),
        accounts=tuple(sorted(set(asked.accounts))),
        senders=tuple(sorted({each.strip() for each in asked.senders})),
        hours=window_text(_hours(asked.hours)) if asked.hours else "",
    )


def _prefix(text: str) -> str:
    digits = text.strip().lstrip("+")
    if not digits.isdigit() or not digits.isascii() or digits.startswith("0") or len(digits) > _MAX_DIGITS:
        raise BadData(f"must be the first digits of numbers with their country code, like 3361, not {text!r}",
                      field="prefix")  # fmt: skip
    return digits


def _network(text: str) -> str:
    name = known(text.strip())
    if name is None:
        raise BadData(f"no network is called {text.strip()!r}; `chappe route networks FR` shows the names",
                      field="network")  # fmt: skip
    return name


def _hours(text: str) -> Window:
    try:
        window = read_window(text)
    except BadData as error:
        raise BadData(error.reason, field="hours") from None
    if not window.on_holidays:
        raise BadData("holidays differ by country: name the hours only", field="hours")
    return window


class Clock:
    """The hours of a route."""

    def __init__(self, conditions: Conditions) -> None:
        self._window = read_window(conditions.hours)
        self._zone = ZoneInfo(conditions.zone)

    def is_open(self, at: int) -> bool:
        """Units: milliseconds UTC."""
        wall = datetime.fromtimestamp(at / 1000, self._zone)
        minute = wall.hour * 60 + wall.minute
        return any(start <= minute < end for start, end in self._window.hours[wall.weekday()])


def conditions_text(route: Route, account_names: Sequence[str] = ()) -> str:
    """What a route asks for, on one line; `account_names` stand for the accounts' ids."""
    asked = route.conditions
    accounts = account_names or [str(account) for account in asked.accounts]
    said = [
        route.country or "",
        _several("prefix", asked.prefixes),
        _several("network", asked.networks),
        _several("account", accounts),
        _several("sender", asked.senders),
        asked.kind,
        f"cost at most {exact_credits(asked.max_cost_mc)}" if asked.max_cost_mc is not None else "",
        "not dearer than the price" if asked.within_price else "",
        f"{asked.hours} {asked.zone}" if asked.hours else "",
    ]
    return ", ".join(filter(None, said)) or "everything"


def _several(what: str, names: Sequence[str]) -> str:
    return f"{what} {' or '.join(names)}" if names else ""
