"""The settings that every carrier has, and how a setting says what it is for.

A setting is a field of a struct: its type and limits are checked when it is set, its words stand in
`chappe carrier options` and docs/carrier-options.md.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from chappe.domain.lane_health import USUAL, Thresholds
from chappe.domain.unknown import EVERY_HELD, UnknownPolicies
from chappe.telecom.gsm7 import Language
from chappe.telecom.receipts import IdForms

Group = Literal[
    "connection", "security", "addresses", "text", "submits", "receipts", "answers", "health", "look-ups", "vendor"
]


def says(group: Group, words: str, *, is_live: bool = True, is_file: bool = False, **limits: Any) -> msgspec.Meta:
    """What a setting is for.

    Shape: `is_live` when a change needs no new connection; `is_file` when it names a file; the limits are msgspec's.
    """
    return msgspec.Meta(description=words, extra={"group": group, "live": is_live, "file": is_file}, **limits)


class CarrierOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What every carrier has, kept as JSON with it.

    Shape: `sender` is used when the customer gives none, several separated by commas are a pool;
           `unknown` is what is done about messages whose end nobody told; `receipt_errors` is what error codes of
           failed messages mean, as delivery statuses, the codes without leading zeros.
    """

    sender: Annotated[
        str,
        says(
            "addresses",
            "sender of messages that have none; several numbers, separated by commas, are a pool of which each person"
            " always sees the same one",
        ),
    ] = ""
    national_alphabets: Annotated[
        tuple[Language, ...], says("text", "languages whose shift tables the carrier passes on")
    ] = ()
    unknown: Annotated[
        UnknownPolicies,
        says(
            "answers",
            "messages whose end nobody told: hold, resend:60x2, query:300x5 or give-up:3600, for both kinds or as"
            " alert=... and marketing=...",
            is_live=False,
        ),
    ] = EVERY_HELD
    is_idempotent: Annotated[
        bool,
        says(
            "answers",
            "the carrier takes a submit that comes again with the same user_message_reference once",
            is_live=False,
        ),
    ] = False
    down_after_s: Annotated[
        int, says("health", "the carrier is down when no bind has held for so many seconds", ge=1, le=3600)
    ] = USUAL.down_s
    throttled_percent: Annotated[
        int, says("health", "it is throttled when it held back for more than this part of a minute", ge=1, le=100)
    ] = USUAL.throttled
    min_success: Annotated[
        int,
        says(
            "health",
            "it is bad in a country where fewer percent arrive; what has no receipt after max_delay_s did not. 0 asks"
            " nothing",
            ge=0,
            le=99,
        ),
    ] = USUAL.success
    max_delay_s: Annotated[
        int,
        says(
            "health",
            "it is bad where half of them take more seconds than this; 0 asks nothing, and a receipt may take an hour",
            ge=0,
            le=86400,
        ),
    ] = USUAL.delay_s
    min_samples: Annotated[
        int, says("health", "of so many messages in half an hour, at least, it is judged whether it is bad", ge=10)
    ] = USUAL.samples
    lookup_url: Annotated[str, says("look-ups", "where the carrier answers look-ups over HTTP", max_length=2000)] = ""
    lookup_token: Annotated[
        str, says("look-ups", "bearer token of the look-ups, or a whole Authorization header", max_length=4000)
    ] = ""
    message_ids: Annotated[
        IdForms,
        says(
            "receipts",
            "how receipts name messages: learned tries the same id, its hex and its decimal; hex_then_decimal: answers"
            " in hex, receipts in decimal",
            is_live=False,
        ),
    ] = "learned"
    receipt_errors: Annotated[
        dict[str, int], says("receipts", "what error codes of failed messages mean: delivery statuses by code")
    ] = {}

    @property
    def thresholds(self) -> Thresholds:
        """When the carrier is not well."""
        return Thresholds(
            self.down_after_s, self.throttled_percent, self.min_success, self.max_delay_s, self.min_samples,
            self.is_told,
        )  # fmt: skip

    @property
    def is_told(self) -> bool:
        """Whether the carrier is asked to report what it delivered."""
        return True

    @property
    def can_query(self) -> bool:
        """Whether the carrier can be asked what became of a message."""
        return False


SECRET: Final = frozenset({"lookup_token", "password", "secrets", "callback_secret", "seed"})
"""Settings whose values are shown to nobody."""
