"""What the decision costs, in process: personal marketing over five countries, and single sends."""

import time
from typing import Final

from chappe.domain.accounts import Account
from chappe.domain.legal_hours import LegalHours
from chappe.domain.plans import Limits
from chappe.domain.requests import SubmitRequest
from chappe.domain.rulebook import AccountRules, Defaults, Rulebook
from chappe.domain.submission import plan
from tests.load.meter import Meter
from tests.load.rig import Stuck
from tests.routings import routes_to

_SHOP: Final = Account(1, 1, None, "shop@example.org", "FR", None)
_LIMITS, _ROUTES = Limits(), routes_to({}, 5)
_NIGHT: Final = 1_937_000_000_000  # 2031-05-20 01:33:20 in Paris: everything has to be planned
# A mobile number of France, Belgium, Switzerland, Germany, Italy: the start and how many digits follow.
_PLANS: Final = (("+3361", 7), ("+3247", 7), ("+4179", 7), ("+49151", 8), ("+3934", 8))
_TEXT: Final = "Hello [info1], our sale begins today at ten, only for you and [info2]. See you in the shop!"
_SINGLES: Final = 5_000


def measure(recipients: int) -> tuple[dict[str, float], float]:
    """Figures of planning so many recipients, and what others took of a core meanwhile. Units: as the names say."""
    rules, hours = Rulebook(Defaults()).of(_SHOP), LegalHours()
    campaign = _campaign(recipients)
    meter = Meter({}).start()
    figures = {
        f"s of CPU, {recipients:,} personal marketing texts, first time": _cpu_s(campaign, rules, hours),
        "s of CPU, the same again": _cpu_s(campaign, rules, hours),
    }
    for kind, name in (("alert", "an alert"), ("marketing", "a marketing message")):
        one = SubmitRequest("Hello there", ["+33612345678"], kind, "MyClub")  # type: ignore[arg-type]
        began = time.process_time()
        for _ in range(_SINGLES):
            plan(one, rules, _ROUTES, _LIMITS, _NIGHT, hours=hours)
        figures[f"µs of CPU, {name} to one number"] = (time.process_time() - began) / _SINGLES * 1e6
    return figures, meter.stop().foreign_share


def _campaign(recipients: int) -> SubmitRequest:
    numbers = [f"{start}{i:0{digits}d}" for i in range(recipients // len(_PLANS)) for start, digits in _PLANS]
    infos = [(f"Ana{i}", "Li", None, None) for i in range(len(numbers))]
    return SubmitRequest(_TEXT, numbers, "marketing", "MyClub", infos=list(infos))


def _cpu_s(request: SubmitRequest, rules: AccountRules, hours: LegalHours) -> float:
    began = time.process_time()
    made = plan(request, rules, _ROUTES, _LIMITS, _NIGHT, hours=hours)
    took = time.process_time() - began
    if len(made.numbers) != len(request.numbers):
        raise Stuck(f"{len(made.numbers)} of {len(request.numbers)} were planned")
    return took
