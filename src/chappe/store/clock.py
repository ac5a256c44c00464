"""The time as the database's rows have it. With one machine that is the machine's clock."""

import time


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000
