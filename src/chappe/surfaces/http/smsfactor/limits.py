"""How much one request may carry."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """The caps of a request, chosen by the operator; each is named in the answer that refuses.

    Shape: `open_registration` lets any main account open others;
           the defaults let 100,000 recipients with references through, in JSON and in XML.
    """

    max_body_bytes: int = 32 * 1024 * 1024
    max_recipients: int = 100_000
    max_text_characters: int = 3_000
    max_reference_characters: int = 255
    max_sender_characters: int = 64
    open_registration: bool = True
    max_info_characters: int = 1_000
    max_lists: int = 1_000
