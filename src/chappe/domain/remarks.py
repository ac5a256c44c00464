"""What a sender of messages should know before he sends: nothing that is refused, but that will not be as he asked."""

from typing import NamedTuple

import msgspec


class Remark(NamedTuple):
    """Something that will be otherwise than asked, or that he may not expect.

    Shape: `code` is for programs, `text` for people; `rule` names the rule of `domain/rule_table.py` it comes from.
    """

    code: str
    text: str
    rule: str = ""


class Warned(msgspec.Struct, frozen=True):
    """A remark and how many messages it is about. Shape: `country` is empty when it is about several."""

    code: str
    text: str
    messages: int
    country: str = ""
    rule: str = ""
