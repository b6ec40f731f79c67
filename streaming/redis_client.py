"""Connections to Redis: bounded waits, bounded retries, and errors that name the setting.

The only module that makes clients, whether `redis.url` names one server, Sentinels or a Cluster.
"""

import time
from typing import Any, cast

import redis
import redis.asyncio
from redis.asyncio.connection import SSLConnection as AsyncSSLConnection
from redis.asyncio.connection import UnixDomainSocketConnection as AsyncUnixConnection
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.connection import SSLConnection, UnixDomainSocketConnection
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from streaming.errors import RedisUnreachable
from streaming.logs import mask_url
from streaming.redis_cluster import AsyncCluster, Cluster
from streaming.redis_reasons import advice
from streaming.redis_sentinel import AsyncSentinels, Sentinels
from streaming.settings import RedisSettings
from streaming.settings.redis import RedisLogin
from streaming.settings.redis_url import RedisUrl

_RETRIES = 3
_POLL_S = 0.1


def connect(settings: RedisSettings) -> redis.Redis:
    """A client on which a PING was answered; each command is tried up to four times.

    Raises:
        RedisUnreachable: nothing answers at `redis.url`.
    """
    client = None
    try:
        client = _client(settings)
        client.ping()
    except RedisError as exc:
        if client is not None:
            client.close()
        raise unreachable(settings, exc) from exc
    return client


def connect_async(settings: RedisSettings, *, retries: int = _RETRIES) -> redis.asyncio.Redis:
    """A client that connects on its first command; close it with `aclose`."""
    address = settings.address()
    options = _options(settings, address)
    retry = AsyncRetry(_backoff(), retries)
    if address.kind == "cluster":
        # Of the same commands as far as we use them.
        return cast("redis.asyncio.Redis", AsyncCluster(address.hosts, retry=retry, **options))
    if address.kind == "sentinel":
        asked = AsyncSentinels.of(
            address.hosts, _at_sentinels(settings, address, AsyncRetry), options
        )
        return cast("redis.asyncio.Redis", asked.master_for(address.master, retry=retry))
    if address.tls:
        options["connection_class"] = AsyncSSLConnection
        options.pop("ssl")
    if not address.hosts:
        options["connection_class"] = AsyncUnixConnection
    pool = redis.asyncio.ConnectionPool(retry=retry, **_place(address), **options)
    return redis.asyncio.Redis.from_pool(pool)


def wait_for_redis(settings: RedisSettings, timeout_s: float) -> None:
    """Return as soon as Redis answers and has loaded its data.

    Raises:
        RedisUnreachable: it did not within `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            connect(settings).close()
        except RedisUnreachable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_S)
        else:
            return


def unreachable(settings: RedisSettings, exc: Exception) -> RedisUnreachable:
    """The error for a failed command: what is wrong and what to do, without credentials."""
    return RedisUnreachable(
        f"no Redis at {mask_url(settings.url)} (redis.url): {mask_url(str(exc))}; "
        f"{advice(exc, tls=settings.address().tls)}"
    )


class _Login(CredentialProvider):
    """User and password, asked for by each new connection: a file may have changed meanwhile.

    redis-py prints a pool's options in some errors; of this it prints the name of the class.
    """

    def __init__(self, login: RedisLogin, setting: str, options: dict[str, Any]) -> None:
        self._login = login
        self._setting = setting
        self._username = login.username or options.get("username")
        self._password = options.get("password")

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        try:
            password = self._login.secret() or self._password or ""
        except OSError as exc:
            raise AuthenticationError(
                f"{self._login.password_file} cannot be read ({self._setting}.password_file):"
                f" {exc.strerror}"
            ) from exc
        return (self._username, password) if self._username else (password,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        return self.get_credentials()

    @classmethod
    def of(cls, login: RedisLogin, setting: str, options: dict[str, Any]) -> "_Login | None":
        """None where nobody logs in."""
        asked = login.username or login.password or login.password_file
        return cls(login, setting, options) if asked or options.keys() & _CREDENTIALS else None


_CREDENTIALS = {"username", "password"}


def _client(settings: RedisSettings) -> redis.Redis:
    address = settings.address()
    options = _options(settings, address)
    retry = Retry(_backoff(), _RETRIES)
    if address.kind == "cluster":
        # Of the same commands as far as we use them.
        return cast("redis.Redis", Cluster.reached(address.hosts, retry=retry, **options))
    if address.kind == "sentinel":
        asked = Sentinels.of(address.hosts, _at_sentinels(settings, address, Retry), options)
        return cast("redis.Redis", asked.master_for(address.master, retry=retry))
    if address.tls:
        options["connection_class"] = SSLConnection
        options.pop("ssl")
    if not address.hosts:
        options["connection_class"] = UnixDomainSocketConnection
    return redis.Redis.from_pool(redis.ConnectionPool(retry=retry, **_place(address), **options))


def _place(address: RedisUrl) -> dict[str, Any]:
    return dict(zip(("host", "port"), address.hosts[0], strict=True)) if address.hosts else {}


def _backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.05, cap=0.5)


def _options(settings: RedisSettings, address: RedisUrl) -> dict[str, Any]:
    """What every kind of client takes; of a conflict, the address's own options win."""
    given = {k: v for k, v in address.options.items() if k not in _CREDENTIALS}
    return {
        "decode_responses": False,
        "health_check_interval": 30,
        "client_name": "trafficmon",
        "credential_provider": _Login.of(settings, "redis", address.options),
        **_timeouts(settings),
        **_tls(settings, address),
        **given,
    }


def _at_sentinels(
    settings: RedisSettings, address: RedisUrl, retry: type[Retry | AsyncRetry]
) -> dict[str, Any]:
    """One try at each: the next one may know."""
    return {
        "credential_provider": _Login.of(settings.sentinel, "redis.sentinel", {}),
        "retry": retry(NoBackoff(), 0),
        **_timeouts(settings),
        **_tls(settings, address),
    }


def _timeouts(settings: RedisSettings) -> dict[str, Any]:
    return {
        "socket_timeout": settings.timeout_s,
        "socket_connect_timeout": settings.timeout_s,
    }


def _tls(settings: RedisSettings, address: RedisUrl) -> dict[str, Any]:
    if not address.tls:
        return {}
    tls = settings.tls
    files = {
        "ssl_ca_certs": tls.ca_file,
        "ssl_certfile": tls.certificate_file,
        "ssl_keyfile": tls.key_file,
    }
    named = {name: str(path) for name, path in files.items() if path}
    if tls.key_password:
        named["ssl_password"] = tls.key_password.get_secret_value()
    return {"ssl": True, "ssl_check_hostname": tls.check_hostname, **named}
