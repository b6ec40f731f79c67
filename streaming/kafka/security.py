"""The brokers' address and how to sign in, as clients take it: made of settings here alone."""

from pathlib import Path
from typing import Any

from streaming.errors import ConfigError
from streaming.settings import KafkaSettings

_LOGIN_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}


def librdkafka(kafka: KafkaSettings) -> dict[str, Any]:
    """What every client of librdkafka begins with.

    Raises:
        ConfigError: the password's file cannot be read any more.
    """
    security = kafka.security
    config: dict[str, Any] = {
        "bootstrap.servers": kafka.bootstrap_servers,
        "security.protocol": security.protocol,
    }
    if security.signs_in:
        config |= {
            "sasl.mechanism": security.mechanism,
            "sasl.username": security.username,
            "sasl.password": _password(kafka),
        }
    if security.encrypted:
        paths = {
            "ssl.ca.location": security.ca_file,
            "ssl.certificate.location": security.certificate_file,
            "ssl.key.location": security.key_file,
        }
        config |= {name: str(path) for name, path in paths.items() if path is not None}
        if security.key_password is not None:
            config["ssl.key.password"] = security.key_password.get_secret_value()
        checked = "https" if security.check_hostname else "none"
        config["ssl.endpoint.identification.algorithm"] = checked
    return config


def java(kafka: KafkaSettings, *, shaded: str = "") -> dict[str, str]:
    """How Java's clients, whose packages may be `shaded`, sign in; certificates are in it whole.

    Raises:
        ConfigError: a file cannot be read any more.
    """
    security = kafka.security
    config: dict[str, str] = {"security.protocol": security.protocol}
    if security.signs_in:
        module = shaded + _LOGIN_MODULES[str(security.mechanism)]
        user, password = _quoted(str(security.username)), _quoted(_password(kafka))
        config |= {
            "sasl.mechanism": str(security.mechanism),
            "sasl.jaas.config": f"{module} required username={user} password={password};",
        }
    if security.encrypted:
        if security.ca_file is not None:
            config |= {
                "ssl.truststore.type": "PEM",
                "ssl.truststore.certificates": _read(security.ca_file, "ca_file"),
            }
        if security.certificate_file is not None and security.key_file is not None:
            config |= {
                "ssl.keystore.type": "PEM",
                "ssl.keystore.certificate.chain": _read(
                    security.certificate_file, "certificate_file"
                ),
                "ssl.keystore.key": _read(security.key_file, "key_file"),
            }
        if security.key_password is not None:
            config["ssl.key.password"] = security.key_password.get_secret_value()
        if not security.check_hostname:
            config["ssl.endpoint.identification.algorithm"] = ""
    return config


def _password(kafka: KafkaSettings) -> str:
    try:
        return kafka.security.secret() or ""
    except (OSError, ValueError) as exc:
        raise _unreadable("password_file", exc) from exc


def _read(path: Path, setting: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise _unreadable(setting, exc) from exc


def _unreadable(setting: str, exc: OSError | ValueError) -> ConfigError:
    return ConfigError(f"kafka.security.{setting} cannot be read: {exc}")


def _quoted(text: str) -> str:
    """As JAAS reads it back."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
