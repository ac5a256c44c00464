"""How `chappe bind list` looks."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from chappe.domain.bind_users import BindOptions
from chappe.manage.bind_users import BindView
from chappe.store.bind_sessions import BindSession
from chappe.store.clock import now_ms


def lines(view: BindView) -> Iterator[str]:
    """A user, his binds below him."""
    user, now = view.user, now_ms()
    yield f"{user.system_id:<16} account {user.account.id} ({user.account.email}), {_options(user.options)}"
    for session in view.sessions:
        yield f"    {_session(session)}"
    if not view.sessions:
        yield "    not bound"
    if view.waiting is not None:
        age = _span(now - view.waiting.oldest_at)
        yield f"    {view.waiting.waiting} receipts and replies wait, the oldest for {age}"
    if user.expired:
        yield f"    {user.expired} receipts and replies were given up: nobody took them in time"


def as_json(view: BindView) -> dict[str, object]:
    """The same for programs. Units: seconds, milliseconds UTC."""
    user, waiting = view.user, view.waiting
    return {
        "system_id": user.system_id,
        "account": user.account.id,
        "options": msgspec.structs.asdict(user.options),
        "binds": [
            {**session._asdict(), "oddities": msgspec.json.decode(session.oddities or "{}")}
            for session in view.sessions
        ],
        "waiting": waiting.waiting if waiting else 0,
        "oldest_s": (now_ms() - waiting.oldest_at) / 1000 if waiting else 0.0,
        "expired": user.expired,
    }


def _options(options: BindOptions) -> str:
    said = [
        f"{options.kind}s",
        f"window {options.window}",
        f"{options.rate}/s" if options.rate else "no rate limit",
        f"{options.binds} binds",
        f"data_coding 0 is {options.alphabet}, 1 is {options.ia5}",
    ]
    if options.networks:
        said.append("from " + ", ".join(options.networks))
    if options.certificate:
        said.append(f"with the certificate of {options.certificate}")
    elif options.tls:
        said.append("only over TLS")
    if not options.replies:
        said.append("no replies")
    return ", ".join(said)


def _session(session: BindSession) -> str:
    tls = " TLS" if session.is_tls else ""
    since = datetime.fromtimestamp(session.bound_at / 1000, UTC)
    odd = ""
    if session.oddities:
        counts: dict[str, int] = msgspec.json.decode(session.oddities)
        odd = ", odd: " + ", ".join(f"{name} ({count})" for name, count in counts.items())
    return (
        f"{session.mode} {session.version >> 4}.{session.version & 15}{tls} from {session.address} since"
        f" {since:%Y-%m-%d %H:%M:%S} UTC: received {session.received}, refused {session.refused},"
        f" delivered {session.delivered}, in flight {session.in_flight}{odd}"
    )


def _span(ms: int) -> str:
    seconds = max(0, ms // 1000)
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}"
    return f"{seconds} s"
