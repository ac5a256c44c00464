"""What a carrier may speak, and the settings that go with it."""

from typing import Final

import msgspec

from chappe.carriers.http.options import HttpOptions
from chappe.carriers.options import CarrierOptions, SmppOptions

KINDS: Final[dict[str, type[CarrierOptions]]] = {"smpp": SmppOptions, "http": HttpOptions}
"""What a carrier speaks -> its options."""


def encode_options(options: CarrierOptions) -> str:
    return msgspec.json.encode(options).decode()


def decode_options(kind: str, text: str) -> CarrierOptions:
    """The options of a carrier of this kind. Raises: msgspec.ValidationError for what none of its options is."""
    return msgspec.json.decode(text, type=KINDS[kind])
