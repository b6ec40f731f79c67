"""Which services are started here, and where: by what was asked for and what is there."""

import socket

import pytest

from streaming.embedded import discovery, endpoints, kafka, ports, redis
from streaming.errors import KafkaUnreachable, PortInUse, RedisUnreachable
from streaming.settings import KafkaSecurity, load

OURS = "TRAFFICMONAAAAAAAAAAAA"
ANOTHER_CLONES = "TRAFFICMONBBBBBBBBBBBB"
FOREIGN = "MkU3OEVBNTcwNTJENDM2Qk"


class Machine:
    """Defaults on ports that are free here, and what answers at which address."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.state_dir = folder, folder / "state"
        self.default = {name: ports.any_free() for name in ("kafka", "redis", "api")}
        self.kafkas, self.redises = {}, {}
        monkeypatch.setattr(discovery, "kafka_cluster_id", lambda _s, at: self.kafkas.get(at))
        monkeypatch.setattr(discovery, "redis_config_file", lambda _s, at: self.redises.get(at))
        defaults = endpoints.DEFAULTS | {
            endpoints.KAFKA: self.kafka(0),
            endpoints.REDIS: self.redis(0),
            "serving.api.port": self.default["api"],
        }
        monkeypatch.setattr(endpoints, "DEFAULTS", defaults)
        (self.state_dir / "kafka").mkdir(parents=True)
        (self.state_dir / "kafka" / "cluster_id").write_text(OURS)

    def kafka(self, above):
        return f"127.0.0.1:{self.default['kafka'] + above}"

    def redis(self, above):
        return f"redis://127.0.0.1:{self.default['redis'] + above}/0"

    def plan(self, *, running=(), wanted=("kafka", "redis", "api"), environ=None, **changed):
        environ = environ or {}
        values = dict(endpoints.DEFAULTS) | endpoints.read(self.state_dir)
        values |= {name.replace("__", "."): value for name, value in changed.items()}
        settings = load(self.folder, {"TRAFFICMON_STATE_DIR": str(self.state_dir)})
        settings = endpoints.with_endpoints(settings, values)
        with ports.Reservations(self.folder / "reserved") as reserved:
            return discovery.plan(
                settings,
                running=running,
                wanted=wanted,
                reserved=reserved,
                on_progress=print,
                environ=environ,
            )


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def listen():
    servers = []

    def listen(port):
        server = socket.socket()
        server.bind((ports.LOOPBACK, port))
        server.listen()
        servers.append(server)

    yield listen
    for server in servers:
        server.close()


def test_on_a_bare_machine_everything_runs_at_its_default(machine):
    plan = machine.plan()
    assert plan.external == frozenset()
    assert plan.settings.kafka.bootstrap_servers == machine.kafka(0)
    assert plan.settings.redis.url == machine.redis(0)
    assert plan.settings.serving.api.port == machine.default["api"]
    assert endpoints.read(machine.state_dir)[endpoints.KAFKA] == machine.kafka(0)


def test_a_broker_that_somebody_else_runs_at_the_default_is_used(machine, listen):
    listen(machine.default["kafka"])
    machine.kafkas[machine.kafka(0)] = FOREIGN
    plan = machine.plan()
    assert plan.external == {"kafka"}
    assert plan.settings.kafka.bootstrap_servers == machine.kafka(0)


def test_a_kafka_that_asks_for_a_user_is_somebody_elses_also_at_the_default_address(machine):
    security = KafkaSecurity(
        protocol="SASL_PLAINTEXT", mechanism="PLAIN", username="u", password="a-secret-word"
    )
    with pytest.raises(KafkaUnreachable) as raised:
        machine.plan(kafka__security=security, kafka__connect_timeout_s=0.5)
    assert "trafficmon up" not in str(raised.value)


def test_another_clones_broker_is_left_alone(machine, listen):
    listen(machine.default["kafka"])
    machine.kafkas[machine.kafka(0)] = ANOTHER_CLONES
    plan = machine.plan()
    assert plan.external == frozenset()
    assert plan.settings.kafka.bootstrap_servers != machine.kafka(0)


def test_our_own_broker_is_found_again_where_it_was_noted(machine):
    endpoints.write(machine.state_dir, {endpoints.KAFKA: machine.kafka(7)})
    machine.kafkas |= {machine.kafka(0): ANOTHER_CLONES, machine.kafka(7): OURS}
    plan = machine.plan()
    assert plan.external == {"kafka"}
    assert plan.settings.kafka.bootstrap_servers == machine.kafka(7)


def test_a_note_of_a_run_that_is_over_does_not_count_as_asked_for(machine):
    endpoints.write(machine.state_dir, {endpoints.KAFKA: machine.kafka(7), "serving.api.port": 9})
    plan = machine.plan()
    assert plan.settings.kafka.bootstrap_servers == machine.kafka(0)
    assert plan.settings.serving.api.port == machine.default["api"]


def test_what_runs_under_supervision_stays_where_it_is(machine):
    noted = {endpoints.KAFKA: machine.kafka(7), "serving.api.port": 5999}
    endpoints.write(machine.state_dir, noted)
    plan = machine.plan(running={"kafka", "api"}, wanted=["redis"])
    assert plan.settings.kafka.bootstrap_servers == machine.kafka(7)
    assert plan.settings.serving.api.port == 5999
    assert endpoints.read(machine.state_dir) == noted | {endpoints.REDIS: machine.redis(0)}


@pytest.mark.parametrize(
    ("config_file", "used"),
    [
        ("", True),
        ("/etc/redis/redis.conf", True),
        (f"/elsewhere/.trafficmon/redis/{redis.CONFIG_NAME}", False),
    ],
)
def test_a_redis_at_the_default_is_used_unless_it_is_another_clones(
    machine, listen, config_file, used
):
    listen(machine.default["redis"])
    machine.redises[machine.redis(0)] = config_file
    plan = machine.plan()
    assert ("redis" in plan.external) is used
    assert (plan.settings.redis.url == machine.redis(0)) is used


def test_something_else_on_a_default_port_is_avoided(machine, listen):
    for name in ("kafka", "redis", "api"):
        listen(machine.default[name])
    plan = machine.plan()
    assert plan.external == frozenset()
    assert plan.settings.kafka.bootstrap_servers != machine.kafka(0)
    assert plan.settings.redis.url != machine.redis(0)
    assert plan.settings.serving.api.port > machine.default["api"]


def test_a_broker_that_was_asked_for_and_does_not_answer_is_an_error(machine):
    with pytest.raises(KafkaUnreachable, match=r"kafka\.bootstrap_servers"):
        machine.plan(kafka__bootstrap_servers="127.0.0.1:9", kafka__connect_timeout_s=1.0)


def test_the_default_address_can_be_asked_for_too(machine):
    with pytest.raises(KafkaUnreachable, match=r"kafka\.bootstrap_servers"):
        machine.plan(
            environ={"KAFKA_BOOTSTRAP_SERVERS": machine.kafka(0)}, kafka__connect_timeout_s=1.0
        )


def test_a_redis_that_was_asked_for_and_does_not_answer_is_an_error(machine):
    with pytest.raises(RedisUnreachable, match=r"redis://\*\*\*@127.0.0.1:9/0 \(redis.url\)"):
        machine.plan(redis__url="redis://:secret@127.0.0.1:9/0", kafka__connect_timeout_s=1.0)


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(machine, listen):
    port = ports.any_free()
    listen(port)
    with pytest.raises(PortInUse, match=r"serving\.api\.port"):
        machine.plan(serving__api__port=port)


def test_the_marks_of_the_two_engines_agree():
    assert kafka.is_some_clones(OURS)
    assert kafka.is_some_clones(ANOTHER_CLONES)
    assert not kafka.is_some_clones(FOREIGN)
