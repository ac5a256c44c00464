"""The types of requests and answers as schemas of the API's description."""

from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from chappe.surfaces.http.smsfactor.answers import Answer
from chappe.surfaces.http.smsfactor.meanings import is_required, meaning_of
from chappe.surfaces.http.smsfactor.statuses import MESSAGES, Status

Json: TypeAlias = dict[str, Any]

_FOLDER: Final = "#/components/schemas/"
_SCALAR: Final = frozenset({"string", "integer", "number", "boolean", "null"})
# From here on a docstring speaks to those who work on Chappe.
_LABELS: Final = ("Shape:", "Units:", "Raises:", "Source:", "Cost:")
# What the statuses of answers with fields of their own say.
_STATUS: Final[dict[Status, str]] = {
    1: "1: it was carried out.",
    -8: "-8: it was accepted and paid for, and a person looks at it before it is sent.",
}


class Body(NamedTuple):
    """A request's document. Shape: in XML the root element stands for the only key of the JSON object."""

    json: Json
    xml: Json


class Components:
    """The schemas that a description refers to, gathered while its paths are written."""

    def __init__(self) -> None:
        self.schemas: dict[str, Json] = {"Scalar": _scalar(), "Error": _error()}

    def request(self, document: type[msgspec.Struct]) -> Body:
        name = self._add(document, is_answer=False)
        schema = self.schemas[name]
        reference = ref(name)
        if len(schema["properties"]) != 1:
            return Body(reference, reference)
        [(root, inner)] = schema["properties"].items()
        return Body(reference, {**inner, "xml": {"name": root}})

    def answer(self, answer: type[Answer]) -> Json:
        """A successful answer: its fields within the envelope."""
        name = self._add(answer, is_answer=True)
        schema = self.schemas[name]
        if "status" not in schema["properties"]:
            envelope = {
                "status": {"type": "integer", "const": answer.status, "description": _STATUS[answer.status]},
                "message": {
                    "type": "string",
                    "const": MESSAGES[answer.status],
                    "description": f"{MESSAGES[answer.status]}.",
                },
            }
            schema["properties"] = {**envelope, **schema["properties"]}
            schema["required"] = ["status", "message", *schema["required"]]
            schema["xml"] = {"name": "response"}
            for field in answer.only_json:
                schema["properties"][field]["x-only-json"] = True
            for field, element in answer.xml_names.items():
                schema["properties"][field]["items"] = {
                    **schema["properties"][field]["items"],
                    "xml": {"name": element},
                }
        return ref(name)

    def _add(self, type_: type[msgspec.Struct], *, is_answer: bool) -> str:
        place = type_.__module__.rpartition(".")[2]
        [reference], found = msgspec.json.schema_components([type_], ref_template="{name}")
        for name, schema in found.items():
            full = _full(place, name)
            if full not in self.schemas:
                self.schemas[full] = _component(place, name, schema, is_answer=is_answer)
        return _full(place, reference["$ref"])


def ref(name: str) -> Json:
    return {"$ref": _FOLDER + name}


def spoken(text: str | None) -> tuple[str, str]:
    """The first sentence of a docstring and its other paragraphs, without what the API's readers need not know."""
    lines = (text or "").strip().splitlines()
    end = next((number for number, line in enumerate(lines) if line.strip().startswith(_LABELS)), len(lines))
    title = lines[0].partition(" Source:")[0].strip() if end else ""
    return title, " ".join(line.strip() for line in lines[1:end]).strip()


def _component(place: str, name: str, schema: Json, *, is_answer: bool) -> Json:
    short = name.removeprefix("_")
    if "properties" not in schema:
        return _rewritten(place, schema)
    properties = {field: _field(place, short, field, inner) for field, inner in schema["properties"].items()}
    if not is_answer:
        # Null is read as if the field were not there.
        properties = {field: _without_null(inner) for field, inner in properties.items()}
    required = schema["required"] if is_answer else [one for one in properties if is_required(place, short, one)]
    title, more = spoken(schema.get("description"))
    component: Json = {"type": "object", "properties": properties, "required": required}
    if description := " ".join(filter(None, (title, more))):
        component["description"] = description
    return component


def _field(place: str, type_name: str, field: str, schema: Json) -> Json:
    written = _rewritten(place, schema)
    written.pop("default", None)
    if meaning := meaning_of(type_name, field):
        written["description"] = meaning
    if field.startswith("@"):
        written["xml"] = {"name": field[1:], "attribute": True}
    return written


def _rewritten(place: str, schema: Json) -> Json:
    """A schema with our names of components, and the many ways to write a scalar as one."""
    written: Json = {}
    for key, inner in schema.items():
        if key == "$ref":
            written[key] = _FOLDER + _full(place, inner)
        elif key == "anyOf":
            written.update(_any_of([_rewritten(place, one) for one in inner]))
        elif isinstance(inner, dict) and key in ("items", "additionalProperties"):
            written[key] = _rewritten(place, inner)
        elif key != "title":
            written[key] = inner
    return written


def _any_of(options: list[Json]) -> Json:
    plain = {one["type"] for one in options if set(one) == {"type"}}
    if plain >= _SCALAR:
        options = [one for one in options if set(one) != {"type"}] + [ref("Scalar")]
    return options[0] if len(options) == 1 else {"anyOf": options}


def _without_null(schema: Json) -> Json:
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if not options:
        return schema
    around = {key: inner for key, inner in schema.items() if key != "anyOf"}
    return {**options[0], **around} if len(options) == 1 else {**around, "anyOf": options}


def _full(place: str, name: str) -> str:
    return f"{place}.{name.removeprefix('_')}"


def _scalar() -> Json:
    return {
        "description": "A text or a number; a number may be written as a text, true and false as 1 and 0.",
        "type": ["string", "number", "boolean", "null"],
    }


def _error() -> Json:
    return {
        "type": "object",
        "description": "The request was not carried out: why, by number, in general and in detail.",
        "properties": {
            "status": {"type": "integer", "enum": refusals(), "description": _table()},
            "message": {"type": "string", "description": "What the status means."},
            "details": {"type": "string", "description": "What was wrong: the field and the reason."},
        },
        "required": ["status", "message", "details"],
        "xml": {"name": "response"},
    }


def refusals() -> list[Status]:
    """The statuses of requests that were not carried out."""
    return [status for status in MESSAGES if status not in _STATUS]


def _table() -> str:
    return "; ".join(f"{status}: {MESSAGES[status]}" for status in refusals())
