"""A vendor described in TOML: how it is asked, how it answers, what it posts. See docs/http-carriers.md."""

import tomllib
from ipaddress import ip_network
from typing import Any, Final, Literal, NamedTuple, get_args

import msgspec

from chappe.carriers.http import paths
from chappe.carriers.http.placeholders import names_in
from chappe.carriers.http.vendor import Field
from chappe.domain.errors import BadData
from chappe.domain.lifecycle import Dlr
from chappe.domain.retry import RefusalClass

Body = Literal["json", "form", "text", "xml"]
BodyRead = Literal["json", "form", "text"]
# What a message offers to be filled in. Shape: as `vendor.Message` has it; `callbacks` and `url` as `vendor.Access`;
# `sender_plus` has a plus before numbers that have a country code.
OFFERED: Final = frozenset(
    {
        "to", "text", "sender", "sender_plus", "key", "unicode", "alert", "parts", "validity_s", "validity_min",
        "callbacks", "url",
    }
)  # fmt: skip
OUTCOMES: Final = (*get_args(RefusalClass), "accepted", "closed", "unclear")
MAX_TEMPLATE_BYTES: Final = 64 * 1024
Digest = Literal["md5", "sha1", "sha256", "sha512"]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What all tables of a template have in common."""


class Asked(_Table, frozen=True, kw_only=True):
    """Something the operator has to say. Shape: `default` is None when he must."""

    name: str
    help: str = ""
    secret: bool = False
    default: str | None = None


class Request(_Table, frozen=True, kw_only=True):
    """How a message is handed over.

    Shape: values have placeholders; a field with an empty one is left out. `basic` are user name and password.
           `body` is a table for json and form, a text for text and xml.
    """

    url: str
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: dict[str, str] = {}
    basic: tuple[str, str] | None = None
    query: dict[str, str] = {}
    format: Body = "json"
    body: Any = None


class Condition(_Table, frozen=True, kw_only=True):
    """A place, and the values it may have; none: it is enough that it is there."""

    path: str
    among: tuple[str, ...] = ()


class AnswerRule(_Table, frozen=True, kw_only=True):
    """What an answer means.

    Shape: `success` must hold where it is given; `id` is the place of the vendor's id, or of several; the message's key
           is its id when `id` is "key". `outcomes` has what follows from a code, or from "HTTP 503", as a word of
           OUTCOMES and a delivery status.
    """

    format: BodyRead = "json"
    accepted: tuple[int, ...] = (200, 201, 202)
    success: Condition | None = None
    id: str = ""
    code: str = ""
    outcomes: dict[str, str] = {}


class QueryRule(_Table, frozen=True, kw_only=True):
    """How the vendor is asked what became of a message, which is `{ref}` here, and where its answer says so.

    Shape: `states` as those of receipts; user name, password and headers are those of the request.
    """

    url: str
    query: dict[str, str] = {}
    format: BodyRead = "json"
    state: str
    error: str = ""
    states: dict[str, str]
    errors: dict[str, str] = {}


class Reading(_Table, frozen=True, kw_only=True):
    """How requests of the vendor are read. Shape: `items` is the place of the list, when one brings several."""

    format: Literal["auto", "text"] = "auto"
    items: str = ""
    status: int = 200
    media_type: str = "text/plain"
    body: str = ""


class ReceiptRule(_Table, frozen=True, kw_only=True):
    """Where a receipt says what.

    Shape: `states` are the states, without regard to case, that mean a delivery status, SENT for one on its way, or
           `-` for news that is none; `errors` are codes of failures with a meaning of their own.
    """

    when: Condition | None = None
    id: str
    number: str = ""
    state: str
    error: str = ""
    states: dict[str, str]
    errors: dict[str, str] = {}


class ReplyRule(_Table, frozen=True, kw_only=True):
    """Where a reply says what.

    Shape: `id` is the vendor's own id of the text, the same when it comes again and never that of another; the three of
           parts are for texts that come cut; `charset` says in what the text of a query is written, where that is one
           of `charsets` and not UTF-8.
    """

    when: Condition | None = None
    id: str = ""
    sender: str
    to: str = ""
    text: str
    charset: str = ""
    charsets: dict[str, Literal["utf-16-be", "latin-1"]] = {}
    part_of: str = ""
    part: str = ""
    parts: str = ""


class Verification(_Table, frozen=True, kw_only=True):
    """How news is known to be the vendor's, beside the secret in the address.

    Shape: `hmac` signs `over`, which has the placeholders {body}, {url}, {query} and {header:name}; `header` compares
           a header with `value`; `basic` is user name and password of ours. `secret` and `value` are filled in. The
           time in `time_header` may be MAX_AGE_S away.
    """

    hmac: Digest | None = None
    over: str = "{body}"
    secret: str = ""
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    header: str = ""
    value: str = ""
    time_header: str = ""
    basic: tuple[str, str] | None = None
    networks: tuple[str, ...] = ()
    optional: bool = False


class Sample(_Table, frozen=True, kw_only=True):
    """A message of an example."""

    to: str = "33612345678"
    text: str = "Hello"
    sender: str = ""
    key: str = "abc-1"
    unicode: bool = False
    alert: bool = True
    parts: int = 1
    validity_s: int = 3600


class Exchange(_Table, frozen=True, kw_only=True):
    """A message, the request it becomes, what came back, and what that means, in the words of `examples`."""

    what: str
    message: Sample = Sample()
    request: str = ""
    headers: dict[str, str] = {}
    body: str = ""
    status: int = 200
    told_headers: dict[str, str] = {}
    told: str = ""
    means: str


class News(_Table, frozen=True, kw_only=True):
    """Something the vendor posted, and what it means, in the words of `examples`."""

    what: str
    kind: Literal["receipt", "reply", ""] = ""
    method: Literal["GET", "POST"] = "POST"
    query: str = ""
    headers: dict[str, str] = {}
    body: str = ""
    at_s: int = 0
    peer: str = ""
    means: tuple[str, ...]


class Asking(_Table, frozen=True, kw_only=True):
    """A question about a message, and what its answer means, in the words of `examples`."""

    what: str
    ref: str = "abc-1"
    request: str = ""
    status: int = 200
    told: str = ""
    means: str


class Template(_Table, frozen=True, kw_only=True):
    """A vendor. Shape: `values` are those of its examples."""

    name: str
    place: str = ""
    source: str = ""
    note: str = ""
    idempotent: bool = False
    settings: tuple[Asked, ...] = ()
    request: Request
    answer: AnswerRule = AnswerRule()
    query: QueryRule | None = None
    reading: Reading = Reading()
    receipt: ReceiptRule | None = None
    reply: ReplyRule | None = None
    verify: Verification | None = None
    values: dict[str, str] = {}
    exchanges: tuple[Exchange, ...] = ()
    news: tuple[News, ...] = ()
    questions: tuple[Asking, ...] = ()

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple([Field(each.name, each.help, each.secret, each.default) for each in self.settings])


class Verdict(NamedTuple):
    """What follows from a code. Shape: `kind` is one of OUTCOMES, `dlr` what the customer reads at the end."""

    kind: str
    dlr: int


def read_template(text: str) -> Template:
    """A template as its author wrote it. Raises: BadData, which says what is wrong and where."""
    if len(text.encode()) > MAX_TEMPLATE_BYTES:
        raise BadData(f"is longer than {MAX_TEMPLATE_BYTES} bytes", field="template")
    try:
        template = msgspec.convert(tomllib.loads(text), Template)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadData(str(error), field="template") from None
    _check(template)
    return template


def verdict(text: str) -> Verdict:
    """A verdict as templates write it, "permanent INVALID_DESTINATION". Raises: ValueError."""
    kind, _, status = text.strip().partition(" ")
    if kind not in OUTCOMES:
        raise ValueError(f"{kind!r} is none of {', '.join(OUTCOMES)}")
    return Verdict(kind, delivery_status(status.strip() or "REJECTED"))


def delivery_status(name: str) -> int:
    """A delivery status by its name. Raises: ValueError."""
    try:
        return int(Dlr[name])
    except KeyError:
        raise ValueError(f"{name!r} is none of {', '.join(Dlr.__members__)}") from None


def _check(template: Template) -> None:
    """Find out now what would fail later. Raises: BadData."""
    known = OFFERED | {each.name for each in template.settings}
    texts = [*_texts(msgspec.to_builtins(template.request))]
    if template.query is not None:
        texts += [template.query.url.replace("{ref}", ""), *_texts(template.query.query)]
    if template.verify is not None:
        texts += [template.verify.secret, template.verify.value, *(template.verify.basic or ())]
    for name in {name for text in texts for name in names_in(text)} - known:
        raise BadData(f"there is nothing called {name!r} to fill in", field="template")
    if template.request.format in ("text", "xml") and not isinstance(template.request.body, str | None):
        raise BadData("must be a text for this format", field="request.body")
    try:
        _check_tables(template)
    except ValueError as error:
        raise BadData(str(error), field="template") from None


def _check_tables(template: Template) -> None:
    for outcome in template.answer.outcomes.values():
        verdict(outcome)
    for rule in (template.receipt, template.query):
        if rule is not None:
            for state in (*[each for each in rule.states.values() if each != "-"], *rule.errors.values()):
                delivery_status(state)
    if template.verify is not None:
        for network in template.verify.networks:
            ip_network(network)
    answer = template.answer
    for place in (answer.id if answer.id != "key" else "", answer.code, answer.success.path if answer.success else ""):
        paths.check(place, is_regex=answer.format == "text")
    if template.query is not None:
        for place in (template.query.state, template.query.error):
            paths.check(place, is_regex=template.query.format == "text")
    for read in (template.receipt, template.reply):
        if read is not None:
            places = [value for value in msgspec.structs.asdict(read).values() if isinstance(value, str)]
            for place in (*places, read.when.path if read.when else ""):
                paths.check(place, is_regex=template.reading.format == "text")


def _texts(tree: Any) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    if isinstance(tree, dict):
        return [text for value in tree.values() for text in _texts(value)]
    if isinstance(tree, list | tuple):
        return [text for value in tree for text in _texts(value)]
    return []
