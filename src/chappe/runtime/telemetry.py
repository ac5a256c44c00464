"""Logs: one line for each request and each job, numbers and texts never in full."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# Field names that may carry what a person wrote or who he is.
_PRIVATE = frozenset({"number", "to", "from", "text", "token", "password", "signature", "authorization", "payload"})


def configure(level: str, form: str, role: str) -> None:
    """Set up the log of this process, on standard error."""
    renderer: Any
    if form == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _masked,
            structlog.processors.dict_tracebacks if form == "json" else structlog.processors.ExceptionRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s [{role}] %(name)s %(message)s", stream=sys.stderr)


def _masked(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A guard, not a licence: code does not log private fields, and one that slips in is cut here."""
    for name in _PRIVATE & event.keys():
        value = str(event[name])
        event[name] = value[:4] + "…" if name in ("number", "to", "from") else "…"
    return event
