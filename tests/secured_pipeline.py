"""The whole path over SASL_SSL Kafka and TLS Redis beside the same in plain, turn by turn.

python -m tests.secured_pipeline [CAMERAS] [SECONDS] [TURNS]
"""

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import click

from streaming.benchmark.pipeline.load import Load
from streaming.benchmark.pipeline.measure import measure
from streaming.benchmark.scheduler import surroundings
from streaming.kafka.admin import wait_for_broker
from streaming.settings import KafkaSettings, RedisSettings, Settings, load
from tests import secured_kafka
from tests.certificates import Authority
from tests.redis_servers import started

_START_S = 60


@contextmanager
def secured_broker(settings: Settings, folder: Path, _say: object) -> Iterator[Settings]:
    """As `surroundings.own_broker`, with a password over TLS."""
    command, note = secured_kafka.prepared(folder)
    broker = secured_kafka.of(note)
    with (folder / "kafka.out.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for_broker(KafkaSettings(bootstrap_servers=broker.address("INSIDE")), _START_S)
        name, password = secured_kafka.OPERATOR
        security = {
            "protocol": "SASL_SSL",
            "mechanism": "PLAIN",
            "username": name,
            "password": password,
            "ca_file": broker.ca,
        }
        kafka = settings.kafka.model_dump(exclude={"bootstrap_servers", "security"})
        kafka |= {"bootstrap_servers": broker.address("SIGNED"), "security": security}
        yield settings.model_copy(update={"kafka": KafkaSettings.model_validate(kafka)})
    finally:
        process.kill()
        process.wait(10)


@contextmanager
def secured_memory(settings: Settings, folder: Path) -> Iterator[Settings]:
    """As `surroundings.own_memory`, over TLS."""
    ours = Authority(folder / "redis-certificates")
    pair = ours.sign("server", "localhost", "127.0.0.1")
    words = ("--port", "0", "--tls-port", "PORT", "--tls-auth-clients", "no")
    words += ("--tls-cert-file", str(pair.certificate), "--tls-key-file", str(pair.key))
    words += ("--tls-ca-cert-file", str(ours.file))
    login = {"ssl": True, "ssl_ca_certs": str(ours.file)}
    with started(folder / "redis", *words, login=login) as server:
        redis = RedisSettings.model_validate(
            {"url": f"rediss://127.0.0.1:{server.port}/0", "tls": {"ca_file": ours.file}}
        )
        yield settings.model_copy(update={"redis": redis})


def p95_ms(wanted: Load, *, secured: bool) -> float:
    """From the moment a frame is due to its verdict."""
    settings = load()
    with mock.patch.multiple(
        surroundings,
        own_broker=secured_broker if secured else surroundings.own_broker,
        own_memory=secured_memory if secured else surroundings.own_memory,
    ):
        report = measure(settings, wanted, lambda _text: None, lambda _passed_s, _line: None)
    (result,) = report.results
    return float(result["end_to_end_ms"]["p95"])


def main(cameras: int = 10, seconds: int = 60, turns: int = 2) -> None:
    wanted = Load(cameras=cameras, duration_s=seconds, warm_up_s=15, gate=False)
    found: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(turns):
        for secured in (False, True):
            found[secured].append(p95_ms(wanted, secured=secured))
            name = "secured" if secured else "plain"
            click.echo(f"{name}: P95 {found[secured][-1]:.0f} ms")
    plain, over_tls = (statistics.median(found[secured]) for secured in (False, True))
    click.echo(
        f"median: plain {plain:.0f} ms, secured {over_tls:.0f} ms, {over_tls - plain:+.0f} ms"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
