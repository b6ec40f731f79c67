"""Fixtures for tests with a real Kafka and a real Redis.

    def test_something(make_settings):
        settings = make_settings(TRAFFICMON_DETECTION__INTERVAL_S="0.5")
        ensure_topics(settings.kafka)

Each call of `make_settings` gives topics, consumer groups, a Redis database and folders that
no other test sees. The workers of `pytest -n` share the Kafka; each has a Redis of its own.
"""

import itertools
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from confluent_kafka.admin import AdminClient

from streaming.kafka.admin import wait_for_broker
from streaming.redis_client import wait_for_redis
from streaming.settings import KafkaSettings, RedisSettings, Settings, load
from tests import needs, process_state, redis_servers, servers, side_by_side
from tests.secured_kafka import SecuredKafka
from tests.side_by_side import pytest_xdist_auto_num_workers  # noqa: F401  asked before plugins

MakeSettings = Callable[..., Settings]

_START_TIMEOUT_S = 240.0
_PARTITIONS = 4
_USUAL_DATABASES = 16
"""What a Redis has by itself: benchmarks take one of those."""
_IN_CI = os.environ.get("CI") == "true"
"""Read once: CI has every program, and a test that skips there would hide that it never ran."""
_MISSING = "missing"


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(process_state)
    config.pluginmanager.register(side_by_side)
    config.addinivalue_line("markers", "needs(*names): of tests/needs.py; without them it skips")
    if not hasattr(config, "workerinput"):
        servers.open_folder()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        servers.close_folder()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What the test needs, before any fixture of its own."""
    for name in (name for mark in item.iter_markers("needs") for name in mark.args):
        if advice := needs.missing(name):
            item.user_properties.append((_MISSING, name))
            pytest.skip(f"{name} is missing: {advice}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and _IN_CI:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.getreports("skipped")
    missing = Counter(v for r in skipped for name, v in r.user_properties if name == _MISSING)
    if missing:
        told = ", ".join(f"{name} ({n} test{'s' * (n > 1)})" for name, n in sorted(missing.items()))
        terminalreporter.write_line(f"skipped for want of: {told}", yellow=True)


@pytest.fixture(scope="session")
def kafka_server() -> str:
    """host:port of a real broker."""
    address = servers.kafka_address()
    wait_for_broker(KafkaSettings(bootstrap_servers=address), _START_TIMEOUT_S)
    return address


@pytest.fixture(scope="session")
def secured() -> SecuredKafka:
    """A real broker with TLS, passwords and rights."""
    broker = servers.secured_broker()
    inside = KafkaSettings(bootstrap_servers=broker.address("INSIDE"))
    wait_for_broker(inside, _START_TIMEOUT_S)
    return broker


@pytest.fixture(scope="session")
def redis_server() -> str:
    """redis:// address of a real Redis, with no database."""
    url = f"redis://{servers.redis_address()}"
    wait_for_redis(RedisSettings(url=f"{url}/0"), _START_TIMEOUT_S)
    return url


@pytest.fixture
def redis_url(redis_server: str) -> Iterator[str]:
    """An empty database of this test's own."""
    with redis.Redis.from_url(f"{redis_server}/0") as client:
        given = client.incr("databases-given-out") % (servers.DATABASES - _USUAL_DATABASES)
    url = f"{redis_server}/{_USUAL_DATABASES + given}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    yield url
    with redis.Redis.from_url(url) as client:
        client.flushdb()


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_servers.Nodes]:
    """A real Redis Cluster of three masters."""
    with redis_servers.cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture(params=["server", "cluster"])
def any_redis_url(request: pytest.FixtureRequest) -> str:
    """An empty Redis: a database of one server, and a Cluster."""
    if request.param == "server":
        return str(request.getfixturevalue("redis_url"))
    nodes: redis_servers.Nodes = request.getfixturevalue("redis_cluster")
    nodes.empty()
    return nodes.url


@pytest.fixture
def make_settings(kafka_server: str, redis_url: str, tmp_path: Path) -> Iterator[MakeSettings]:
    """Settings for the real servers; keyword arguments are environment variables.

    Topics have 4 partitions unless `partitions=` says otherwise, and are not created yet.
    """
    prefixes: list[str] = []
    count = itertools.count()

    def make(*, partitions: int = _PARTITIONS, **environ: str) -> Settings:
        folder = tmp_path / f"settings-{next(count)}"
        (folder / "config").mkdir(parents=True)
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_server,
            "REDIS_URL": redis_url,
            "TRAFFICMON_STATE_DIR": str(folder / "state"),
        } | environ
        settings = load(folder / "config", environ)
        prefix = f"t{uuid.uuid4().hex[:8]}-"
        prefixes.append(prefix)
        folders = {"logs_dir": folder / "logs", "reports_dir": folder / "reports"}
        kafka = _isolated(settings.kafka, prefix, partitions)
        return settings.model_copy(update={"kafka": kafka} | folders)

    yield make
    _delete_topics(kafka_server, prefixes)


def _isolated(kafka: KafkaSettings, prefix: str, partitions: int) -> KafkaSettings:
    """The same settings, with topics and consumer groups under a prefix."""
    topics = kafka.topics.model_copy(
        update={
            field: topic.model_copy(update={"name": prefix + topic.name, "partitions": partitions})
            for field, topic in kafka.topics
        }
    )
    consumer = kafka.consumer.model_copy(update={"group_id_prefix": prefix + "group"})
    return kafka.model_copy(update={"topics": topics, "consumer": consumer})


def _delete_topics(bootstrap_servers: str, prefixes: list[str]) -> None:
    if not prefixes:
        return
    client = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    found = client.list_topics(timeout=10).topics
    if own := [name for name in found if name.startswith(tuple(prefixes))]:
        client.delete_topics(own)
