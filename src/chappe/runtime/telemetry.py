"""Logs: one line for each request and each job, numbers and texts never in full."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import msgspec
import structlog

# Field names that may carry what a person wrote or who he is.
_PRIVATE = frozenset({"number", "to", "from", "text", "token", "password", "signature", "authorization", "payload"})


def configure(level: str, form: str) -> None:
    """Set up the log of this process, on standard error."""
    # Tracebacks without local variables: those would be texts, numbers and tokens.
    renderers: list[Any]
    if form == "json":
        plain = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        renderers = [structlog.processors.ExceptionRenderer(plain), structlog.processors.JSONRenderer(_json)]
    else:
        colours = sys.stderr.isatty()
        renderers = [
            structlog.dev.ConsoleRenderer(
                colors=colours, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
            )
        ]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _masked,
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()], force=True)


class _Forward(logging.Handler):
    """What libraries log, in the form of our own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        log.log(record.levelno, record.getMessage(), library=record.name, exc_info=record.exc_info)


def _json(event: object, **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


def _masked(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A guard, not a licence: code does not log private fields, and one that slips in is cut here."""
    for name in _PRIVATE & event.keys():
        value = str(event[name])
        event[name] = value[:4] + "…" if name in ("number", "to", "from") else "…"
    return event
