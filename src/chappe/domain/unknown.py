"""What is done about messages whose end nobody told: written and never answered, or taken and never reported."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from chappe.domain.errors import BadData
from chappe.domain.plans import MARKETING

Kind = Literal["alert", "marketing"]
Does = Literal["hold", "resend", "query", "give-up"]
Verdict = Literal["wait", "resend", "give up"]

KINDS: Final[tuple[Kind, ...]] = ("alert", "marketing")
# The longest between two questions about a message.
MAX_PAUSE_S: Final = 24 * 3600
MAX_AFTER_S: Final = 7 * 24 * 3600
# Each resend may reach the person twice, each question costs the carrier: neither goes on for ever.
MAX_RESENDS: Final = 10
MAX_QUERIES: Final = 20


class UnknownPolicy(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is done about messages of one kind.

    Shape: *hold* waits for the receipt as long as any is waited for; *resend* submits what was not answered again after
           `after_s`, `times` at most; *query* asks the carrier about what it took and did not report, the first time
           after `after_s`, then in pauses that double, `times` at most; *give-up* waits for the receipt of what was
           not answered for `after_s` only.
    """

    does: Does = "hold"
    after_s: int = 0
    times: int = 0

    def __str__(self) -> str:
        after = f":{self.after_s}" if self.does != "hold" else ""
        return f"{self.does}{after}{f'x{self.times}' if self.times else ''}"


HOLD: Final = UnknownPolicy()
RESEND: Final = UnknownPolicy("resend", 60, 2)
QUERY: Final = UnknownPolicy("query", 300, 5)
GIVE_UP: Final = UnknownPolicy("give-up", 3600)
# What each means when no figures are given with it.
USUAL: Final = {policy.does: policy for policy in (HOLD, RESEND, QUERY, GIVE_UP)}
_MOST: Final = {"resend": MAX_RESENDS, "query": MAX_QUERIES}
_FORM: Final = re.compile(r"(?:(?P<kind>[a-z]+)=)?(?P<does>[a-z-]+)(?::(?P<after>\d{1,9})(?:x(?P<times>\d{1,4}))?)?")


class UnknownPolicies(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The policies of a carrier, by the kind of the message."""

    alert: UnknownPolicy = HOLD
    marketing: UnknownPolicy = HOLD

    def of(self, kind: Kind) -> UnknownPolicy:
        return self.alert if kind == "alert" else self.marketing

    @property
    def ask(self) -> bool:
        """Whether any of them asks the carrier."""
        return any(self.of(kind).does == "query" for kind in KINDS)

    def __str__(self) -> str:
        if self.alert == self.marketing:
            return str(self.alert)
        return f"alert={self.alert} marketing={self.marketing}"


EVERY_HELD: Final = UnknownPolicies()


def read_policies(texts: Iterable[str], before: UnknownPolicies) -> UnknownPolicies:
    """Change policies as an operator says it: `resend:60x2` for both kinds, `marketing=hold` for one.

    Raises: BadData.
    """
    found = before
    for text in texts:
        form = _FORM.fullmatch(text.strip().lower())
        if form is None or form["does"] not in USUAL or form["kind"] not in (None, *KINDS):
            raise BadData(
                f"is like hold, resend:60x2, query:300x5 or give-up:3600, for one kind alert=hold, not {text!r}",
                field="on_unknown",
            )
        usual = USUAL[form["does"]]
        after = int(form["after"]) if form["after"] else usual.after_s
        times = int(form["times"]) if form["times"] else usual.times
        policy = UnknownPolicy(usual.does, after, times)
        check_policy(policy)
        kinds = KINDS if form["kind"] is None else (form["kind"],)
        found = msgspec.structs.replace(found, **dict.fromkeys(kinds, policy))
    return found


def check_policy(policy: UnknownPolicy) -> None:
    """Raises: BadData when its figures are not of this world."""
    most = _MOST.get(policy.does, 0)
    if policy.does == "hold" and policy != HOLD:
        raise BadData("hold has no figures: it waits as long as any receipt is waited for", field="on_unknown")
    if policy.does != "hold" and not 1 <= policy.after_s <= MAX_AFTER_S:
        raise BadData(f"waits between 1 and {MAX_AFTER_S} seconds", field="on_unknown")
    if policy.times > most or (most and policy.times < 1):
        said = f"does it between 1 and {most} times" if most else "is done once"
        raise BadData(f"{policy.does} {said}", field="on_unknown")


@dataclass(frozen=True, slots=True)
class Unknowns:
    """The policies in force at a carrier, and what they depend on.

    Shape: a carrier that `is_idempotent` takes a submit that comes again with the same reference once: there a resend
           never reaches anybody twice.
    Units: seconds; `receipt_wait_s` is how long after the validity a receipt may still come.
    """

    policies: UnknownPolicies = EVERY_HELD
    receipt_wait_s: int = 24 * 3600
    is_idempotent: bool = False

    def of(self, priority: int) -> UnknownPolicy:
        return self.policies.of(kind_of(priority))

    def unanswered(self, priority: int) -> UnknownPolicy:
        """What is done about a submit that was not answered: nobody can be asked about it, for it has no id.

        Shape: where messages are asked about, it is sent again if that is safe, else held.
        """
        policy = self.of(priority)
        if policy.does != "query":
            return policy
        return RESEND if self.is_idempotent else HOLD

    def decides_at(self, priority: int, now: int, expires_at: int, resends: int) -> int:
        """When the outcome stops being waited for. Units: milliseconds UTC.

        Shape: a message is not sent again after its validity, and after the last resend it is held.
        """
        policy, end = self.unanswered(priority), self.ends_at(expires_at)
        soon = now + policy.after_s * 1000
        if policy.does == "resend":
            return soon if resends < policy.times and soon < expires_at else end
        return min(soon, end) if policy.does == "give-up" else end

    def verdict(self, priority: int, now: int, expires_at: int, resends: int, since: int = 0) -> Verdict:
        """What becomes of a message that was waited for until now: the policy may have changed meanwhile.

        Shape: `since` is when it became unknown; it is waited for as long as this policy says, not the one before it.
        """
        policy = self.unanswered(priority)
        if now < min(since + policy.after_s * 1000, self.ends_at(expires_at)):
            return "wait"
        if policy.does == "resend" and resends < policy.times and now < expires_at:
            return "resend"
        return "give up" if policy.does == "give-up" or now >= self.ends_at(expires_at) else "wait"

    def ends_at(self, expires_at: int) -> int:
        """Until when a receipt is waited for. Units: milliseconds UTC."""
        return expires_at + self.receipt_wait_s * 1000

    def follows(self, priority: int, resends: int, is_valid: bool = True) -> str:
        """What is going to be done about a submit that was not answered, for people."""
        policy = self.unanswered(priority)
        if policy.does == "resend" and resends < policy.times and is_valid:
            return f"sent again, {resends + 1} of {policy.times}"
        return "given up" if policy.does == "give-up" else "held for its receipt, then given up"


def kind_of(priority: int) -> Kind:
    """The kind of a message by its priority in the queue."""
    return "marketing" if priority == MARKETING else "alert"


def pause_s(policy: UnknownPolicy, asked: int) -> int:
    """How long after a question the next one is put, or after the carrier took the message the first one.

    Shape: `asked` is how many questions there were.
    Units: seconds.
    """
    return min(policy.after_s << min(asked, MAX_QUERIES), max(policy.after_s, MAX_PAUSE_S))
