"""What in `kafka.security` cannot work: settings that contradict each other, files of no use."""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

from streaming.settings.kafka_security import KafkaSecurity

Problem = tuple[str, str]
"""A setting's name within the block, and what is wrong with it."""

_SASL_ONLY = ("mechanism", "username", "password", "password_file")
_TLS_ONLY = ("ca_file", "certificate_file", "key_file", "key_password")
_FILES = ("password_file", "ca_file", "certificate_file", "key_file")


def problems(security: KafkaSecurity) -> list[Problem]:
    """Contradictions; where there are none, what is wrong with the files."""
    given = {n for n in KafkaSecurity.model_fields if getattr(security, n) is not None}
    return (
        [*_sasl(security, given), *_tls(security, given), *_halves(given)]
        or [(name, why) for name in _FILES if (why := _unread(getattr(security, name)))]
        or [*_contents(security)]
    )


def _sasl(security: KafkaSecurity, given: set[str]) -> Iterator[Problem]:
    if not security.signs_in:
        for name in _SASL_ONLY:
            if name in given:
                yield name, f"needs protocol SASL_SSL or SASL_PLAINTEXT, not {security.protocol}"
        return
    for name in ("mechanism", "username"):
        if name not in given:
            yield name, f"is missing: {security.protocol} needs it"
    if not given & {"password", "password_file"}:
        yield "password", f"is missing: {security.protocol} needs it, or password_file"
    if {"password", "password_file"} <= given:
        yield "password_file", "is set, and password too; keep one of the two"


def _tls(security: KafkaSecurity, given: set[str]) -> Iterator[Problem]:
    for name in _TLS_ONLY:
        if name in given and not security.encrypted:
            yield name, f"needs protocol SASL_SSL or SSL, not {security.protocol}"


def _halves(given: set[str]) -> Iterator[Problem]:
    pair = ("certificate_file", "key_file")
    for one, other in (pair, pair[::-1], ("key_password", "key_file")):
        if one in given and other not in given:
            yield other, f"is missing: {one} is of no use without it"


def _contents(security: KafkaSecurity) -> Iterator[Problem]:
    if security.password_file is not None and not _text(security.password_file):
        yield "password_file", f"names {security.password_file}, which holds no text"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if security.ca_file is not None:
        try:
            context.load_verify_locations(security.ca_file)
        except (ssl.SSLError, OSError):
            yield "ca_file", f"names {security.ca_file}, which holds no certificate in PEM"
    if security.certificate_file is not None and security.key_file is not None:
        password = security.key_password.get_secret_value() if security.key_password else ""
        try:
            # An empty password, since with none OpenSSL would ask for one at the terminal.
            context.load_cert_chain(security.certificate_file, security.key_file, password)
        except (ssl.SSLError, OSError, ValueError) as exc:
            yield "key_file", _unfit(exc, _text(security.key_file))


def _unread(path: Path | None) -> str | None:
    """Why a file cannot be read; None if it can, or if there is none to read."""
    if path is None:
        return None
    if not path.exists():
        return f"names {path}, which is not there"
    if not path.is_file():
        return f"names {path}, which is no file"
    return None if os.access(path, os.R_OK) else f"names {path}, which this user may not read"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _unfit(exc: Exception, key: str) -> str:
    if getattr(exc, "reason", None) == "KEY_VALUES_MISMATCH":
        return "is not the key of certificate_file"
    if "ENCRYPTED" in key:  # in PEM's first line, or its second in older keys
        return "is encrypted, and kafka.security.key_password does not open it"
    return "and certificate_file hold no private key and certificate in PEM"
