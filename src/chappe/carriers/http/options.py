"""The settings of carriers over HTTP."""

import msgspec

from chappe.carriers.http.template import Template
from chappe.carriers.http.vendors import vendor_of
from chappe.carriers.options import CarrierOptions


class HttpOptions(CarrierOptions, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What an HTTP carrier needs beyond the address of its vendor.

    Shape: `vendor` names one that Chappe knows, `template` describes another; `url` replaces the vendor's own address;
           `values` and `secrets` are the vendor's fields; `callback_secret` is in the addresses that the vendor posts
           to; `seed` makes the keys of our messages differ from those of every other installation.
    Units: seconds.
    """

    vendor: str
    template: Template | None = None
    url: str = ""
    values: dict[str, str] = msgspec.field(default_factory=dict)
    secrets: dict[str, str] = msgspec.field(default_factory=dict)
    callback_secret: str = ""
    seed: str = ""
    timeout_s: int = 30
    tls_ca_file: str = ""

    def __repr__(self) -> str:
        return f"HttpOptions(vendor={self.vendor!r})"

    @property
    def can_query(self) -> bool:
        return vendor_of(self.vendor, self.template).can_query
