"""Decides which services to start here, where, and which to use as they are."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from streaming import redis_client
from streaming.embedded import endpoints, kafka, ports, redis
from streaming.embedded.endpoints import Endpoints
from streaming.errors import KafkaRefused, KafkaUnreachable, RedisUnreachable
from streaming.kafka import admin
from streaming.logs import mask_url
from streaming.settings import Settings
from streaming.settings.environment import cleaned

_PROBE_S = 3.0
_SHORT_VARIABLES = {
    endpoints.KAFKA: "KAFKA_BOOTSTRAP_SERVERS",
    endpoints.REDIS: "REDIS_URL",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Settings with the addresses to use; of Kafka and Redis, those that are not to be started."""

    settings: Settings
    external: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Place:
    """An address, and whether something that we may use answers there already."""

    address: str
    answers: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """Tells addresses that somebody chose from those left at their default."""

    settings: Settings
    noted: Endpoints
    environ: Mapping[str, str]

    def for_(self, setting: str) -> bool:
        if setting == endpoints.KAFKA and self.settings.kafka.security.protocol != "PLAINTEXT":
            return True  # the one that is started here asks for nothing
        variable = "TRAFFICMON_" + setting.upper().replace(".", "__")
        if {variable, _SHORT_VARIABLES.get(setting, variable)} & self.environ.keys():
            return True
        value = endpoints.value_of(self.settings, setting)
        usual = {str(endpoints.DEFAULTS[setting]), plain(self.noted.get(setting))}
        return plain(value) not in usual


def plan(
    settings: Settings,
    *,
    running: Collection[str],
    wanted: Collection[str],
    reserved: ports.Reservations,
    on_progress: Callable[[str], None],
    environ: Mapping[str, str] | None = None,
) -> Plan:
    """Choose where each of `wanted` runs, and note it in `endpoints.json`.

    What is `running` under supervision stays where it is. An address left at its default
    is moved to the next free port when something else is there, unless that is a Kafka or
    a Redis that Trafficmon did not start: those are used as they are.

    Raises:
        KafkaUnreachable, RedisUnreachable: an address that was asked for is not answered.
        PortInUse: a port that was asked for is taken.
    """
    noted = endpoints.read(settings.state_dir)
    asked = _Asked(settings, noted, cleaned(os.environ if environ is None else environ))
    chosen: Endpoints = {}
    external: set[str] = set()
    for name, setting, find in (
        ("kafka", endpoints.KAFKA, _find_kafka),
        ("redis", endpoints.REDIS, _find_redis),
    ):
        if asked.for_(setting):
            _require(name, setting, settings)
            external.add(name)
        elif name in running:
            chosen[setting] = endpoints.value_of(settings, setting)
        else:
            place = find(settings, reserved)
            if place.answers:
                on_progress(f"{name}: using the one at {mask_url(place.address)}")
                external.add(name)
            chosen[setting] = place.address
    for name, setting in endpoints.PORTS.items():
        port = int(endpoints.value_of(settings, setting))
        if name in running:
            chosen[setting] = port
        elif name in wanted:
            was_asked = asked.for_(setting)
            first = port if was_asked else int(endpoints.DEFAULTS[setting])
            port = reserved.choose(first, asked=was_asked, setting=setting)
            if not was_asked:
                chosen[setting] = port
    endpoints.write(settings.state_dir, chosen)
    return Plan(endpoints.with_endpoints(settings, chosen), frozenset(external))


def _require(name: str, setting: str, settings: Settings) -> None:
    patience_s = settings.kafka.connect_timeout_s
    try:
        if name == "kafka":
            admin.wait_for_broker(settings.kafka, patience_s)
        else:
            redis_client.wait_for_redis(settings.redis, patience_s)
    except (KafkaUnreachable, RedisUnreachable) as exc:
        secured = settings.kafka.security.protocol != "PLAINTEXT"
        if isinstance(exc, KafkaRefused) or (name == "kafka" and secured):
            raise
        address = mask_url(str(endpoints.value_of(settings, setting)))
        raise type(exc)(
            f"nothing answers at {address} ({setting}) after {patience_s:g} s; start {name} there, "
            f"or leave {setting} at its default, and one is started here"
        ) from exc


def _find_kafka(settings: Settings, reserved: ports.Reservations) -> _Place:
    default = str(endpoints.DEFAULTS[endpoints.KAFKA])
    for address in dict.fromkeys((plain(settings.kafka.bootstrap_servers), default)):
        cluster_id = kafka_cluster_id(settings, address)
        if cluster_id is not None and (
            kafka.is_ours(cluster_id, settings.state_dir) or not kafka.is_some_clones(cluster_id)
        ):
            return _Place(address, answers=True)
    host, _, port = default.rpartition(":")
    return _Place(f"{host}:{reserved.next_free(int(port))}", answers=False)


def _find_redis(settings: Settings, reserved: ports.Reservations) -> _Place:
    default = str(endpoints.DEFAULTS[endpoints.REDIS])
    for url in dict.fromkeys((plain(settings.redis.url), default)):
        config_file = redis_config_file(settings, url)
        if config_file is not None and (
            redis.is_ours(config_file, settings.state_dir) or not redis.is_some_clones(config_file)
        ):
            return _Place(url, answers=True)
    port = reserved.next_free(urlsplit(default).port or redis.DEFAULT_PORT)
    return _Place(f"redis://{ports.LOOPBACK}:{port}/0", answers=False)


def kafka_cluster_id(settings: Settings, address: str) -> str | None:
    """The id of the cluster at host:port, or None if no Kafka answers."""
    host, _, port = address.rpartition(":")
    if not ports.is_listening(int(port), host):
        return None
    there = endpoints.with_endpoints(settings, {endpoints.KAFKA: address}).kafka
    try:
        return admin.wait_for_broker(there, _PROBE_S)
    except KafkaUnreachable:
        return None


def redis_config_file(settings: Settings, url: str) -> str | None:
    """What the Redis there was started with ("" for nothing); None if we could not use it."""
    there = endpoints.with_endpoints(settings, {endpoints.REDIS: url}).redis
    address = there.address()
    if address.kind != "server" or not address.hosts:
        return None  # Sentinels, a Cluster or a socket: never ours
    host, port = address.hosts[0]
    if not ports.is_listening(port, host):
        return None
    try:
        client = redis_client.connect(there)
        try:
            info = client.info("server")
        finally:
            client.close()
    # It asks for a password, or is no Redis at all.
    except (RedisUnreachable, RedisError):
        return None
    major, minor = str(info["redis_version"]).split(".")[:2]
    return (
        str(info.get("config_file", "")) if (int(major), int(minor)) >= redis.MIN_VERSION else None
    )


def plain(address: object) -> str:
    """One spelling for this machine's addresses."""
    return str(address).replace("localhost", ports.LOOPBACK)
