"""A click on a short link: what is told of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from chappe.domain.delay import FORMAT, PARIS
from chappe.domain.infos import split_infos

# Longer ones say no more about a device.
MAX_USER_AGENT: Final = 512


@dataclass(frozen=True, slots=True)
class Click:
    """Somebody followed a message's link. Units: milliseconds UTC."""

    account_id: int
    campaign_id: int
    message_id: int
    position: int
    code: str
    url: str
    at: int
    user_agent: str


class Device(NamedTuple):
    """What a user agent says of the device; a text is empty when it says nothing."""

    brand: str = ""
    model: str = ""
    os: str = ""


class Recipient(NamedTuple):
    """Who was sent the link. Shape: `infos` as `domain/infos.py` joins them."""

    client_ref: str | None = None
    infos: str | None = None


class _Clicker(msgspec.Struct):
    """Source: the contract's webhook deliveries; `gsmsid` is spelled so there."""

    campaign_id: str
    gsmsid: str | None
    date: str
    long_url: str
    short_url: str
    brand: str
    model: str
    os: str
    info1: str
    info2: str
    info3: str
    info4: str
    clicks_on_link: str


_encode = msgspec.json.Encoder().encode


def clicker_payload(click: Click, device: Device, recipient: Recipient, clicks: int) -> str:
    """The body that tells a customer of a click. Shape: `clicks` are the recipient's on this link, with this one."""
    info1, info2, info3, info4 = [info or "" for info in split_infos(recipient.infos)]
    body = _Clicker(
        str(click.campaign_id),
        recipient.client_ref,
        datetime.fromtimestamp(click.at // 1000, PARIS).strftime(FORMAT),
        click.url,
        click.code,
        *device,
        info1,
        info2,
        info3,
        info4,
        str(clicks),
    )
    return _encode(body).decode()
