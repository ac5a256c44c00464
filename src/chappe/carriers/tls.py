"""Encryption of a link: what is verified, what we show of ourselves, and in plain words why it did not work."""

import ssl
from pathlib import Path
from typing import Final

from chappe.carriers.smpp_options import SmppOptions

_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
# Why a certificate is not believed. Source: OpenSSL, X509_verify_cert errors.
_CERTIFICATE: Final = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is signed by itself: name it as tls_ca_file if it is the right one",
    19: "its certificates end with one that nobody here trusts",
    20: "its certificate is signed by nobody whom we trust",
    21: "its certificate is signed by nobody whom we trust",
    23: "its certificate was revoked",
    62: "its certificate is for another name: the names do not match",
    64: "its certificate is for another address: the names do not match",
}
# What the other reasons mean; a part of OpenSSL's word decides.
_REASONS: Final = (
    ("CERTIFICATE_REQUIRED", "it wants a certificate of ours"),
    ("ALERT_CERTIFICATE_EXPIRED", "our certificate has expired, it says"),
    ("ALERT_UNKNOWN_CA", "it does not know who signed our certificate"),
    ("ALERT_BAD_CERTIFICATE", "it refuses our certificate"),
    ("ALERT_CERTIFICATE_UNKNOWN", "it refuses our certificate"),
    ("ALERT_ACCESS_DENIED", "it refuses our certificate"),
    ("KEY_VALUES_MISMATCH", "our key belongs to another certificate"),
    ("ALERT_PROTOCOL_VERSION", "it speaks another version of TLS"),
    ("UNSUPPORTED_PROTOCOL", "it speaks an older version of TLS than tls_min_version"),
    ("WRONG_VERSION_NUMBER", "it speaks no TLS there"),
    ("HTTP_REQUEST", "it speaks no TLS there"),
    ("HANDSHAKE_FAILURE", "it found nothing in common with us: a version, a cipher or a certificate that it wants"),
    ("EOF", "it ended the connection while TLS was being agreed on"),
)


def context_of(options: SmppOptions) -> ssl.SSLContext:
    """What a link is encrypted with. Raises: OSError with the reason, also for what is in the files."""
    for name in (options.tls_ca_file, options.tls_certificate_file, options.tls_key_file):
        if name and not Path(name).is_file():
            raise OSError(f"there is no file {name}")
    try:
        context = ssl.create_default_context(cafile=options.tls_ca_file or None)
        context.minimum_version = _VERSIONS[options.tls_min_version]
        if options.tls_verify != "full":
            context.check_hostname = False
        if options.tls_verify == "none":
            context.verify_mode = ssl.CERT_NONE
        if options.tls_certificate_file:
            # A key with a pass phrase would ask for it on the terminal.
            context.load_cert_chain(options.tls_certificate_file, options.tls_key_file or None, password="")
    except ssl.SSLError as error:
        raise OSError(_reason(error) or f"the certificate files cannot be used: {error.reason or error}") from None
    return context


def failure(error: Exception) -> str:
    """Why a connection was not made or ended, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, f"its certificate is not valid: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return _reason(error) or f"TLS: {error.reason or error}"
    if isinstance(error, TimeoutError) and not error.args:
        return "it did not answer in time"
    return str(error) or type(error).__name__


def _reason(error: ssl.SSLError) -> str | None:
    given = (error.reason or str(error)).upper().replace(" ", "_")
    return next((words for part, words in _REASONS if part in given), None)
