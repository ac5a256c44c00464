"""One installation for all tests of a process that talk to others' programs."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tests.interop.site import Site, installed


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Chappe with a simulated carrier: it starts with the first test that needs it."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        yield runner.run(stack.enter_async_context(installed(tmp_path_factory.mktemp("site"), runner)))
        runner.run(stack.aclose())
