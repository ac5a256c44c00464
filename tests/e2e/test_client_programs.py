"""Programs that call as the known clients do, one for each style, against a running server.

Each stands alone (`python tests/clients/php_library.py URL TOKEN EMAIL PASSWORD`), needs the standard library only, and
walks through what that client offers.
"""

import asyncio
import sys
from pathlib import Path

from tests.server import Server, prepare

PROGRAMS = sorted((Path(__file__).parents[1] / "clients").glob("*.py"))
TIMEOUT_S = 90


def test_there_is_a_program_for_every_style() -> None:
    assert len(PROGRAMS) == 9


def test_every_client_works_with_only_the_address_changed(tmp_path: Path) -> None:
    assert asyncio.run(_faults(tmp_path)) == {}


async def _faults(folder: Path) -> dict[str, str]:
    """What the programs that failed said, run one after the other against one installation."""
    prepared = await prepare(folder, 0)
    server = Server(prepared, folder / "log")
    arguments = [server.url, prepared.token, "shop@example.org", "open-sesame"]
    await server.start()
    try:
        await server.until_ready("/health/live")
        said = {program.stem: await _run(program, arguments) for program in PROGRAMS}
    finally:
        await server.stop()
    return {name: words for name, words in said.items() if words}


async def _run(program: Path, arguments: list[str]) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(program), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    return said.decode() if process.returncode else ""
