"""What a carrier's operator may ask for beyond host, name and password."""

from typing import Literal

import msgspec

from chappe.telecom.gsm7 import Language
from chappe.telecom.receipts import STANDARD, Dialect


class SmppOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings of one carrier, kept as JSON with it.

    Shape: the `*_ton` and `*_npi` are SMPP's type of number and numbering plan for each kind of address; `sender` is
           used when the customer gives none; `reference_bits` is the width of the long-message reference; `unknown` is
           the policy for submits that were written and never answered; `lookup_url` is where the carrier answers
           look-ups over HTTP, if it does; `receipt_errors` is what the carrier's error codes of failed messages mean,
           as delivery statuses, its codes without leading zeros; `national_alphabets` are the languages whose tables it
           passes on.
    Units: seconds.
    Source: usual values of SMPP practice, see docs/carriers.md.
    """

    sender: str = ""
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
    national_alphabets: tuple[Language, ...] = ()
    sends_validity: bool = True
    unknown: Literal["hold", "resend"] = "hold"
    resend_s: int = 60
    tls_ca_file: str = ""
    lookup_url: str = ""
    lookup_token: str = ""
    receipt_errors: dict[str, int] = {}

    @property
    def dialect(self) -> Dialect:
        """How the carrier writes receipts."""
        return Dialect(self.receipt_errors) if self.receipt_errors else STANDARD


def encode_options(options: SmppOptions) -> str:
    return msgspec.json.encode(options).decode()


def decode_options(text: str) -> SmppOptions:
    return msgspec.json.decode(text, type=SmppOptions)
