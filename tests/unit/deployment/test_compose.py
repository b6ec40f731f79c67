"""What the Compose files and the image promise, as far as it can be read."""

import json
import re
import subprocess
import tomllib

import pytest

from streaming.cli import DAEMONS
from streaming.settings import load
from tests.unit.deployment import compose
from tests.unit.deployment.named import DEPLOYMENT, ROOT

DOCKERFILE = (DEPLOYMENT / "Dockerfile").read_text()
TOOLS = ROOT / ".venv-deployment/bin"
# The package's command loses Compose's exit code; the program itself does not.
COMPOSE = next(TOOLS.parent.glob("lib/python3*/site-packages/compose/docker-compose"), None)
every_service = pytest.mark.parametrize("name", compose.SERVICES)
every_one_of_ours = pytest.mark.parametrize("name", compose.STREAMING_SERVICES)
needs_tools = pytest.mark.needs("deployment")

ONCE = {"topics", "dagster-home"}
SERVICE_OF = {"scheduling": "scheduler"}
"""The guide calls it the scheduler; of others the service has the daemon's name."""


# --- each service -------------------------------------------------------------------------------


@every_service
def test_a_service_is_limited_restarted_watched_and_its_log_is_rotated(name: str):
    service = compose.SERVICES[name]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert service["restart"] == ("on-failure:5" if name in ONCE else "unless-stopped")
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert "no-new-privileges:true" in service["security_opt"]
    if name in compose.INFRA_SERVICES:
        assert service["healthcheck"].keys() >= {"test", "interval", "timeout", "start_period"}
    assert service["networks"] == ["trafficmon"]


@every_service
def test_ports_are_open_to_this_machine_alone(name: str):
    assert all(port.startswith("127.0.0.1:") for port in compose.SERVICES[name].get("ports", []))


@every_service
def test_an_image_has_a_version(name: str):
    image = compose.filled(compose.SERVICES[name]["image"], {})
    assert re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", image), image


@every_service
def test_what_is_mounted_from_the_project_is_there(name: str):
    for volume in compose.SERVICES[name].get("volumes", []):
        source = volume.partition(":")[0]
        if source.startswith("."):
            assert (DEPLOYMENT / source).exists(), volume
            assert volume.endswith(":ro"), volume


@every_one_of_ours
def test_ours_write_to_a_volume_and_to_tmp_alone(name: str):
    service = compose.STREAMING_SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["tmpfs"]
    assert service["env_file"] == [{"path": ".env", "required": False}]


def test_every_daemon_has_a_service_that_runs_it():
    commands = {name: s["command"] for name, s in compose.STREAMING_SERVICES.items()}
    for daemon in DAEMONS:
        assert commands[SERVICE_OF.get(daemon, daemon)] == ["trafficmon", "run", daemon]
    assert commands["topics"] == ["trafficmon", "topics", "init"]


def test_every_daemon_waits_for_the_topics():
    waiting = {
        name
        for name, service in compose.STREAMING_SERVICES.items()
        if "topics" in service["depends_on"] or "dagster-code" in service["depends_on"]
    }
    assert compose.STREAMING_SERVICES.keys() - waiting == ONCE | {"simulator"}


def test_a_scheduler_has_time_to_finish_its_calls():
    grace_s = int(compose.STREAMING_SERVICES["scheduler"]["stop_grace_period"].removesuffix("s"))
    assert grace_s >= load(environ={}).scheduler.task_timeout_seconds + 15


def test_every_variable_has_its_line_in_the_example_and_none_is_left_over():
    asked = compose.asked_for(compose.INFRA.read_text() + compose.STREAMING.read_text())
    # Read from .env by the daemons themselves, which know more variables than Compose does.
    handed_on = {"DASHSCOPE_API_KEY", "CAMERAS", "TRAFFICMON_PROVIDER_BASE_URL"}
    assert asked | handed_on == compose.example().keys()


def test_the_example_says_what_the_files_take_without_it():
    example = compose.example()
    for name, value in example.items():
        text = compose.INFRA.read_text() + compose.STREAMING.read_text()
        for default in re.findall(rf"\$\{{{name}:-([^${{}}]*)\}}", text):
            assert value == default or not value, name


# --- Prometheus and Grafana ---------------------------------------------------------------------


def test_grafana_is_given_the_dashboard_that_its_api_takes():
    envelope = json.loads((DEPLOYMENT / "grafana-dashboard.json").read_text())
    bare = json.loads((DEPLOYMENT / "grafana/dashboards/trafficmon.json").read_text())
    assert envelope == {"dashboard": bare, "overwrite": True}, "run `make dashboard`"


def test_panels_have_places_of_their_own():
    panels = json.loads((DEPLOYMENT / "grafana/dashboards/trafficmon.json").read_text())["panels"]
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert len({panel["id"] for panel in panels}) == len(panels)


# --- the image ----------------------------------------------------------------------------------


