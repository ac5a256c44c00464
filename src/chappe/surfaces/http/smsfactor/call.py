"""One request as a handler sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from chappe.domain.accounts import Account
from chappe.domain.errors import BadData, NotFound
from chappe.domain.requests import IdempotencyKey
from chappe.surfaces.http.smsfactor.documents import RequestDocument
from chappe.surfaces.http.smsfactor.limits import RequestLimits
from chappe.surfaces.http.use_cases import UseCases

# An id with more digits than this is none of ours, and no integer of an engine.
MAX_ID_DIGITS = 18
MAX_KEY_CHARACTERS = 255


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

    def idempotency_key(self, request: object) -> IdempotencyKey | None:
        """The caller's key with what he asked for, not with how he formatted it. Raises: BadData."""
        key = self.headers.get(b"idempotency-key", b"").strip().decode("latin-1")
        if not key:
            return None
        if len(key) > MAX_KEY_CHARACTERS:
            raise BadData(f"is longer than {MAX_KEY_CHARACTERS} characters", field="Idempotency-Key")
        asked = msgspec.json.encode([self.method, self.path, request])
        return IdempotencyKey(key, sha256(asked).digest())
