"""The `kafka.security` block: how every client of ours signs in to the broker."""

import contextlib
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from streaming.settings.base import Section


class KafkaSecurity(Section):
    """How we sign in, and how we know that it is our broker."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="SSL: TLS; SASL: with a user and a password"
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="How SASL shows the password; needed with it"
    )
    username: str | None = Field(None, min_length=1, description="User, for SASL")
    password: SecretStr | None = Field(
        None, min_length=1, description="Its password, or `${A_VARIABLE}`"
    )
    password_file: Path | None = Field(
        None, description="File with the password, in place of `password`, as secrets are mounted"
    )
    ca_file: Path | None = Field(
        None,
        description="PEM file of the authorities that sign brokers' certificates; "
        "unset: those this machine trusts",
    )
    certificate_file: Path | None = Field(
        None, description="PEM file of our own certificate, where the broker asks for one"
    )
    key_file: Path | None = Field(None, description="PEM file of its private key")
    key_password: SecretStr | None = Field(
        None, min_length=1, description="Password of the private key, or `${A_VARIABLE}`"
    )
    check_hostname: bool = Field(
        True, description="Whether the broker's certificate must name the host we connect to"
    )

    @property
    def encrypted(self) -> bool:
        """Whether the connection is TLS."""
        return self.protocol in {"SSL", "SASL_SSL"}

    @property
    def signs_in(self) -> bool:
        """Whether we give a user and a password."""
        return self.protocol.startswith("SASL")

    def secret(self) -> str | None:
        """The password as it is now; None where there is none. A file is read anew.

        Raises:
            OSError: the file cannot be read.
            UnicodeDecodeError: it holds no text.
        """
        if self.password_file is not None:
            return self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        return self.password.get_secret_value() if self.password else None

    def secrets(self) -> tuple[str, ...]:
        """What no log may show."""
        given = [s.get_secret_value() for s in (self.password, self.key_password) if s]
        with contextlib.suppress(OSError, ValueError):
            given.append(self.secret() or "")
        return tuple(given)
