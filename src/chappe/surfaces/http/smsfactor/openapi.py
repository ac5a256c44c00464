"""The description of the wire API (OpenAPI 3.1), made from the table of routes."""

import typing
from collections.abc import Iterable
from importlib import metadata, resources
from typing import Any, Final

import msgspec

from chappe.surfaces.http.smsfactor.answers import Answer, File
from chappe.surfaces.http.smsfactor.fields import MAX_START
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.openapi_schemas import Components, Json, ref, spoken
from chappe.surfaces.http.smsfactor.query import QueryField
from chappe.surfaces.http.smsfactor.routes import Route
from chappe.surfaces.http.smsfactor.statuses import MESSAGES

DATE_PATTERN: Final = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"
# Which module of handlers is which chapter, in the order of the page.
CHAPTERS: Final[dict[str, tuple[str, str]]] = {
    "send": ("Sending", "Single messages and campaigns, their simulation and their cancellation."),
    "explain": ("Sending", ""),
    "campaigns": ("Campaigns", "What was sent, with its counters."),
    "messages": ("Messages", "Single messages of a period."),
    "replies": ("Replies and opt-outs", "What recipients answered, who said STOP, and numbers that nobody has."),
    "lists": ("Lists", "Contacts to send campaigns to."),
    "exclusions": ("Blacklist and NPAI", "Who is never written to: who said so, and numbers that nobody has."),
    "webhooks": ("Webhooks", "Where receipts, replies, opt-outs, clicks and alerts are posted to."),
    "senders": ("Senders", "Senders to be registered, for countries that show no others."),
    "tokens": ("Tokens", "The keys of programs, with an end and for certain addresses if you like."),
    "credits": ("Account", "The account, its balance and its sub-accounts."),
    "account": ("Account", ""),
    "accounts": ("Account", ""),
    "sub_accounts": ("Account", ""),
    "notification": ("Settings", "What you are told, and for how long data is kept."),
    "retention": ("Settings", ""),
    "invoices": ("Invoices", "What was paid."),
    "lookups": ("Look-up", "Whether a number exists, and in which network."),
    "legacy": ("First clients", "What clients of before the REST API call, in XML."),
}
_INTRODUCTION: Final = """\
The wire format of SMSFactor: that vendor's clients work with only the base URL changed.

**Authentication.** `Authorization: Bearer <token>`; or `token=` in the query; or the headers `sfusername` and
`sfpassword`; or `sms.authentication` in the document (`<authentification>` in XML).

**Syntax.** Answers are XML unless `Accept` names `application/json`. A document is recognised as JSON or XML by its
first character, whatever `Content-Type` says; a form may carry it in its field `data` (JSON) or `XML`.

**Status.** The HTTP status is 200 for every known call. What became of it is in `status`: 1, or one of

{statuses}

with `details` naming the field and the reason.

**Limits.** A body of at most {bytes} octets, {recipients} recipients in a request, {text} characters in a text.
"""


class Example(msgspec.Struct, frozen=True):
    """A call as it was played against a fresh installation."""

    target: str
    body: str
    answer: str


Examples = dict[str, dict[str, Example]]


def examples() -> Examples:
    """One successful call for each route, in JSON and in XML, by method and path.

    Source: the golden exchanges of the tests, by `make docs`; a test compares.
    """
    content = resources.files(__package__).joinpath("examples.json").read_bytes()
    return msgspec.json.decode(content, type=Examples)


def describe(routes: Iterable[Route], limits: RequestLimits, public_url: str) -> Json:
    """The whole description."""
    components = Components()
    shown = examples()
    paths: dict[str, Json] = {}
    chapters: dict[str, str] = {}
    for route in routes:
        title, about = chapter_of(route)
        chapters[title] = chapters.get(title) or about
        operation = _operation(route, components, shown.get(f"{route.method} {route.path}", {}))
        paths.setdefault(route.path.replace(":id", "{id}"), {})[route.method.lower()] = operation
    order = [title for title, _ in CHAPTERS.values()]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chappe",
            "version": metadata.version("chappe"),
            "summary": "Send text messages and campaigns, and learn what became of them.",
            "description": introduction(limits),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url or "/"}],
        "security": _SECURITY,
        "tags": [
            {"name": title, "description": chapters[title]}
            for title in sorted(chapters, key=lambda one: order.index(one) if one in order else len(order))
        ],
        "paths": paths,
        "components": {"schemas": components.schemas, "securitySchemes": _SCHEMES},
    }


def introduction(limits: RequestLimits) -> str:
    rows = "\n".join(f"| {status} | {message} |" for status, message in MESSAGES.items() if status < 0)
    return _INTRODUCTION.format(
        statuses=f"| status | meaning |\n| --- | --- |\n{rows}",
        bytes=limits.max_body_bytes,
        recipients=limits.max_recipients,
        text=limits.max_text_characters,
    )


def chapter_of(route: Route) -> tuple[str, str]:
    module = route.handler.__module__.rpartition(".")[2]
    return CHAPTERS.get(module, (module.replace("_", " ").capitalize(), ""))


