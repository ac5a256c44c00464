"""The fewest and shortest inputs that reach everything the found ones reach."""

import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.fuzz.targets import CORPUS, FOLDERS, TARGETS

WATCHED: Final = ("/chappe/telecom/", "/chappe/carriers/incoming.py", "/chappe/surfaces/smpp_server/reading.py")
Feature = tuple[str, int, int, int]


def reached(target: Callable[[bytes], None], data: bytes) -> set[Feature]:
    """Which line follows which in the watched files, and about how often."""
    seen: Counter[tuple[str, int, int]] = Counter()

    def enter(frame: FrameType, _event: str, _argument: Any) -> Callable[..., Any] | None:
        name = frame.f_code.co_filename
        if not any(part in name for part in WATCHED):
            return None
        last = frame.f_lineno

        def line(inner: FrameType, _event: str, _argument: Any) -> Callable[..., Any]:
            nonlocal last
            seen[name, last, inner.f_lineno] += 1
            last = inner.f_lineno
            return line

        return line

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        target(data)
    finally:
        sys.settrace(before)
    return {(*step, min(count.bit_length(), 5)) for step, count in seen.items()}


def minimise(found: Path) -> dict[str, tuple[int, int]]:
    """Rewrite every folder of the corpus; how many inputs and octets each has now."""
    folders: dict[str, list[str]] = {}
    for target in TARGETS:
        folders.setdefault(FOLDERS.get(target, target), []).append(target)
    return {folder: _folder(folder, targets, found / folder) for folder, targets in folders.items()}


def _folder(folder: str, targets: Iterable[str], found: Path) -> tuple[int, int]:
    there = [path.read_bytes() for path in (*found.glob("*"), *(CORPUS / folder).glob("*"))]
    kept: list[bytes] = []
    known: set[tuple[str, Feature]] = set()
    for data in sorted(set(there), key=lambda data: (len(data), data)):
        new = {(target, step) for target in targets for step in reached(TARGETS[target], data)}
        if not new <= known:
            known |= new
            kept.append(data)
    names = {hashlib.sha256(data).hexdigest()[:16]: data for data in kept}
    for path in (CORPUS / folder).glob("*"):
        if path.name not in names:
            path.unlink()
    for name, data in names.items():
        (CORPUS / folder / name).write_bytes(data)
    return len(kept), sum(map(len, kept))
