"""The process that the roles of a server come from: it has loaded the code, and forks.

A process that begins by loading Chappe takes a second of CPU for it, four of them four; a fork takes milliseconds and
shares the memory of the code. `python -m chappe.runtime.nursery` is started by the supervisor (`supervisor.py`), with
the settings in the environment, and talks to it in lines: `gateway` asks for one, `began gateway 17` and
`ended gateway 17 -9` tell of it. When its standard input ends it is gone, and with it every process that it made: their
standard input is a pipe that it alone holds open.
"""

import gc
import os
import selectors
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final

from chappe.runtime import process
from chappe.runtime.process import ROLES, Role

_LINES: Final = 4096


def main() -> None:
    """Fork what is asked for, until nobody asks any more."""
    _name("chappe-nursery")
    for role in ROLES:
        import_module(f"chappe.runtime.{role}")
    gc.collect()
    gc.freeze()  # or the collector of each child would write to every page of what they share
    alive, held = os.pipe()
    mine = _Nursery(alive, held).live()
    if mine is not None:
        _name(f"chappe-{mine}")
        process.supervised(mine)


class _Nursery:
    """Shape: `alive` is what children watch, `held` the other end of it."""

    def __init__(self, alive: int, held: int) -> None:
        self._alive = alive
        self._held = held
        self._children: dict[int, Role] = {}

    def live(self) -> Role | None:
        """The role that this process is to play, in a child; None when it is over."""
        wakes, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            for source in (sys.stdin.fileno(), wakes):
                selector.register(source, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    said = os.read(key.fd, _LINES)
                    if key.fd == wakes:
                        self._tell_of_the_ended()
                    elif not said:
                        return None
                    for role in _roles(said) if key.fd != wakes else ():
                        if not self._bear(role):
                            for each in (wakes, woken):
                                os.close(each)
                            return role

    def _bear(self, role: Role) -> bool:
        """Fork; False in the child."""
        pid = os.fork()
        if pid:
            self._children[pid] = role
            _say("began", role, pid)
            return True
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.close(self._held)
        os.dup2(self._alive, sys.stdin.fileno())
        os.close(self._alive)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return False

    def _tell_of_the_ended(self) -> None:
        for pid, role in list(self._children.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._children[pid]
                _say("ended", role, pid, os.waitstatus_to_exitcode(status))


def _say(*words: str | int) -> None:
    with suppress(BrokenPipeError):  # the supervisor is gone, and so are we in a moment
        os.write(sys.stdout.fileno(), f"{' '.join(map(str, words))}\n".encode())


def _roles(said: bytes) -> Iterator[Role]:
    asked = said.decode().split()
    return (role for name in asked for role in ROLES if role == name)


def _name(name: str) -> None:
    """What `top` and `ps -o comm` call this process; systems without it call it python."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)


if __name__ == "__main__":
    main()
