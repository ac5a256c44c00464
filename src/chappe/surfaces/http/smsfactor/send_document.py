"""The documents of POST /send and POST /send/lists."""

from typing import TypeAlias

import msgspec

from chappe.surfaces.http.smsfactor.fields import Scalar


class Gsm(msgspec.Struct, gc=False):
    """One recipient; in XML the number may be the element's text and the rest attributes."""

    value: Scalar = None
    gsmsmsid: Scalar = None
    info1: Scalar = None
    info2: Scalar = None
    info3: Scalar = None
    info4: Scalar = None


Recipient: TypeAlias = Gsm | Scalar


class Recipients(msgspec.Struct):
    """The recipients; a single one need not be in an array."""

    gsm: list[Recipient] | Recipient = None


class Message(msgspec.Struct):
    """What is sent."""

    text: Scalar = None
    pushtype: Scalar = None
    sender: Scalar = None
    delay: Scalar = None
    unicode: Scalar = None
    links: list[Scalar] | Scalar = None


class Sms(msgspec.Struct):
    """A message for recipients."""

    message: Message | None = None
    recipients: Recipients | None = None
    delay: Scalar = None


class SendDocument(msgspec.Struct):
    """The whole document."""

    sms: Sms | None = None


class ListOfContacts(msgspec.Struct):
    """A list that is sent to: its id, as a number or a text; in XML an element may hold several."""

    value: list[Scalar] | Scalar = None


AnyList: TypeAlias = ListOfContacts | Scalar


class ListsSms(msgspec.Struct):
    """A message for the contacts of lists."""

    message: Message | None = None
    lists: list[AnyList] | AnyList = None
    delay: Scalar = None


class SendListsDocument(msgspec.Struct):
    """The whole document."""

    sms: ListsSms | None = None


class ExplainMessage(Message):
    """One message to one number; the four fields are the recipient's."""

    to: Scalar = None
    info1: Scalar = None
    info2: Scalar = None
    info3: Scalar = None
    info4: Scalar = None


class ExplainDocument(msgspec.Struct):
    """The whole document."""

    explain: ExplainMessage | None = None
