"""Every rule an operator may set: one table that is read, checked, shown and documented from here.

A rule holds for the whole installation or for one account, and where it says so for one country. What nobody has set
comes from the country's file (`rules/countries`), else from here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from chappe.domain.errors import BadData
from chappe.domain.sender_shape import plain_sender
from chappe.telecom.segments import PROTOCOL_MAX_PARTS

MAX_VALUE: Final = 2000  # characters
_MAX_WORDS: Final = 200
_MAX_COUNT: Final = 1_000_000_000
_MAX_PRICE: Final = Decimal(1000)
# What a name may be made of, as a set of characters between brackets; Spain has letters beyond ASCII in it.
_CHARACTERS: Final = re.compile(r"(?:[A-Za-z0-9]-[A-Za-z0-9]|[ -~]|[^\W\d_])+")
SENDER_STYLES: Final = ("allowed", "mandatory", "registration", "not_supported")
NUMERIC_STYLES: Final = ("allowed", "not_supported")


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table.

    Shape: `read` makes the value of the text somebody wrote, or says why not; `fact` names what the country's file has
           instead while nobody set the rule; `default` is the text that holds where neither says anything, or the
           name of the setting in braces.
    """

    name: str
    read: Callable[[str], Any]
    help: str
    default: str
    has_country: bool = False
    fact: str = ""


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.strip().lower() not in words:
            raise BadData(f"must be one of {', '.join(words)}, not {text!r}")
        return text.strip().lower()

    return read


def _yes_or_no(text: str) -> bool:
    return _one_of("yes", "no")(text) == "yes"


def _count(text: str) -> int:
    digits = text.strip().replace("_", "")
    if not (digits.isascii() and digits.isdigit()) or int(digits) > _MAX_COUNT:
        raise BadData(f"must be a whole number from 0 to {_MAX_COUNT}, not {text!r}")
    return int(digits)


