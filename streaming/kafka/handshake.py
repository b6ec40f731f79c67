"""Why a broker and we do not come together over TLS, found out by shaking hands once more.

librdkafka says "certificate verify failed" for an expired certificate, an unknown authority and
another host's name alike.
"""

import contextlib
import socket
import ssl
from collections.abc import Iterable

from streaming.settings import KafkaSettings

Address = tuple[str, int]

_CONNECT_S = 3.0
_ANSWER_S = 0.5
"""In TLS 1.3 a broker refuses our certificate only after the handshake."""
_EXPIRED, _NOT_YET = 10, 9
_HOST_MISMATCH, _ADDRESS_MISMATCH = 62, 64
_UNTRUSTED = {18, 19, 20, 21}
"""OpenSSL's verification results (x509_vfy.h)."""


def addresses(kafka: KafkaSettings) -> list[Address]:
    """The configured brokers, by host and port."""
    found = []
    for server in kafka.bootstrap_servers.split(","):
        host, _, port = server.rpartition("://")[2].rpartition(":")
        found.append((host.strip("[]"), int(port)))
    return found


def obstacle(kafka: KafkaSettings, brokers: Iterable[Address]) -> str | None:
    """What stands in the way at the first of these brokers where something does; None if nothing.

    The text names the setting to look at.
    """
    for broker in brokers:
        with contextlib.suppress(OSError):
            found = _tls(kafka, broker) if kafka.security.encrypted else _no_tls(kafka, broker)
            if found is not None:
                return found
    return None


def takes_connections(kafka: KafkaSettings) -> bool:
    """Whether anything listens at one of the configured addresses."""
    for broker in addresses(kafka):
        with contextlib.suppress(OSError):
            socket.create_connection(broker, timeout=_CONNECT_S).close()
            return True
    return False


def _tls(kafka: KafkaSettings, broker: Address) -> str | None:
    security, (host, port) = kafka.security, broker
    context = ssl.create_default_context(cafile=security.ca_file)
    if not security.check_hostname:
        context.check_hostname = False
    if security.certificate_file is not None:
        password = security.key_password.get_secret_value() if security.key_password else ""
        context.load_cert_chain(security.certificate_file, security.key_file, password)
    where = f"the broker at {host}:{port}"
    try:
        with (
            socket.create_connection(broker, timeout=_CONNECT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as tls,
        ):
            tls.settimeout(_ANSWER_S)
            tls.recv(1)
    except ssl.SSLCertVerificationError as exc:
        return _unverified(kafka, where, host, exc)
    except TimeoutError:
        return None  # it waits for a request: all is well
    except (ssl.SSLEOFError, ConnectionError):
        return f"{where} speaks no TLS; is kafka.security.protocol {security.protocol} right?"
    except ssl.SSLError as exc:
        return _alerted(kafka, where, exc)
    return None


def _unverified(
    kafka: KafkaSettings, where: str, host: str, exc: ssl.SSLCertVerificationError
) -> str:
    code, ca_file = exc.verify_code, kafka.security.ca_file
    if code == _EXPIRED:
        return (
            f"the certificate of {where} has expired, or that of its authority "
            "(kafka.security.ca_file); renew it there"
        )
    if code == _NOT_YET:
        return f"the certificate of {where} is not valid yet; are both clocks right?"
    if code in {_HOST_MISMATCH, _ADDRESS_MISMATCH}:
        return (
            f"the certificate of {where} is not made out to {host}; connect by a name that it "
            "has (kafka.bootstrap_servers), or set kafka.security.check_hostname to false"
        )
    if code in _UNTRUSTED:
        known = f"{ca_file} (kafka.security.ca_file)" if ca_file else "this machine's authorities"
        hint = "" if ca_file else "; set kafka.security.ca_file"
        return f"the certificate of {where} is signed by none of {known}{hint}"
    return f"the certificate of {where} is not valid: {exc.verify_message}"


def _alerted(kafka: KafkaSettings, where: str, exc: ssl.SSLError) -> str:
    reason = (exc.reason or "").lower().replace("_", " ")
    if "version number" in reason or "record layer" in reason or "packet length" in reason:
        protocol = kafka.security.protocol
        return f"{where} speaks no TLS; is kafka.security.protocol {protocol} right?"
    if "certificate" in reason or "unknown ca" in reason:
        if kafka.security.certificate_file is None:
            return (
                f"{where} asks for a certificate of ours; set kafka.security.certificate_file "
                "and key_file"
            )
        return (
            f"{where} does not accept our certificate, {kafka.security.certificate_file} "
            f"(kafka.security.certificate_file); has it expired, or is its authority unknown "
            f"there? ({reason})"
        )
    return f"{where} breaks the TLS handshake off: {reason or exc}"


def _no_tls(kafka: KafkaSettings, broker: Address) -> str | None:
    """Whether a broker that we talk to in the clear wants TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(broker, timeout=_CONNECT_S) as plain,
            context.wrap_socket(plain),
        ):
            pass
    except OSError:
        return None
    protocol = kafka.security.protocol
    return (
        f"the broker at {broker[0]}:{broker[1]} speaks TLS; set kafka.security.protocol to "
        f"{'SASL_SSL' if protocol.startswith('SASL') else 'SSL or SASL_SSL'}, not {protocol}"
    )
