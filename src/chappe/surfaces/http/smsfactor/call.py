"""One request as a handler sees it."""

from collections.abc import Mapping
from dataclasses import dataclass

from chappe.domain.accounts import Account
from chappe.domain.errors import NotFound
from chappe.surfaces.http.smsfactor.documents import RequestDocument
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.use_cases import UseCases

# An id with more digits than this is none of ours, and no integer of an engine.
MAX_ID_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request.

    Shape: `place` is what stands at `:id` in the path; `headers` have lower-case names.
    """

    use_cases: UseCases
    limits: RequestLimits
    account: Account
    method: str
    path: str
    place: str
    headers: Mapping[bytes, bytes]
    query: Mapping[str, str]
    document: RequestDocument

    def id_of(self, thing: str) -> int:
        """The id in the path. Raises: NotFound when it cannot be the id of anything."""
        if not (self.place.isascii() and self.place.isdigit() and len(self.place) <= MAX_ID_DIGITS):
            raise NotFound(f"there is no such {thing}", field="id")
        return int(self.place)