def _count_to(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if (count := _count(text)) > most:
            raise BadData(f"must be {most} at most, not {count}")
        return count

    return read


def _parts(text: str) -> int:
    if not 1 <= (count := _count(text)) <= PROTOCOL_MAX_PARTS:
        raise BadData(f"must be from 1 to {PROTOCOL_MAX_PARTS}, not {count}")
    return count


def _mention(text: str) -> str:
    if not text.strip():
        raise BadData("is empty; what takes the mention away is stop_mention no")
    return _text(100)(text)


def _price(text: str) -> int:
    """Thousandths of a credit."""
    try:
        price = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise BadData(f"must be a number of credits like 1 or 0.8, not {text!r}") from None
    if not price.is_finite() or not 0 <= price <= _MAX_PRICE or price * 1000 % 1:
        raise BadData(f"must be from 0 to {_MAX_PRICE} credits, with three decimals at most, not {text!r}")
    return int(price * 1000)


def _words(text: str) -> frozenset[str]:
    words = frozenset(word.strip().casefold() for word in text.split(",") if word.strip())
    if len(words) > _MAX_WORDS:
        raise BadData(f"{len(words)} words; at most {_MAX_WORDS}")
    return words


def _characters(text: str) -> str:
    if not _CHARACTERS.fullmatch(text):
        raise BadData(f"must be printable characters and spans like A-Z, not {text!r}")
    try:
        re.compile(f"[{_escaped(text)}]")
    except re.error:
        raise BadData(f"{text!r} has a span that runs backwards") from None
    return text


def _escaped(characters: str) -> str:
    return re.sub(r"[\\\]\[^]", r"\\\g<0>", characters)


def other_than(characters: str) -> re.Pattern[str]:
    """What is to be dropped from a name that may have these characters only."""
    return re.compile(f"[^{_escaped(characters)}]")


def _text(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > most:
            raise BadData(f"has {len(text)} characters; at most {most}")
        return text

    return read


def _sender(text: str) -> str:
    plain = text.strip()
    if plain and plain_sender(plain) != plain:
        raise BadData(f"must have at most 11 printable ASCII characters, or 3 to 15 digits, not {text!r}")
    return plain


def _short_number(text: str) -> str:
    if not re.fullmatch(r"\+?[0-9]{3,15}", text.strip()):
        raise BadData(f"must be a number of 3 to 15 digits, not {text!r}")
    return text.strip()


_RULES: Final = (
    Rule("may_send", _yes_or_no, "Whether messages may go to a country; others count as not_allowed.", "yes", True),
    Rule("price", _price, "Credits for a part, with up to three decimals.", "1", True),
    Rule("max_parts", _parts, "Most parts of one message, from 1 to 255.", "{max_parts}", True, "max_parts"),
    Rule(
        "marketing_hours", _text(200),
        "When marketing may leave, like `mon-sat 08:00-20:00 no-holidays` or `always`, or a profile of the country's"
        " file by its name.", "always", True, "marketing_window",
    ),
    Rule("alsace_moselle", _yes_or_no, "Whether holidays of Alsace-Moselle count in France.", "no"),
    Rule(
        "sender", _one_of(*SENDER_STYLES),
        "Names as senders: allowed; mandatory; registration (only approved ones); not_supported (the carrier's own"
        " number instead).", "allowed", True, "alpha_sender",
    ),
    Rule(
        "sender_characters", _characters, "Characters a name may have; others are dropped.", " -~", True,
        "alpha_charset",
    ),
    Rule("sender_min", _count, "Fewest characters of a name.", "1", True, "alpha_min_len"),
    Rule("sender_max", _count, "Most characters of a name; it is cut there.", "11", True, "alpha_max_len"),
    Rule(
        "sender_words", _words, "Names that carriers refuse, separated by commas.", "", True, "alpha_forbidden",
    ),
    Rule(
        "numeric_sender", _one_of(*NUMERIC_STYLES), "Numbers of one's own as senders: allowed or not_supported.",
        "allowed", True, "numeric_sender",
    ),
    Rule(
        "default_sender", _sender,
        "The sender when none is given: an account's anywhere (empty: the carrier's own number), the installation's"
        " where a country needs a name.", "{default_sender}", True,
    ),
    Rule(
        "stop_mention", _yes_or_no,
        "Whether marketing under a name gets the STOP mention, because nobody can answer a name.", "no", True, "stop",
    ),
    Rule("stop_text", _mention, "The STOP mention; {number} stands for stop_number.", "{stop_text}", True),
    Rule("stop_number", _short_number, "The number that STOP is sent to.", "{stop_number}", True),
    Rule("start", _yes_or_no, "Whether the answer START takes a number off the blacklist.", "no"),
    Rule("contact", _yes_or_no, "Whether the answer CONTACT is answered.", "yes"),
    Rule(
        "contact_text", _text(300), "What CONTACT is answered; {company} stands for the account's company. Empty: in"
        " the account's language.", "",
    ),
    Rule("national_alphabets", _yes_or_no, "Use national shift tables where the carrier has them.", "no"),
    Rule(
        "same_text_minutes", _count_to(24 * 60), "A number gets the same text once in so many minutes, 1440 at most; 0"
        " for no limit.", "0",
    ),
    Rule("number_per_minute", _count, "Messages to one number in a minute; 0 for no limit.", "0"),
    Rule("number_per_day", _count, "Messages to one number in 24 hours; 0 for no limit.", "0"),
    Rule("messages_per_minute", _count, "Messages of an account in a minute; 0 for no limit.", "0"),
    Rule("messages_per_day", _count, "Messages of an account in a day; 0 for no limit.", "0"),
    Rule("messages_per_month", _count, "Messages to a country in a month; 0 for no limit.", "0", True),
    Rule("credits_per_day", _count, "Credits an account may spend on messages in a day; 0 for no limit.", "0"),
    Rule(
        "public_shorteners", _words,
        "Domains of public link shorteners, which carriers refuse; simulations and explanations warn of them.",
        "bit.ly, buff.ly, cutt.ly, goo.gl, is.gd, ow.ly, rb.gy, rebrand.ly, shorturl.at, t.co, tiny.cc, tinyurl.com",
    ),
    Rule("hold_words", _words, "Words in a text or a sender that a person is asked about, separated by commas.", ""),
    Rule("hold_links", _words, "Domains of links that a person is asked about; `*` for every link.", ""),
    Rule("hold_above", _count, "A person is asked about campaigns of more messages; 0 for none.", "0"),
    Rule("hold_first_days", _count, "A person is asked about campaigns of accounts younger than so many days.", "0"),
    Rule("hold_sequences", _count, "A person is asked about runs of so many consecutive numbers; 0 for none.", "0"),
)  # fmt: skip

RULES: Final = {rule.name: rule for rule in _RULES}
# Those that a person decides about (`domain/moderation.py`).
HOLDS: Final = tuple(name for name in RULES if name.startswith("hold_"))


def read_value(name: str, text: str) -> Any:
    """The value of a rule. Raises: BadData that names the rule."""
    rule = rule_named(name)
    if len(text) > MAX_VALUE:
        raise BadData(f"has {len(text)} characters; at most {MAX_VALUE}", field=name)
    try:
        return rule.read(text)
    except BadData as error:
        raise BadData(error.reason, field=name) from None


def rule_named(name: str) -> Rule:
    """Raises: BadData when there is no such rule."""
    if name not in RULES:
        raise BadData(f"there is no rule {name!r}; `chappe rule show` lists them", field="name")
    return RULES[name]
