"""The settings of carriers, by what they speak."""

from typing import Literal

import msgspec

from chappe.domain.unknown import EVERY_HELD, UnknownPolicies
from chappe.telecom.gsm7 import Language
from chappe.telecom.receipts import STANDARD, Dialect


class CarrierOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What every carrier has, kept as JSON with it.

    Shape: `sender` is used when the customer gives none; `unknown` is what is done about messages whose end
           nobody told; a carrier that `is_idempotent` takes a submit that comes again under the same reference once;
           `lookup_url` is where the carrier answers look-ups over HTTP, if it does;
           `national_alphabets` are the languages whose tables it passes on; `receipt_errors` is what its error codes
           of failed messages mean, as delivery statuses, the codes without leading zeros.
    """

    sender: str = ""
    national_alphabets: tuple[Language, ...] = ()
    unknown: UnknownPolicies = EVERY_HELD
    is_idempotent: bool = False
    lookup_url: str = ""
    lookup_token: str = ""
    receipt_errors: dict[str, int] = {}

    @property
    def can_query(self) -> bool:
        """Whether the carrier can be asked what became of a message."""
        return False


class SmppOptions(CarrierOptions, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What an SMPP carrier may ask for beyond host, name and password.

    Shape: the `*_ton` and `*_npi` are SMPP's type of number and numbering plan for each kind of address;
           `reference_bits` is the width of the long-message reference.
    Source: usual values of SMPP practice, see docs/carriers.md.
    """

    system_type: str = ""
    alphanumeric_ton: int = 5
    alphanumeric_npi: int = 0
    short_ton: int = 3
    short_npi: int = 0
    international_ton: int = 1
    international_npi: int = 1
    dest_ton: int = 1
    dest_npi: int = 1
    reference_bits: Literal[8, 16] = 8
    sends_validity: bool = True
    tls_ca_file: str = ""

    @property
    def can_query(self) -> bool:
        return True

    @property
    def dialect(self) -> Dialect:
        """How the carrier writes receipts."""
        return Dialect(self.receipt_errors) if self.receipt_errors else STANDARD
