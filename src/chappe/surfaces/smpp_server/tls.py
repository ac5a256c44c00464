"""TLS for customers: our certificate, and theirs."""

import ssl
from pathlib import Path

from chappe.domain.errors import Unavailable


def context(certificate: Path, key: Path | None, client_ca: Path | None) -> ssl.SSLContext:
    """What a TLS port is opened with.

    Shape:  with `client_ca` a customer may show a certificate that it signed; users who need one are refused without.
    Raises: Unavailable when a file cannot be used.
    """
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        found.load_cert_chain(certificate, key)
        if client_ca is not None:
            found.load_verify_locations(client_ca)
            found.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as error:
        raise Unavailable(f"the TLS certificate for SMPP cannot be used: {error}") from error
    return found
