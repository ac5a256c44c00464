"""Ask a carrier about numbers over HTTP."""

from collections.abc import Sequence
from typing import Final

import aiohttp

from chappe.carriers.guarded_http import guarded_session, read_capped
from chappe.carriers.lookups import LookupFailed, LookupService, answer, request
from chappe.domain.lookups import LookupResult

USER_AGENT: Final = "Chappe look-ups"
# The operator chose the address: his carrier may well be in a private network.
_EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
MAX_ANSWER_BYTES: Final = 2 * 1024 * 1024


class LookupClient:
    """The connections to the carriers' look-up services; made when the first one is asked."""

    def __init__(self, *, timeout_s: float) -> None:
        self._session = guarded_session(_EVERYWHERE, user_agent=USER_AGENT, total_s=timeout_s)

    async def ask(self, service: LookupService, numbers: Sequence[int]) -> dict[int, LookupResult]:
        """What the carrier tells about these numbers; it need not be all of them.

        Raises: LookupFailed.
        """
        call = request(service, numbers)
        try:
            async with self._session.post(
                call.url, headers=call.headers, data=call.body, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise LookupFailed(f"HTTP {response.status}")
                body = await read_capped(response, MAX_ANSWER_BYTES)
            return answer(body, frozenset(numbers))
        except TimeoutError:
            raise LookupFailed("no answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise LookupFailed(type(error).__name__) from None

    async def close(self) -> None:
        await self._session.close()
