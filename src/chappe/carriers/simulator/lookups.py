"""Look-ups of the simulated carrier: what becomes of a number is in its digits.

Last digit 9: nobody reaches the phone; 8: ported to the next network; 7: roaming abroad; else at home.
"""

from typing import Final, NamedTuple

import msgspec


class _Country(NamedTuple):
    name: str
    prefix: str
    mcc: str


class Asked(msgspec.Struct, frozen=True):
    """Body of POST /lookup."""

    to: list[str]


# Source: ITU-T E.164 country codes, E.212 mobile country codes; the networks and their prefixes are made up,
# but for the French codes.
_COUNTRIES: Final = (
    _Country("France", "33", "208"),
    _Country("Belgium", "32", "206"),
    _Country("Switzerland", "41", "228"),
    _Country("Italy", "39", "222"),
    _Country("Germany", "49", "262"),
    _Country("Spain", "34", "214"),
    _Country("United Kingdom", "44", "234"),
)
_SHORTEST: Final = 8
_NETWORKS: Final = (("Orange", "01"), ("Free", "15"), ("SFR", "10"), ("Bouygues Telecom", "20"))
_ABSENT, _PORTED, _ROAMING = "9", "8", "7"


def look_up(numbers: list[str]) -> dict[str, object]:
    """The answer to a look-up, as docs/carriers.md has it."""
    return {"results": [_result(number.strip().lstrip("+")) for number in numbers]}


def _result(number: str) -> dict[str, object]:
    if not (number.isascii() and number.isdigit() and len(number) >= _SHORTEST):
        return {
            "to": number,
            **_status("REJECTED", "REJECTED_INVALID_DESTINATION", "Not a number"),
            **_error(51, "Invalid number"),
        }
    elsewhere = _Country("Elsewhere", number[:2], "901")
    country = next((each for each in _COUNTRIES if number.startswith(each.prefix)), elsewhere)
    national = number.removeprefix(country.prefix)
    at = int(national[1:2] or 0) % len(_NETWORKS)
    name, code = _NETWORKS[at]
    is_ported = number.endswith(_PORTED)
    if is_ported:
        code = _NETWORKS[(at + 1) % len(_NETWORKS)][1]
    result: dict[str, object] = {
        "to": number,
        "mccMnc": country.mcc + code,
        "originalNetwork": {
            "networkName": name,
            "networkPrefix": national[:3],
            "countryName": country.name,
            "countryPrefix": country.prefix,
        },
        "ported": is_ported,
        "roaming": number.endswith(_ROAMING),
    }
    if number.endswith(_ABSENT):
        status = _status("UNDELIVERABLE", "UNDELIVERABLE_NOT_DELIVERED", "Message sent not delivered")
        return {**result, **status, **_error(27, "Absent Subscriber")}
    result["imsi"] = (country.mcc + code + number[-10:]).ljust(15, "0")
    return {**result, **_status("DELIVERED", "DELIVERED_TO_HANDSET", "Message delivered to handset"), **_error(0)}


def _status(group: str, name: str, description: str) -> dict[str, object]:
    return {"status": {"groupName": group, "name": name, "description": description}}


def _error(number: int, description: str = "No Error") -> dict[str, object]:
    return {"error": {"id": number, "description": description, "permanent": False}}
