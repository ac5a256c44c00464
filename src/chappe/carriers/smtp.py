"""Hand mails to a mail server over SMTP."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiosmtplib

from chappe.domain.mails import MailServer

TIMEOUT_S: Final = 15.0
_PERMANENT: Final = 500
_MAX_REASON: Final = 500
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Away(Exception):
    """The server cannot be used now: no connection, no valid certificate, no log-in. Says nothing about a mail."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The server has the mail, and said so."""

    reply: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The server does not want the mail: now, or for good."""

    reason: str
    is_permanent: bool


class MailConnection:
    """One open connection to a mail server."""

    def __init__(self, client: aiosmtplib.SMTP, server: MailServer) -> None:
        self._client = client
        self._server = server

    @property
    def is_encrypted(self) -> bool:
        return self._client.get_transport_info("sslcontext") is not None

    async def send(self, recipient: str, octets: bytes) -> Taken | NotTaken:
        """Hand one mail over. Raises: Away when the connection breaks: the server may have taken it or not."""
        try:
            _, reply = await self._client.sendmail(self._server.sender.addr_spec, [recipient], octets)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _refused(error.recipients[0])
        except aiosmtplib.SMTPResponseException as error:
            if not self._client.is_connected:
                # Not its words: they may name the recipient, and this goes into the log.
                raise Away(f"the server closed the connection with {error.code}") from error
            return _refused(error)
        except ValueError as error:  # an address that is not one
            return NotTaken(str(error)[:_MAX_REASON], is_permanent=True)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Away(f"the connection broke: {error}"[:_MAX_REASON]) from error
        return Taken(reply[:_MAX_REASON])


@asynccontextmanager
async def connected(server: MailServer, *, timeout_s: float = TIMEOUT_S) -> AsyncIterator[MailConnection]:
    """Connect, encrypt when the server offers it, log in when there is a user.

    A password is never sent in the clear, but for a server on this machine.
    Raises: Away.
    """
    client = aiosmtplib.SMTP(
        hostname=server.host, port=server.port, use_tls=server.is_tls, timeout=timeout_s, tls_context=_trust(server)
    )
    try:
        await _open(client, server)
        yield MailConnection(client, server)
    finally:
        await _close(client)


async def _open(client: aiosmtplib.SMTP, server: MailServer) -> None:
    try:
        await client.connect()
        if server.user:
            if client.get_transport_info("sslcontext") is None and server.host not in _LOOPBACK:
                raise Away("the server offers no encryption, so the password was not sent")
            await client.login(server.user, server.password)
    except aiosmtplib.SMTPAuthenticationError as error:
        raise Away(f"the server refuses the user name or password: {_said(error)}") from error
    except aiosmtplib.SMTPResponseException as error:
        raise Away(_said(error)) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Away(f"cannot connect to {server.host} port {server.port}: {error}"[:_MAX_REASON]) from error


async def _close(client: aiosmtplib.SMTP) -> None:
    try:
        if client.is_connected:
            await client.quit()
    except (aiosmtplib.SMTPException, OSError):
        pass  # it has what it took
    finally:
        client.close()


def _trust(server: MailServer) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca_file or None)
    except OSError as error:
        raise Away(f"cannot read the certificates in {server.ca_file}: {error}") from error


def _refused(error: aiosmtplib.SMTPResponseException) -> NotTaken:
    return NotTaken(_said(error), is_permanent=error.code >= _PERMANENT)


def _said(error: aiosmtplib.SMTPResponseException) -> str:
    return f"{error.code} {error.message}"[:_MAX_REASON]
