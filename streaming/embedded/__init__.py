"""A real Kafka broker and a real Redis for one machine, with nothing to install beforehand."""

from typing import NoReturn

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
        address = settings.redis.address()
        places = address.hosts if address.kind == "server" else ()
        _require_local(places[0][0] if places else "no single host", "redis.url")
        redis.execute(settings.state_dir, places[0][1])


def _require_local(host: str, setting: str) -> None:
    if host not in _LOCAL:
        raise ConfigError(
            f"{setting} names {host}; an embedded one runs on this machine only (127.0.0.1)"
        )
