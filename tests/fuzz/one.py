"""One fuzzing process, with its target's name first and the arguments of libFuzzer after it.

python -m tests.fuzz.one delivery new/ tests/fuzz/corpus/delivery -runs=100000
"""

import sys

import atheris

with atheris.instrument_imports(
    include=["chappe.telecom", "chappe.carriers.incoming", "chappe.surfaces.smpp_server.reading"]
):
    from tests.fuzz.targets import FOLDERS, TARGETS

from tests.fuzz.mutation import mutated


def main() -> None:
    """Fuzz until the runs or the time are over; a crash leaves the input that made it."""
    target = sys.argv.pop(1)
    if target in FOLDERS:

        def mutate(data: bytes, max_size: int, seed: int) -> bytes:
            return mutated(bytes(data), max_size, seed, _mutate)

        atheris.Setup(sys.argv, TARGETS[target], custom_mutator=mutate)
    else:
        atheris.Setup(sys.argv, TARGETS[target])
    atheris.Fuzz()


def _mutate(data: bytes, max_size: int) -> bytes:
    return bytes(atheris.Mutate(data, max_size))


if __name__ == "__main__":
    main()
