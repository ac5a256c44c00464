"""In which zones a number may be: one where its digits tell, all of the country's clocks where they do not."""

import pytest

from chappe.domain.legal_hours import LegalHours, read_window
from chappe.domain.zones import zones_of, zones_of_each

# Shortened lists of tzdata's zone.tab, in its order.
US = (
    "America/New_York",
    "America/Detroit",
    "America/Indiana/Indianapolis",
    "America/Chicago",
    "America/Denver",
    "America/Boise",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Adak",
    "Pacific/Honolulu",
)
US_CLOCKS = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Adak",
    "Pacific/Honolulu",
)
CANADA = (
    "America/St_Johns",
    "America/Halifax",
    "America/Toronto",
    "America/Winnipeg",
    "America/Regina",
    "America/Vancouver",
)
RUSSIA = ("Europe/Kaliningrad", "Europe/Moscow", "Europe/Kirov", "Europe/Samara", "Asia/Vladivostok", "Asia/Kamchatka")
KAZAKHSTAN = ("Asia/Almaty", "Asia/Qyzylorda", "Asia/Aqtobe", "Asia/Oral")
AUSTRALIA = ("Australia/Melbourne", "Australia/Sydney", "Australia/Brisbane", "Australia/Darwin", "Australia/Perth")
POLYNESIA = ("Pacific/Tahiti", "Pacific/Marquesas", "Pacific/Gambier")
ARGENTINA = ("America/Argentina/Buenos_Aires", "America/Argentina/Cordoba", "America/Argentina/Ushuaia")
BRAZIL = ("America/Noronha", "America/Belem", "America/Sao_Paulo", "America/Manaus", "America/Rio_Branco")
INDONESIA = ("Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Jayapura")
MEXICO = ("America/Mexico_City", "America/Cancun", "America/Monterrey", "America/Hermosillo", "America/Tijuana")


@pytest.mark.parametrize(
    ("number", "country", "zones"),
    [
        (33612345678, ("Europe/Paris",), ("Europe/Paris",)),
        (687751234, ("Pacific/Noumea",), ("Pacific/Noumea",)),
        (12125550123, US, ("America/New_York",)),
        (13125550123, US, ("America/Chicago",)),
        (16025550123, US, ("America/Phoenix",)),
        (13105550123, US, ("America/Los_Angeles",)),
        (19075550123, US, ("America/Anchorage", "America/Adak")),
        (18085550123, US, ("Pacific/Honolulu",)),
        (12085550123, US, ("America/Boise", "America/Los_Angeles")),  # Idaho has two
        (18005550123, US, US_CLOCKS),  # no area at all
        (15005550123, US, US_CLOCKS),
        (15062345678, CANADA, ("America/Halifax",)),
        (17095550123, CANADA, ("America/St_Johns", "America/Halifax")),  # Newfoundland and Labrador
        (16045550123, CANADA, ("America/Vancouver",)),
        (522221234567, MEXICO, ("America/Mexico_City",)),
        (5511961234567, BRAZIL, ("America/Sao_Paulo",)),
        (5592961234567, BRAZIL, ("America/Manaus",)),
        (5491123456789, ARGENTINA, ("America/Argentina/Buenos_Aires",)),  # Buenos_Aires alone, in the prefixes
        # Mobile numbers that tell nothing but the country.
        (
            79123456789,
            RUSSIA,
            ("Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Vladivostok", "Asia/Kamchatka"),
        ),
        (77710009998, KAZAKHSTAN, ("Asia/Almaty",)),  # one clock since 2024
        (61412345678, AUSTRALIA, ("Australia/Melbourne", "Australia/Brisbane", "Australia/Darwin", "Australia/Perth")),
        (62812345678, INDONESIA, ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")),
        (34612345678, ("Europe/Madrid", "Africa/Ceuta", "Atlantic/Canary"), ("Europe/Madrid", "Atlantic/Canary")),
        (68987123456, POLYNESIA, POLYNESIA),
    ],
)
def test_a_number_is_in_the_zones_its_digits_leave_open(
    number: int, country: tuple[str, ...], zones: tuple[str, ...]
) -> None:
    assert zones_of(number, country) == zones
    assert zones_of_each([number, number], country) == [zones, zones]


def test_a_number_of_another_calling_code_may_be_anywhere_in_the_country() -> None:
    assert zones_of(33612345678, KAZAKHSTAN) == ("Asia/Almaty",)
    assert zones_of(33612345678, AUSTRALIA) == zones_of(61412345678, AUSTRALIA)
    assert zones_of(12125550123, AUSTRALIA) == zones_of(61412345678, AUSTRALIA)


def test_an_american_number_of_no_area_waits_for_hawaii_and_stops_with_new_york() -> None:
    opening = LegalHours().opening(read_window("mon-sun 08:00-21:00"), zones_of(18005550123, US), None, 1795500000000)
    assert opening == (1795543200000, 1795572000000)  # 24 November 2026: 18:00 to 02:00 UTC
