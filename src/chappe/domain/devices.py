"""Which device a user agent belongs to, as far as it says."""

from functools import lru_cache
from typing import Final

from chappe.domain.clicks import Device

# Texts that are remembered: those of a whole country's phones fit.
REMEMBERED: Final = 4096


@lru_cache(REMEMBERED)
def device_of(user_agent: str) -> Device:
    """Brand, model and system of a device.

    Cost: some 100 microseconds for a text not met lately; the first call of a process loads the patterns, which takes
          tenths of a second: make it in a thread.
    """
    # Loaded here because only a process that somebody clicks at needs it.
    import ua_parser

    found = ua_parser.parse(user_agent).with_defaults() if user_agent else None
    if found is None:
        return Device()
    return Device(_said(found.device.brand), _said(found.device.model), _said(found.os.family))


def _said(word: str | None) -> str:
    return "" if word is None or word == "Other" else word
