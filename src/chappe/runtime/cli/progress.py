"""A bar for who watches something long."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(name: str) -> Iterator[Callable[[float], None]]:
    """A bar on standard error, if that is a terminal; it is told how much is done, from 0 to 1."""
    if not sys.stderr.isatty():
        yield lambda share: None
        return
    # Loading it takes longer than what is short.
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=1.0)
        yield lambda share: progress.update(task, completed=share)
