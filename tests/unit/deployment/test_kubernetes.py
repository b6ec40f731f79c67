"""The overlays as kustomize builds them: valid, confined, and of one mind with the code."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from streaming.kafka.clients import group_id
from streaming.settings import load, problems
from tests.unit.deployment import named
from tests.unit.deployment.test_everything_exists import is_variable, refused

TREE = named.DEPLOYMENT / "kubernetes"
TOOLS = named.ROOT / ".venv-deployment"
KUBERNETES = "1.34"
OF_OPERATORS = {"trafficmon", "kafka-cluster-ca-cert"}
"""Secrets that Strimzi makes: the user's password, the authority of the brokers' certificates."""
CUSTOM = ("kafka.strimzi.io", "postgresql.cnpg.io", "keda.sh")
BUILDS = ("small", "city", "city with Flink")

pytestmark = pytest.mark.needs("kubectl")
every_build = pytest.mark.parametrize("build", BUILDS)

Object = dict[str, Any]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, list[Object]]:
    """Every object of each overlay, with secrets made from their examples."""
    tree = tmp_path_factory.mktemp("kubernetes")
    shutil.copytree(
        TREE, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.env", "api_keys.yaml")
    )
    for settings in TREE.rglob("settings.env"):
        shutil.copy(settings, tree / settings.relative_to(TREE))
    for example in tree.rglob("*.example"):
        text = "".join(
            f"{line}a-long-word\n" if line.endswith("=") else f"{line}\n"
            for line in example.read_text().splitlines()
        )
        example.with_suffix("").write_text(text)
    with_flink = tree / "overlays/city with Flink"
    shutil.copytree(tree / "overlays/city", with_flink)
    kustomization = with_flink / "kustomization.yaml"
    text = kustomization.read_text().replace("# components:", "components:")
    kustomization.write_text(text.replace("  - {name: tasks, count: 2}\n", ""))
    return {name: build_of(tree / "overlays" / name) for name in BUILDS}


def build_of(folder: Path) -> list[Object]:
    done = subprocess.run(
        ["kubectl", "kustomize", folder], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [o for o in objects if o["kind"] in kinds]


def workloads(objects: list[Object]) -> list[Object]:
    return of_kind(objects, "StatefulSet", "Deployment", "Job")


def pod(workload: Object) -> Object:
    return workload["spec"]["template"]["spec"]


def containers(objects: list[Object]) -> Iterator[tuple[Object, Object]]:
    """Each workload with each of its containers, those that run first too."""
    for workload in workloads(objects):
        for container in pod(workload)["containers"] + pod(workload).get("initContainers", []):
            yield workload, container


def name_of(thing: Object) -> str:
    return thing["metadata"]["name"]


@cache
def settings():
    return load(environ={})


# --- valid --------------------------------------------------------------------------------------


@pytest.mark.needs("deployment")
@every_build
def test_kubernetes_would_take_it(built, build, tmp_path):
    own = [o for o in built[build] if not o["apiVersion"].startswith(CUSTOM)]
    place = tmp_path / "all.yaml"
    place.write_text(yaml.safe_dump_all(own))
    done = subprocess.run(
        [TOOLS / "bin/kubernetes-validate", "--strict", "--quiet", "-k", KUBERNETES, place],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("deployment")
@every_build
def test_the_operators_would_take_it(built, build):
    custom = [o for o in built[build] if o["apiVersion"].startswith(CUSTOM)]
    assert len(custom) >= 4
    script = Path(__file__).parent / "custom_resources.mjs"
    done = subprocess.run(
        ["node", script, TOOLS], input=json.dumps(custom),
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


# --- confined -----------------------------------------------------------------------------------


@every_build
def test_every_container_is_confined_and_limited(built, build):
    for workload, container in containers(built[build]):
        who = (name_of(workload), container["name"])
        assert pod(workload)["securityContext"]["runAsNonRoot"] is True, who
        assert pod(workload)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, who
        assert pod(workload)["automountServiceAccountToken"] is False, who
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] is True, who
        assert security["allowPrivilegeEscalation"] is False, who
        assert security["capabilities"] == {"drop": ["ALL"]}, who
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}, who
        assert container["resources"]["limits"].keys() == {"cpu", "memory"}, who
        assert ":" in container["image"], who


@every_build
def test_every_container_that_stays_is_probed(built, build):
    for workload in of_kind(built[build], "StatefulSet", "Deployment"):
        for container in pod(workload)["containers"]:
            assert "livenessProbe" in container, (name_of(workload), container["name"])


@every_build
def test_every_pod_has_a_policy_that_closes_it(built, build):
    closed = next(p for p in of_kind(built[build], "NetworkPolicy") if name_of(p) == "nothing")
    (expression,) = closed["spec"]["podSelector"]["matchExpressions"]
    for workload in workloads(built[build]):
        assert workload["spec"]["template"]["metadata"]["labels"]["app"] in expression["values"]


# --- of one piece -------------------------------------------------------------------------------


def matches(selector: dict[str, str], workload: Object) -> bool:
    labels = workload["spec"]["template"]["metadata"]["labels"]
    return selector.items() <= labels.items()


@every_build
def test_services_budgets_and_policies_find_their_pods(built, build):
    pods = workloads(built[build])
    for service in of_kind(built[build], "Service"):
        found = [w for w in pods if matches(service["spec"]["selector"], w)]
        assert len(found) == 1, name_of(service)
        open_ports = {
            p["containerPort"] for c in pod(found[0])["containers"] for p in c.get("ports", [])
        }
        assert {p["port"] for p in service["spec"]["ports"]} <= open_ports
    for budget in of_kind(built[build], "PodDisruptionBudget"):
        assert any(matches(budget["spec"]["selector"]["matchLabels"], w) for w in pods), name_of(
            budget
        )
    for scaled in of_kind(built[build], "ScaledObject"):
        assert scaled["spec"]["scaleTargetRef"]["name"] in {name_of(w) for w in pods}


@every_build
def test_what_a_pod_refers_to_is_there(built, build):
    there = {(o["kind"], name_of(o)) for o in built[build]} | {("Secret", n) for n in OF_OPERATORS}
    keys = {
        name_of(o): {**o.get("data", {}), **o.get("stringData", {})}.keys()
        for o in of_kind(built[build], "Secret")
    }
    for workload in workloads(built[build]):
        for volume in pod(workload).get("volumes", []):
            sources = volume.get("projected", {}).get("sources", [volume])
            for source in sources:
                if "configMap" in source:
                    assert ("ConfigMap", source["configMap"]["name"]) in there
                if "secret" in source:
                    assert (
                        "Secret",
                        source["secret"].get("secretName") or source["secret"]["name"],
                    ) in there
    for workload, container in containers(built[build]):
        mounts = {m["name"] for m in container.get("volumeMounts", [])}
        claims = {name_of(c) for c in workload["spec"].get("volumeClaimTemplates", [])}
        assert mounts <= {v["name"] for v in pod(workload).get("volumes", [])} | claims, name_of(
            workload
        )
        for source in container.get("envFrom", []):
            assert ("ConfigMap", source["configMapRef"]["name"]) in there
        for variable in container.get("env", []):
            if secret := variable.get("valueFrom", {}).get("secretKeyRef"):
                assert secret["key"] in keys[secret["name"]], variable


@every_build
def test_every_command_and_variable_of_a_container_is_ours(built, build):
    for _, container in containers(built[build]):
        if container.get("command", [""])[0] == "trafficmon":
            assert refused(container["command"]) is None
        if container["image"].startswith("trafficmon:"):
            names = {v["name"] for v in container.get("env", [])} - {"POSTGRES_PASSWORD"}
            assert not [name for name in names if not is_variable(name)]
    for given in of_kind(built[build], "ConfigMap"):
        if name_of(given).startswith("trafficmon-settings"):
            assert not [name for name in given["data"] if not is_variable(name)]


@every_build
def test_the_settings_are_without_a_problem(built, build, tmp_path):
    (given,) = [
        c
        for c in of_kind(built[build], "ConfigMap")
        if name_of(c).startswith("trafficmon-settings")
    ]
    (files,) = [
        c for c in of_kind(built[build], "ConfigMap") if name_of(c).startswith("trafficmon-config")
    ]
    for name, text in files["data"].items():
        (tmp_path / name).write_text(text)
    secret = tmp_path / "secret"
    secret.write_text("a-long-word")
    environ = {n: str(secret) if n.endswith("_FILE") else v for n, v in given["data"].items()}
    # Whether a certificate is one is not asked here: the file is Strimzi's.
    del environ["TRAFFICMON_KAFKA__SECURITY__CA_FILE"]
    assert problems(tmp_path, environ) == []


@every_build
def test_the_metrics_port_is_the_daemons(built, build):
    first = settings().serving.metrics.port
    offsets = {"detection": 0, "tasks": 1, "scheduler": 2, "aggregation": 3}
    for workload in of_kind(built[build], "StatefulSet"):
        if name_of(workload) in offsets:
            (port,) = pod(workload)["containers"][0]["ports"]
            assert port["containerPort"] == first + offsets[name_of(workload)]


@every_build
def test_the_kafka_user_may_do_what_trafficmon_does(built, build):
    (user,) = of_kind(built[build], "KafkaUser")
    acls = user["spec"]["authorization"]["acls"]

    def may(kind: str, name: str) -> set[str]:
        return {
            operation
            for acl in acls
            if acl["resource"]["type"] == kind and name.startswith(acl["resource"].get("name", ""))
            for operation in acl["operations"]
        }

    for topic in settings().kafka.topics.all():
        for name in (topic.name, f"{topic.name}.dlq"):
            assert may("topic", name) >= {
                "Read",
                "Write",
                "Describe",
                "Create",
                "Alter",
                "AlterConfigs",
            }
    for group in ("detection", "tasks", "scheduling", "aggregation", "reader"):
        assert may("group", group_id(settings().kafka, group)) >= {"Read", "Describe"}
    assert may("transactionalId", group_id(settings().kafka, "tasks")) >= {"Write", "Describe"}


def test_schedulers_are_scaled_by_the_lag_of_their_own_group(built):
    (scaled,) = [s for s in of_kind(built["city"], "ScaledObject") if name_of(s) == "scheduler"]
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["consumerGroup"] == group_id(settings().kafka, "scheduling")
    assert trigger["metadata"]["topic"] == settings().kafka.topics.assessment_tasks.name
    assert scaled["spec"]["maxReplicaCount"] <= settings().kafka.topics.assessment_tasks.partitions


@every_build
def test_a_scheduler_has_time_to_finish_its_calls(built, build):
    (scheduler,) = [w for w in workloads(built[build]) if name_of(w) == "scheduler"]
    grace_s = pod(scheduler)["terminationGracePeriodSeconds"]
    assert grace_s >= settings().scheduler.task_timeout_seconds + 15


def test_flink_takes_the_place_of_our_workers(built):
    assert not [o for o in built["city with Flink"] if name_of(o) == "tasks"]
    (account,) = of_kind(built["city with Flink"], "ServiceAccount")
    job = yaml.safe_load_all((named.DEPLOYMENT / "flink/task-generator.yaml").read_text())
    (deployment,) = of_kind(list(job), "FlinkDeployment")
    assert deployment["spec"]["serviceAccount"] == name_of(account)


@pytest.mark.needs("git")
def test_no_secret_is_in_git():
    listed = subprocess.run(
        ["git", "check-ignore", "--quiet", TREE / "overlays/city/secrets/trafficmon.env"],
        cwd=named.ROOT, check=False,
    )  # fmt: skip
    assert listed.returncode == 0
