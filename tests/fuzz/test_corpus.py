"""What fuzzing found, and many changes of it, through the same laws: the same inputs each time, without the fuzzer."""

import random
from itertools import cycle

import pytest

from tests.fuzz.mutation import mutated
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import CORPUS, FOLDERS, TARGETS

CHANGES = 2000
MOST = 2048


def inputs(target: str) -> list[bytes]:
    """The corpus of a target, what it started from first."""
    return [*seeds()[target], *(path.read_bytes() for path in sorted((CORPUS / FOLDERS.get(target, target)).glob("*")))]


@pytest.mark.parametrize("target", TARGETS)
def test_every_input_of_the_corpus_keeps_the_laws(target: str) -> None:
    for data in inputs(target):
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_changes_of_the_corpus_keep_the_laws(target: str) -> None:
    dice = random.Random(20261124)

    def change(data: bytes, most: int) -> bytes:
        octets = bytearray(data)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(octets) + 1)
            octets[at : at + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
        return bytes(octets[:most])

    for number, data in zip(range(CHANGES), cycle(inputs(target)), strict=False):
        one = mutated(data, MOST, number, change) if target in FOLDERS else change(data, MOST)
        TARGETS[target](one)


def test_the_corpus_is_small_and_has_nothing_twice() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert len(files) > 200
    assert sum(path.stat().st_size for path in files) < 1_000_000
    assert len({(path.parent, path.read_bytes()) for path in files}) == len(files)
