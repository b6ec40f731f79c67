"""The guide's shape, over all instances."""

from streaming.scheduling.stats import (
    InstanceStats,
    KeyStats,
    encode_instance,
    read_instances,
    scheduler_stats,
)


def fields(*instances: InstanceStats) -> dict[bytes, bytes]:
    return {i.instance_id.encode(): encode_instance(i) for i in instances}


def test_one_instance_reads_as_the_guide_shows_it():
    one = InstanceStats(
        "1", 100.0, (KeyStats("key_1", "available", 48, 47), KeyStats("key_2", "available", 97, 96))
    )
    shown = scheduler_stats(read_instances(fields(one), 101.0))
    assert shown | {"keys": []} == {
        "total_keys": 2,
        "available_keys": 2,
        "in_use_keys": 0,
        "cooling_keys": 0,
        "disabled_keys": 0,
        "total_calls": 145,
        "success_rate": 0.9862,
        "instances": 1,
        "waiting_tasks": 0,
        "limits_shared": True,
        "keys": [],
    }
    assert shown["keys"][0] == {
        "key_id": "key_1",
        "status": "available",
        "total_calls": 48,
        "success_rate": 0.9792,
        "in_flight": 0,
        "cooldown_left_s": 0.0,
        "remaining_minute": None,
        "margin_ms": None,
        "last_error": None,
    }


def test_instances_add_up_and_the_worst_state_wins():
    one = InstanceStats("1", 100.0, (KeyStats("k", "available", 12, 10, in_flight=2),))
    two = InstanceStats("2", 100.0, (KeyStats("k", "cooling", 11, 0, 1, 7.0, "throttled"),), 4)
    shown = scheduler_stats(read_instances(fields(one, two), 101.0))
    (key,) = shown["keys"]
    assert key["status"] == "cooling"
    assert (key["total_calls"], key["in_flight"], key["cooldown_left_s"]) == (23, 3, 7.0)
    assert key["last_error"] == "throttled"
    assert (shown["cooling_keys"], shown["waiting_tasks"], shown["success_rate"]) == (1, 4, 0.5)


def test_a_stopped_instance_keeps_its_calls_and_nothing_else():
    stopped = InstanceStats("1", 10.0, (KeyStats("k", "cooling", 15, 10, 5, 60.0),))
    alive = InstanceStats("2", 100.0, (KeyStats("k", "available", 1, 1),))
    shown = scheduler_stats(read_instances(fields(stopped, alive), 101.0))
    (key,) = shown["keys"]
    assert (key["status"], key["total_calls"], key["in_flight"]) == ("available", 16, 0)
    assert shown["instances"] == 1
    assert key["success_rate"] == shown["success_rate"] == 1.0  # five never ended


def test_with_no_instance_alive_the_last_one_still_names_the_keys():
    stopped = InstanceStats("1", 10.0, (KeyStats("k", "disabled", 15, 10, 5, 60.0),))
    shown = scheduler_stats(read_instances(fields(stopped), 1000.0))
    assert (shown["total_keys"], shown["total_calls"], shown["instances"]) == (1, 15, 0)
    assert shown["keys"][0]["in_flight"] == 0


def test_nothing_written_yet_is_no_key_and_no_rate():
    shown = scheduler_stats(read_instances({b"x": b"not json"}, 0.0))
    assert (shown["total_keys"], shown["success_rate"], shown["keys"]) == (0, None, [])
