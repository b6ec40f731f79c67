"""The scripts that start Redis and its Sentinels on Kubernetes, with three pods of each for real."""

import subprocess

import pytest

from tests.integration.compose_machine import Machine
from tests.unit.deployment.named import DEPLOYMENT
from tests.waiting import eventually

SCRIPTS = DEPLOYMENT / "kubernetes/base/redis"
PODS = range(3)
_PASSWORD = "a-long-word"
_TIMEOUT_S = 120

pytestmark = pytest.mark.needs("root", "redis-server")


class Pods:
    """Each with an address of its own, where its name in the headless service leads."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._running: dict[tuple[int, str], subprocess.Popen[bytes]] = {}

    def start(self, pod: int) -> None:
        """As its containers begin: the volume is as it was left."""
        data = self._machine.folder / f"pod-{pod}"
        data.mkdir(exist_ok=True)
        # In one network all would listen at the same address.
        bind = f"bind 127.0.0.1{pod}\n"
        configuration = data / "redis.conf.mounted"
        text = (SCRIPTS / "redis.conf").read_text().replace("/data", str(data))
        configuration.write_text(text + bind)
        for name in ("redis", "sentinel"):
            script = (SCRIPTS / f"start-{name}.sh").read_text().replace("/data", str(data))
            script = script.replace("/etc/redis/redis.conf", str(configuration))
            place = data / f"start-{name}.sh"
            place.write_text(script.replace("port 26379\n", f"{bind}port 26379\n"))
            env = {"POD_NAME": f"redis-{pod}", "REDIS_PASSWORD": _PASSWORD}
            self._running[pod, name] = self._machine.server("sh", place, env=env)

    def kill(self, pod: int) -> None:
        for name in ("redis", "sentinel"):
            self._running[pod, name].kill()
            self._running[pod, name].wait(30)

    def ask(self, pod: int, port: int, *words: str) -> list[str]:
        client = ["redis-cli", "-h", f"redis-{pod}.redis", "-p", str(port)]
        return self._machine.ask(*client, *words, env={"REDISCLI_AUTH": _PASSWORD}).stdout.split()

    def master(self, pod: int) -> str:
        """Whom the pod's Sentinel names."""
        found = self.ask(pod, 26379, "sentinel", "get-master-addr-by-name", "trafficmon")
        return found[0] if found else ""

    def follow(self, master: str) -> bool:
        """Whether that one is the master of all, and the others have its data."""
        if any(self.master(pod) != master for pod in PODS):
            return False
        roles = [self.ask(pod, 6379, "info", "replication") for pod in PODS]
        linked = [r for r in roles if "master_link_status:up" in r and f"master_host:{master}" in r]
        return len(linked) == 2 and sum("role:master" in role for role in roles) == 1


def test_the_master_is_replaced_found_again_and_remembered(tmp_path):
    names = {f"redis-{pod}.redis": f"127.0.0.1{pod}" for pod in PODS}
    with Machine(tmp_path, {}, names) as machine:
        pods = Pods(machine)
        for pod in PODS:
            pods.start(pod)
        eventually(lambda: pods.follow("redis-0.redis"), _TIMEOUT_S)
        known = "num-other-sentinels"

        def all_know_each_other() -> bool:
            told = [pods.ask(pod, 26379, "sentinel", "master", "trafficmon") for pod in PODS]
            return all(known in words and words[words.index(known) + 1] == "2" for words in told)

        eventually(all_know_each_other, _TIMEOUT_S)
        assert pods.ask(0, 6379, "set", "camera", "7") == ["OK"]
        eventually(
            lambda: (
                pods.ask(1, 6379, "get", "camera") == pods.ask(2, 6379, "get", "camera") == ["7"]
            )
        )

        pods.kill(0)
        eventually(lambda: pods.master(1) not in {"", "redis-0.redis"}, _TIMEOUT_S)
        elected = pods.master(1)

        # Back again it follows, whatever it was.
        pods.start(0)
        eventually(lambda: pods.follow(elected), _TIMEOUT_S)

        # All away at once: nobody answers, and the Sentinels' own notes say who it was.
        for pod in PODS:
            pods.kill(pod)
        for pod in PODS:
            pods.start(pod)
        eventually(lambda: pods.follow(elected), _TIMEOUT_S)
        assert pods.ask(0, 6379, "get", "camera") == ["7"]
