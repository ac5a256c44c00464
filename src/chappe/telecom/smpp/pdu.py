"""Codec (being filled in)."""

from .bodies import ShortMessage


class EncodingError(ValueError):
    """A field does not fit the wire; `field` names it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


class SubmitTemplate:
    """submit_sm with everything fixed but destination, text and sequence number."""

    def __init__(self, message: ShortMessage) -> None: ...
