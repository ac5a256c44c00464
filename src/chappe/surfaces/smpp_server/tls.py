"""TLS for customers: our certificate, and theirs."""

import ssl
from pathlib import Path
from typing import NamedTuple

import structlog

from chappe.domain.errors import Unavailable

_log = structlog.get_logger("chappe.binds")

_Stamp = tuple[int, int, int] | None


class _Files(NamedTuple):
    """Where our certificate, its key and who signs theirs are read from."""

    certificate: Path
    key: Path | None
    client_ca: Path | None

    def read(self) -> ssl.SSLContext:
        """Raises: Unavailable when a file cannot be used."""
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            found.load_cert_chain(self.certificate, self.key, password=_nobody_to_ask)
            if self.client_ca is not None:
                found.load_verify_locations(self.client_ca)
                found.verify_mode = ssl.CERT_OPTIONAL
        except (OSError, ssl.SSLError) as error:
            raise Unavailable(f"the TLS certificate for SMPP cannot be used: {error}") from error
        return found

    def stamps(self) -> list[_Stamp]:
        """What is different once a file was written or replaced."""
        return [_stamp(each) for each in self if each is not None]


class _Renewal:
    """Gives each handshake the newest certificate that can be used.

    A port keeps its context for as long as it is open, and a context its first certificate: OpenSSL lets a handshake
    take over another context's, also from who names no server. Cost: two or three stat a handshake.
    """

    def __init__(self, files: _Files, stamps: list[_Stamp]) -> None:
        self._files = files
        self._seen = stamps
        self._newest: ssl.SSLContext | None = None

    def __call__(self, connection: ssl.SSLSocket | ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        stamps = self._files.stamps()
        if stamps != self._seen:
            self._seen = stamps
            self._renew()
        if self._newest is not None:
            connection.context = self._newest

    def _renew(self) -> None:
        try:
            self._newest = self._files.read()
        except Unavailable as error:  # half of it is written, say: it is read again when it has changed once more
            _log.warning("the certificate for SMPP was changed and the one before is kept", reason=str(error))
        else:
            _log.info("the certificate for SMPP is renewed")


def context(certificate: Path, key: Path | None, client_ca: Path | None) -> ssl.SSLContext:
    """What a TLS port is opened with; files that change are read again at the next handshake.

    Shape:  with `client_ca` a customer may show a certificate that it signed; users who need one are refused without.
    Raises: Unavailable when a file cannot be used.
    """
    files = _Files(certificate, key, client_ca)
    stamps = files.stamps()  # before: what is written meanwhile is read again
    found = files.read()
    found.sni_callback = _Renewal(files, stamps)
    return found


def names_in(certificate: object) -> frozenset[str]:
    """The names in a client's certificate, as `getpeercert` tells it: CN and dNSName."""
    if not isinstance(certificate, dict):
        return frozenset()
    common = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    hosts = [value for key, value in certificate.get("subjectAltName", ()) if key == "DNS"]
    return frozenset(map(str, common + hosts))


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _nobody_to_ask() -> str:
    """The password of a key that has one: OpenSSL would ask for it on the terminal, and wait."""
    return ""
