"""Two schedulers on the same keys, and keys that change while they run."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from streaming import redis_keys
from streaming.kafka.admin import ensure_topics
from streaming.redis_client import connect
from streaming.scheduling.stats import POOL, read_instances, scheduler_stats
from streaming.settings import Settings
from tests.integration.test_scheduling import PATIENCE_S, Results, patient, scheduler, send, tasks
from tests.provider_simulator import running, sim_keys
from tests.waiting import eventually


def shown(settings: Settings) -> dict[str, Any]:
    client: redis.Redis = connect(settings.redis)
    fields = client.hgetall(redis_keys.key_stats(POOL))
    client.close()
    return scheduler_stats(read_instances(fields, datetime.now(UTC).timestamp()))


def statuses(settings: Settings) -> dict[str, str]:
    return {key["key_id"]: key["status"] for key in shown(settings)["keys"]}


def test_two_instances_stay_within_the_keys_limits_and_say_so_together(make_settings):
    with running(sim_keys(2, qps=5, rpm=3000)) as provider:
        settings = provider.for_settings(make_settings())
        ensure_topics(settings.kafka)
        results = Results(settings)
        sent = tasks(80)
        with scheduler(settings, "1"), scheduler(settings, "2"):
            eventually(lambda: shown(settings)["instances"] == 2, timeout_s=PATIENCE_S)
            send(settings, *sent)
            wanted = {t.task_id for t in sent}
            eventually(lambda: results.ids() == wanted, timeout_s=PATIENCE_S)
            eventually(lambda: shown(settings)["total_calls"] == 80, timeout_s=PATIENCE_S)
            stats = shown(settings)
        results.close()
    truth = provider.stats()
    assert truth["http_429"] == 0
    assert max(a["max_in_a_second"] for a in truth["accounts"].values()) <= 5
    assert truth["task_ids_answered_twice"] == 0
    assert stats["limits_shared"]
    assert all(0 <= key["remaining_minute"] < 3000 for key in stats["keys"])


def test_a_key_that_one_instance_found_dead_is_left_alone_by_the_other(make_settings):
    with running(sim_keys(2, qps=20, rpm=3000)) as provider:
        provider.break_it(dead_keys=("sim-1",))
        settings = provider.for_settings(make_settings())
        ensure_topics(settings.kafka)
        results = Results(settings)
        with scheduler(settings, "1"), scheduler(settings, "2"):
            eventually(lambda: shown(settings)["instances"] == 2, timeout_s=PATIENCE_S)
            send(settings, patient("first"))
            eventually(results.ids, timeout_s=PATIENCE_S)
            eventually(
                lambda: (
                    statuses(settings) == {"sim-1": "disabled", "sim-2": "available"}
                    and shown(settings)["disabled_keys"] == 1
                ),
                timeout_s=PATIENCE_S,
            )
            send(settings, *tasks(40))
            eventually(lambda: len(results.ids()) == 41, timeout_s=PATIENCE_S)
        results.close()
    assert {r.status for r in results.all} == {"assessed"}
    assert provider.stats()["keys"]["sim-1"] <= 10


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("TRAFFICMON_CONFIG_DIR", str(folder))
    return folder / "api_keys.yaml"


def write_keys(path: Path, *keys: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump({"api_keys": list(keys)}))


def key(number: int, **changes: Any) -> dict[str, Any]:
    limits = {"qps_limit": 50, "rpm_limit": 3000}
    return {"id": f"sim-{number}", "key": f"secret-{number}"} | limits | changes


def test_keys_come_and_go_without_a_restart(make_settings, config):
    with running(sim_keys(3, qps=50, rpm=3000)) as provider:
        settings = provider.for_settings(make_settings())
        only_first = {"api_keys": settings.api_keys[:1], "simulated": False}
        settings = settings.model_copy(update=only_first)
        write_keys(config, key(1))
        ensure_topics(settings.kafka)
        results = Results(settings)
        with scheduler(settings) as process:
            send(settings, patient("one"))
            eventually(lambda: len(results.ids()) == 1, timeout_s=PATIENCE_S)
            write_keys(config, key(1, enabled=False), key(2), key(3))
            eventually(lambda: set(statuses(settings)) == {"sim-2", "sim-3"}, timeout_s=PATIENCE_S)
            send(settings, *(patient(f"two-{i}") for i in range(10)))
            eventually(lambda: len(results.ids()) == 11, timeout_s=PATIENCE_S)
            config.write_text("api_keys: [")  # half saved: what was readable stays
            send(settings, patient("three"))
            eventually(lambda: len(results.ids()) == 12, timeout_s=PATIENCE_S)
            write_keys(config, key(3))
            eventually(lambda: set(statuses(settings)) == {"sim-3"}, timeout_s=PATIENCE_S)
            process.terminate()
            process.join(PATIENCE_S)
            assert process.exitcode == 0
        results.close()
    assert {r.status for r in results.all} == {"assessed"}
    by_task = {r.message_id: r.key_id for r in results.all}
    assert by_task["one"] == "sim-1"
    assert {by_task[f"two-{i}"] for i in range(10)} == {"sim-2", "sim-3"}
