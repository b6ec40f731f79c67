"""The `redis` block: where Redis is, who we are there, and how the way there is encrypted."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from streaming.settings.base import ReadableFile, Section
from streaming.settings.redis_url import RedisUrl, parse

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"
_PLAIN = re.compile(r"redis://[A-Za-z0-9.-]+:(?!0)[1-5]?\d{1,4}(/\d{0,5})?")
"""Plain enough to need no client library to be read."""


def _address(url: str) -> str:
    if not _PLAIN.fullmatch(url):
        parse(url)
    return url


# All digits are a number in YAML.
Password = Annotated[SecretStr, BeforeValidator(lambda v: str(v) if type(v) is int else v)]


class RedisLogin(Section):
    """A user and a password, the latter by itself or in a file."""

    username: str | None = Field(None, min_length=1, description="ACL user; unset: `default`")
    password: Password | None = Field(
        None, min_length=1, description="Its password, as it is: nothing is percent-encoded here"
    )
    password_file: ReadableFile | None = Field(
        None, description="File that holds the password; read again for each connection"
    )

    @model_validator(mode="after")
    def _one_password(self) -> "RedisLogin":
        if self.password and self.password_file:
            raise ValueError("must have password or password_file, not both")
        return self

    def secret(self) -> str | None:
        """The password as it is now.

        Raises:
            OSError: `password_file` cannot be read.
        """
        if self.password_file:
            return self.password_file.read_text(encoding="utf-8").strip() or None
        return self.password.get_secret_value() if self.password else None


class RedisTls(Section):
    """The `redis.tls` block, for rediss:// addresses."""

    ca_file: ReadableFile | None = Field(
        None, description="Certificates (PEM) of who signs the server's; unset: this machine's own"
    )
    certificate_file: ReadableFile | None = Field(
        None, description="Our certificate (PEM), where the server asks for one"
    )
    key_file: ReadableFile | None = Field(None, description="Its private key (PEM)")
    key_password: Password | None = Field(None, description="Password of that key")
    check_hostname: bool = Field(
        True, description="Whether the server's certificate must name its host"
    )

    @model_validator(mode="after")
    def _a_pair(self) -> "RedisTls":
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("must have certificate_file and key_file, or neither")
        return self


class RedisSettings(RedisLogin):
    """The `redis` block."""

    url: Annotated[str, AfterValidator(_address)] = Field(
        DEFAULT_REDIS_URL,
        description="redis://host:port/db, rediss://, unix://, or the address of Sentinels or of "
        "a Cluster (docs/secured-servers.md)",
    )
    tls: RedisTls = Field(RedisTls(), description="Certificates")
    sentinel: RedisLogin = Field(
        RedisLogin(), description="Who we are at the Sentinels, if they ask"
    )
    timeout_s: float = Field(5, gt=0, le=120, description="Longest wait for an answer, s")

    @model_validator(mode="after")
    def _fits_the_address(self) -> "RedisSettings":
        if _PLAIN.fullmatch(self.url):
            address = RedisUrl("server", tls=False, hosts=())
        else:
            address = parse(self.url)
        if "password" in address.options and (self.password or self.password_file):
            raise ValueError("must have one password: in url, password or password_file")
        if "username" in address.options and self.username:
            raise ValueError("must have one user: in url or username")
        if self.tls != RedisTls() and not address.tls:
            raise ValueError("has tls, which a url of rediss://… alone uses")
        return self

    def address(self) -> RedisUrl:
        """`url`, read."""
        return parse(self.url)

    def secrets(self) -> tuple[str, ...]:
        """What no log may show; a file that cannot be read just now adds nothing."""
        found = [self.tls.key_password.get_secret_value() if self.tls.key_password else None]
        for login in (self, self.sentinel):
            try:
                found.append(login.secret())
            except OSError:
                continue
        if not _PLAIN.fullmatch(self.url):
            found.append(self.address().options.get("password"))
        return tuple(secret for secret in found if secret)
