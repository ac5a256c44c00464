"""Measure short links: codes a second, and how long a redirect takes (`python -m tests.load.links`)."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from secrets import token_bytes

import structlog

from chappe.domain.clicks import Click, Device
from chappe.domain.links import LinkCodes
from chappe.pipeline import clicks
from chappe.store import links
from tests.builders import running_api
from tests.wire import read_reply

CODES = 50_000
CAMPAIGNS = 20_000
REDIRECTS = 5_000
REPEATS = 3


def codes() -> float:
    """Microseconds a code, the best of a few."""
    made, times = LinkCodes(token_bytes(32)), []
    for _ in range(REPEATS):
        began = time.perf_counter()
        made.of(10**6, CODES, 0)
        times.append(time.perf_counter() - began)
    return min(times) / CODES * 1e6


async def redirects(folder: Path) -> tuple[list[float], float]:
    """Milliseconds of each redirect over one connection, and those of recording a full batch of clicks."""
    async with running_api(folder) as api:
        await api.use_cases.webhooks.create(api.account, type="CLICKER", url="https://hooks.example/", signature=None)
        shortener = await api.use_cases.links.shortener()
        for campaign in range(CAMPAIGNS):
            span = (1 + campaign * 10, 10 + campaign * 10)
            await api.store.write(lambda tx, c=campaign, s=span: links.insert(tx, 1, c, s, ["https://shop.example/"]))  # type: ignore[misc]
        paths = [link.rpartition("/")[2] for link in shortener.links(1, 1, CAMPAIGNS * 10)[0]]
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        times = []
        for turn in range(REDIRECTS):
            path = paths[turn * 7919 % len(paths)]
            began = time.perf_counter()
            writer.write(f"GET /{path} HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0 (iPhone)\r\n\r\n".encode())
            assert (await read_reply(reader)).status == 302
            times.append((time.perf_counter() - began) * 1000)
        writer.close()
        many = [Click(1, 1, 1 + i, 0, "abcdefgh", "https://shop.example/", 0, "") for i in range(clicks.BATCH)]
        began = time.perf_counter()
        await api.store.write(lambda tx: clicks.record(tx, api.ids, many, [Device()] * len(many), 0))
        return times, (time.perf_counter() - began) * 1000


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    print(f"code: {codes():.1f} µs")
    best: list[float] = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            times, _ = asyncio.run(redirects(Path(folder)))
        if not best or statistics.median(times) < statistics.median(best):
            best = times
    cuts = statistics.quantiles(best, n=100)
    print(f"redirect, one after the other: median {cuts[49]:.2f} ms, 95 % {cuts[94]:.2f} ms, 99 % {cuts[98]:.2f} ms")


if __name__ == "__main__":
    main()