def locked(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", text, re.MULTILINE))


def test_the_image_has_versions_that_were_tested_and_no_torch():
    image, everything = locked("requirements-image.lock"), locked("requirements.lock")
    assert image.items() <= everything.items(), "run `make lock`"
    assert not image.keys() & {"torch", "torchvision", "ultralytics", "pytest", "playwright"}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {re.split(r"[\[<>=,; ]", line)[0] for line in wanted} <= image.keys()


def test_the_image_is_built_by_the_same_uv_and_named_by_the_same_version():
    assert f"ARG UV={locked('requirements.lock')['uv']}\n" in DOCKERFILE
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'image.version="{version}"' in DOCKERFILE
    assert compose.example()["IMAGE"] == f"trafficmon:{version}"


def test_the_broker_is_the_version_that_is_embedded():
    jars = (ROOT / "streaming/embedded/kafka_jars.lock").read_text()
    version = re.search(r"^org.apache.kafka:kafka-server:(\S+)", jars, re.MULTILINE)
    assert version
    assert compose.INFRA_SERVICES["kafka"]["image"] == f"apache/kafka:{version[1]}"


@pytest.mark.parametrize("file", ["Dockerfile", "flink/Dockerfile"])
def test_what_an_image_copies_is_there_and_is_not_ignored(file: str):
    allowed = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    text = re.sub(r"\\\n", " ", (DEPLOYMENT / file).read_text())
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(
                source == name
                or source.startswith(f"{name}/")
                or re.fullmatch(name.replace("*", ".*"), source)
                for name in allowed
            ), source


def test_no_settings_and_no_keys_are_in_the_image():
    assert "config" not in re.findall(
        r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE
    )


# --- by Compose's own parser, and by hadolint ---------------------------------------------------


def docker_compose(file, *words: str, cwd=ROOT, **variables: str):
    return subprocess.run(
        [COMPOSE, "-f", file, *words],
        capture_output=True, text=True, timeout=60, check=False, cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"} | variables,
    )  # fmt: skip


@needs_tools
def test_the_servers_start_without_any_variable():
    done = docker_compose("deployment/docker-compose.infra.yml", "config", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


@needs_tools
def test_without_env_the_daemons_say_in_one_line_what_to_do(tmp_path):
    (tmp_path / "deployment").mkdir()
    copy = tmp_path / "deployment" / compose.STREAMING.name
    copy.write_text(compose.STREAMING.read_text())
    done = docker_compose(copy, "config", "--quiet", cwd=tmp_path)
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert "`cp deployment/.env.example deployment/.env`" in done.stderr
    # The example as it stands still lacks the token, and with it the file is complete.
    example = tmp_path / "deployment/.env"
    example.write_text(compose.EXAMPLE.read_text())
    assert docker_compose(copy, "config", "--quiet", cwd=tmp_path).returncode != 0
    example.write_text(
        compose.EXAMPLE.read_text().replace("SERVING__TOKEN=", "SERVING__TOKEN=a-long-word")
    )
    done = docker_compose(copy, "config", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    assert services["api"]["environment"]["TRAFFICMON_SERVING__TOKEN"] == "a-long-word"
    assert services["api"]["environment"]["REDIS_URL"] == "redis://:@redis:6379/0"


@needs_tools
def test_compose_fills_in_what_the_tests_do():
    variables = {"TRAFFICMON_SERVING__TOKEN": "a-long-word", "POSTGRES_PASSWORD": "secret"}
    done = docker_compose(
        compose.STREAMING, "config", "--format", "json", "--no-env-resolution", **variables
    )
    assert done.returncode == 0, done.stderr
    for name, service in json.loads(done.stdout)["services"].items():
        assert service["environment"] == compose.environment(name, variables)


@needs_tools
@pytest.mark.parametrize("file", ["Dockerfile", "flink/Dockerfile"])
def test_hadolint_finds_nothing(file: str):
    # DL3008: Debian drops old versions, so a pinned one soon builds no more; the base is pinned.
    done = subprocess.run(
        [TOOLS / "hadolint", "--ignore", "DL3008", DEPLOYMENT / file],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


# --- make docker-up -----------------------------------------------------------------------------

A_DOCKER = """#!/bin/sh
echo "docker $*" >> {log}
case "$1 $2" in
  "compose version") exit {no_compose} ;;
  "info ") exit {no_engine} ;;
esac
"""


@pytest.fixture
def project(tmp_path):
    """A folder with docker.sh, and a `docker` of its own that notes what it was asked."""
    (tmp_path / "deployment").mkdir()
    (tmp_path / "bin").mkdir()
    script = tmp_path / "deployment/docker.sh"
    script.write_bytes((DEPLOYMENT / "docker.sh").read_bytes())

    def run(word: str, *, docker=True, no_compose=0, no_engine=0, env=True):
        log = tmp_path / "log"
        if docker:
            program = tmp_path / "bin/docker"
            program.write_text(A_DOCKER.format(log=log, no_compose=no_compose, no_engine=no_engine))
            program.chmod(0o755)
        if env:
            (tmp_path / "deployment/.env").touch()
        for name in ("dirname", "sh"):
            (tmp_path / "bin" / name).symlink_to(f"/usr/bin/{name}")
        done = subprocess.run(
            ["/bin/sh", script, word], env={"PATH": str(tmp_path / "bin")},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        return done, log.read_text().splitlines() if log.exists() else []

    return run


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ({"docker": False}, "Docker is not installed: install Docker Engine"),
        ({"no_compose": 1}, "Docker is here and Compose is not"),
        ({"env": False}, "No deployment/.env: `cp deployment/.env.example deployment/.env`"),
        ({"no_engine": 1}, "Docker's engine does not answer"),
    ],
)
def test_docker_up_names_what_is_missing(project, what, line):
    done, _ = project("up", **what)
    assert done.returncode == 1
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1


def test_servers_start_before_the_daemons_and_stop_after_them(project):
    asked = [line for line in project("up")[1] if " up " in line]
    assert ["infra" in line for line in asked] == [True, False]


def test_daemons_stop_first(project):
    asked = [line for line in project("down")[1] if line.endswith(" down")]
    assert ["infra" in line for line in asked] == [False, True]
