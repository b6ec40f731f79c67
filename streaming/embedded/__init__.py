"""A real Kafka broker and a real Redis for one machine, with nothing to install beforehand."""

from typing import NoReturn
from urllib.parse import urlsplit

from streaming.embedded import kafka, redis
from streaming.errors import ConfigError
from streaming.settings import Settings

_LOCAL = {"localhost", "127.0.0.1"}


def execute(name: str, settings: Settings) -> NoReturn:
    """Become the embedded "kafka" or "redis" at the configured address.

    Raises:
        ConfigError: that address is not on this machine.
        DownloadFailed: Kafka's jars cannot be fetched.
        ServiceError: there is no Redis to run, or Kafka's folder cannot be formatted.
    """
    if name == "kafka":
        host, _, port = settings.kafka.bootstrap_servers.rpartition(":")
        _require_local(host, "kafka.bootstrap_servers")
        kafka.execute(settings.state_dir, int(port))
    else:
        url = urlsplit(settings.redis.url)
        _require_local(url.hostname or "", "redis.url")
        redis.execute(settings.state_dir, url.port or redis.DEFAULT_PORT)


def _require_local(host: str, setting: str) -> None:
    if host not in _LOCAL:
        raise ConfigError(
            f"{setting} names {host}; an embedded one runs on this machine only (127.0.0.1)"
        )
