"""What the page shows, taken from the description of the API."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from importlib import resources
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from jinja2 import Environment, StrictUndefined

from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.smsfactor.openapi import Example, examples
from chappe.surfaces.http.smsfactor.openapi_schemas import Json
from chappe.surfaces.http.smsfactor.statuses import MESSAGES

_FOLDER: Final = "#/components/schemas/"
_SYNTAXES: Final = ("json", "xml")
_MAX_DEPTH: Final = 8
# What a form needs beside a document that stands in one of its fields.
_FORM_FIELD: Final = re.compile(r"(?:XML|data)=", re.IGNORECASE)


class Field(NamedTuple):
    """A field of a document or of an answer, with its place in it."""

    path: str
    kind: str
    is_required: bool
    meaning: str


class Parameter(NamedTuple):
    """Something that stands in the path, in the query or in a header."""

    name: str
    place: str
    kind: str
    is_required: bool
    meaning: str
    words: tuple[str, ...]
    example: str
    is_ours: bool


class Sample(NamedTuple):
    """A request's body and its answer in one syntax."""

    syntax: str
    body: str
    content_type: str
    answer: str


class Operation(NamedTuple):
    """One call, as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    is_ours: bool
    may_log_in: bool
    parameters: list[Parameter]
    has_body: bool
    body: list[Field]
    answer: list[Field]
    answer_types: list[str]
    samples: list[Sample]


class Chapter(NamedTuple):
    """Calls that belong together."""

    id: str
    title: str
    about: str
    operations: list[Operation]


def render(description: Json, limits: RequestLimits) -> str:
    """The page as HTML."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(resources.files(__package__).joinpath("page.html").read_text())
    return template.render(
        info=description["info"],
        chapters=list(_chapters(description)),
        server=description["servers"][0]["url"].rstrip("/"),
        statuses=MESSAGES,
        limits=limits,
    )


def _chapters(description: Json) -> Iterator[Chapter]:
    shown = examples()
    for tag in description["tags"]:
        title = tag["name"]
        operations = [
            _operation(description, method.upper(), path, operation, shown)
            for path, methods in description["paths"].items()
            for method, operation in methods.items()
            if title in operation["tags"]
        ]
        yield Chapter(re.sub(r"\W+", "-", title.lower()), title, tag["description"], operations)


def _operation(
    description: Json, method: str, path: str, operation: Json, shown: dict[str, dict[str, Example]]
) -> Operation:
    example = shown.get(f"{method} {path.replace('{id}', ':id')}", {})
    content = operation["responses"]["200"]["content"]
    success: Json = next((media["schema"]["anyOf"][0] for media in content.values() if "anyOf" in media["schema"]), {})
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return Operation(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        is_ours="x-chappe-extension" in operation,
        may_log_in="security" in operation,
        parameters=[_parameter(each, path, example.get("json")) for each in operation["parameters"]],
        has_body="requestBody" in operation,
        body=list(_fields(description, body)),
        answer=[field for field in _fields(description, success) if field.path not in ("status", "message")],
        answer_types=list(content),
        samples=[_sample(syntax, example[syntax]) for syntax in _SYNTAXES if syntax in example],
    )


def _parameter(parameter: Json, path: str, example: Example | None) -> Parameter:
    schema = parameter["schema"]
    return Parameter(
        name=parameter["name"],
        place=parameter["in"],
        kind=_kind(schema),
        is_required=parameter["required"],
        meaning=parameter["description"],
        words=tuple(schema.get("enum", ())),
        example=_example_of(parameter, path, example),
        is_ours="x-chappe-extension" in parameter,
    )


def _example_of(parameter: Json, path: str, example: Example | None) -> str:
    if example is None:
        return ""
    target, _, query = example.target.partition("?")
    if parameter["in"] == "path":
        at = path.split("/").index("{id}")
        return target.split("/")[at]
    return dict(parse_qsl(query)).get(parameter["name"], "")


def _sample(syntax: str, example: Example) -> Sample:
    body, content_type = example.body, f"application/{syntax}"
    if _FORM_FIELD.match(body):
        content_type = "application/x-www-form-urlencoded"
    else:
        body = pretty(body)
    return Sample(syntax, body, content_type, pretty(example.answer))


def pretty(document: str) -> str:
    """A document with a line for each field."""
    if document.startswith(("{", "[")):
        return msgspec.json.format(document, indent=2)
    if not document.startswith("<"):
        return document
    root = ET.fromstring(document)  # noqa: S314 - our own examples
    for element in root.iter():
        if len(element):
            element.text = None
        element.tail = None
    ET.indent(root)
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n' if document.startswith("<?xml") else ""
    return declaration + ET.tostring(root, encoding="unicode")


def _fields(description: Json, schema: Json, place: str = "", depth: int = 0) -> Iterator[Field]:
    """The fields of an object and of the objects in it."""
    inner, is_array = _object(description, schema)
    if inner is None or depth > _MAX_DEPTH:
        return
    start = f"{place}{'[]' if is_array else ''}{'.' if place else ''}"
    for name, each in inner.get("properties", {}).items():
        path = f"{start}{name}"
        yield Field(path, _kind(each), name in inner.get("required", ()), each.get("description", ""))
        yield from _fields(description, each, path, depth + 1)


def _object(description: Json, schema: Json) -> tuple[Json | None, bool]:
    """The object that a schema is of, itself or in an array."""
    if "$ref" in schema:
        found: Json = description["components"]["schemas"][schema["$ref"].removeprefix(_FOLDER)]
        return (found, False) if "properties" in found else (None, False)
    if schema.get("type") == "array":
        return _object(description, schema.get("items", {}))[0], True
    for option in schema.get("anyOf", ()):
        found_inner, is_array = _object(description, option)
        if found_inner is not None:
            return found_inner, is_array
    return None, False


def _kind(schema: Json) -> str:
    """The type in a word or two."""
    match schema:
        case {"enum": words}:
            return " | ".join(map(_word, words))
        case {"const": word}:
            return _word(word)
        case {"pattern": _}:
            return "date"
        case {"type": "array", "items": items} if items:
            return f"array of {_kind(items)}"
        case {"anyOf": [{"type": "array", "items": items}, *_]} if items and {"type": "null"} not in schema["anyOf"]:
            return f"{_kind(items)}, one or several"
        case {"anyOf": options}:
            return " or ".join(dict.fromkeys(_kind(option) for option in options))
        case {"$ref": reference}:
            return "text" if reference.endswith("/Scalar") else "object"
        case {"type": kind}:
            return {"string": "text", "integer": "whole number", "object": "object"}.get(kind, str(kind))
    return "any"


def _word(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
