"""The vendors that can be named: those written in Python, and the templates in `rules/http_carriers`."""

from functools import cache
from importlib import resources
from typing import Final

from chappe.carriers.http.generic import Templated
from chappe.carriers.http.smsfactor import SmsFactor
from chappe.carriers.http.template import Template, read_template
from chappe.carriers.http.twilio import Twilio
from chappe.carriers.http.vendor import Vendor
from chappe.carriers.http.vonage import Vonage
from chappe.domain.errors import BadData

_WRITTEN: Final[dict[str, Vendor]] = {vendor.name: vendor for vendor in (SmsFactor(), Twilio(), Vonage())}
_FOLDER: Final = resources.files("chappe.rules").joinpath("http_carriers")
GENERIC: Final = "generic"
"""The name of a vendor whose template the operator brings."""


def vendor_of(name: str, template: Template | None = None) -> Vendor:
    """The vendor of a name, or of a template of the operator's own. Raises: BadData."""
    if template is not None:
        return Templated(template)
    if name in _WRITTEN:
        return _WRITTEN[name]
    if name not in ready_templates():
        raise BadData(f"there is no vendor {name!r}: one of {', '.join(vendors())}, or a template", field="http")
    return Templated(ready_template(name))


def vendors() -> list[str]:
    """The names of all that need no template."""
    return sorted({*_WRITTEN, *ready_templates()})


@cache
def ready_templates() -> tuple[str, ...]:
    """The names of the templates that come with Chappe."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _FOLDER.iterdir() if path.name.endswith(".toml")))


@cache
def ready_template(name: str) -> Template:
    """A template that comes with Chappe."""
    return read_template(_FOLDER.joinpath(f"{name}.toml").read_text("utf-8"))