def operation_id(route: Route) -> str:
    words = [word.lstrip(":").replace("-", "_") for word in route.path.split("/") if word] or ["root"]
    return "_".join([route.method.lower(), *words])


def answer_of(route: Route) -> type[Answer] | type[File]:
    """What the handler says that it returns, or returns first of all."""
    return answers_of(route)[0]


def answers_of(route: Route) -> tuple[type[Answer] | type[File], ...]:
    """Everything that the handler says that it returns."""
    returned = typing.get_type_hints(route.handler)["return"]
    return typing.get_args(returned) or (returned,)


_SCHEMES: Final[Json] = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A token of the account."},
    "token": {"type": "apiKey", "in": "query", "name": "token", "description": "The same token in the query."},
    "username": {
        "type": "apiKey",
        "in": "header",
        "name": "sfusername",
        "description": "The account's e-mail address.",
    },
    "password": {"type": "apiKey", "in": "header", "name": "sfpassword", "description": "The account's password."},
    "query_username": {
        "type": "apiKey",
        "in": "query",
        "name": "username",
        "description": "The account's e-mail address, where an old client writes it.",
    },
    "query_password": {
        "type": "apiKey",
        "in": "query",
        "name": "password",
        "description": "The account's password, where an old client writes it.",
    },
}
_SECURITY: Final[list[Json]] = [{"bearer": []}, {"token": []}, {"username": [], "password": []}]
_LOGIN_IN_QUERY: Final[Json] = {"query_username": [], "query_password": []}


def _operation(route: Route, components: Components, shown: dict[str, Example]) -> Json:
    summary, more = spoken(route.handler.__doc__)
    if route.is_ours:
        more = f"{more} This call is Chappe's own: the vendor's API does not have it.".strip()
    operation: Json = {
        "operationId": operation_id(route),
        "tags": [chapter_of(route)[0]],
        "summary": summary.removesuffix("."),
        "description": more,
        "parameters": _parameters(route),
    }
    if route.is_ours:
        operation["x-chappe-extension"] = True
    if route.may_log_in:
        operation["security"] = [*_SECURITY, _LOGIN_IN_QUERY]
    if route.document is not None:
        operation["requestBody"] = _request(route.document, components, shown)
    operation["responses"] = {"200": _response(route, components, shown)}
    return operation


def _parameters(route: Route) -> list[Json]:
    found: list[Json] = []
    if ":id" in route.path:
        found.append(
            {"name": "id", "in": "path", "required": True, "description": "The id.", "schema": {"type": "string"}}
        )
    found += [_query(field) for field in route.query]
    if route.takes_key:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A word of yours for this request: repeated within 24 hours, it is answered as the first"
                " time and nothing is sent twice.",
                "schema": {"type": "string", "maxLength": 255},
                "x-chappe-extension": True,
            }
        )
    return found


def _query(field: QueryField) -> Json:
    schema: Json
    match field.kind:
        case "number":
            schema = {"type": "integer", "minimum": 0, "maximum": field.high or MAX_START}
        case "date":
            schema = {"type": "string", "pattern": DATE_PATTERN, "examples": ["2031-05-17 09:30:00"]}
        case _:
            schema = {"type": "string"}
    if field.words:
        # The words are read in any case; these are the ones to write.
        schema = {"type": "string", "enum": list(field.words)}
    return {
        "name": field.name,
        "in": "query",
        "required": field.is_required,
        "description": field.meaning,
        "schema": schema,
    }


def _request(document: type[msgspec.Struct], components: Components, shown: dict[str, Example]) -> Json:
    body = components.request(document)
    in_form: Json = {
        "data": {"type": "string", "contentMediaType": "application/json", "description": "The document in JSON."},
        "XML": {"type": "string", "contentMediaType": "application/xml", "description": "The document in XML."},
    }
    content: dict[str, Json] = {
        "application/json": _with_example({"schema": body.json}, shown, "json", "body"),
        "application/xml": _with_example({"schema": body.xml}, shown, "xml", "body"),
        "application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": in_form}},
    }
    return {"required": True, "content": content}


def _response(route: Route, components: Components, shown: dict[str, Example]) -> Json:
    answers = answers_of(route)
    content: dict[str, Json] = {}
    if File in answers:
        content[route.file_type] = {"schema": {"type": "string", "format": "binary"}}
        schema: Json = ref("Error")
    else:
        successes = [components.answer(typing.cast(type[Answer], answer)) for answer in answers]
        schema = {"anyOf": [*successes, ref("Error")]}
    if not route.speaks_only_xml:
        content["application/json"] = _with_example({"schema": schema}, shown, "json", "answer")
    content["application/xml"] = _with_example({"schema": schema}, shown, "xml", "answer")
    return {"description": "The answer, whatever became of the call.", "content": content}


def _with_example(media: Json, shown: dict[str, Example], syntax: str, part: str) -> Json:
    example: Any = getattr(shown[syntax], part) if syntax in shown else ""
    if not example or not example.lstrip().startswith(("{", "[", "<")):
        return media
    return {**media, "example": msgspec.json.decode(example) if example.lstrip()[0] in "{[" else example}
