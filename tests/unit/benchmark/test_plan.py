"""The plan's figures, reckoned by hand."""

import pytest

from streaming.benchmark.core_lines import Line, check, fit
from streaming.benchmark.plan import picture_mb, plan


def run(cameras, **cores):
    """One frame in two seconds a camera, half a task a frame, eight road users in each."""
    frames = cameras / 2
    return {
        "settings": {
            "cameras": cameras,
            "duration_s": 270.0,
            "warm_up_s": 30.0,
            "allowed_calls_per_s": 50.0,
            "api_keys": 10,
        },
        "results": [
            {
                "frames_per_s": frames,
                "detections_per_s": frames * 8,
                "tasks_per_s": frames / 2,
                "tasks": 1000,
                "calls_per_task": 1.0,
                "tokens": {"prompt": 1_200_000, "completion": 100_000},
                "resources": {
                    "processes": {
                        name: {"cores": value, "rss_mb": 100.0} for name, value in cores.items()
                    }
                },
            }
        ],
    }


@pytest.mark.parametrize(
    ("points", "line"),
    [
        ([(10, 0.5)], Line(0.0, 0.05)),
        ([(10, 0.6), (20, 1.1)], Line(0.1, 0.05)),
        # A fixed part below nothing is no fixed part: 10 x 0.3 + 20 x 1.1 = 25 of 500.
        ([(10, 0.3), (20, 1.1)], Line(0.0, 0.05)),
        ([(10, 0.2), (10, 0.4)], Line(0.0, 0.03)),
    ],
)
def test_a_line_is_fitted_to_the_runs(points, line):
    found = fit(points)
    assert (found.fixed, found.each) == pytest.approx((line.fixed, line.each))


def test_the_plan_of_100_cameras_from_a_run_of_20():
    # 10 frames/s, 5 tasks/s -> 50 frames/s, 25 tasks/s: five times each process's cores.
    made = plan(
        [run(20, detection=0.5, tasks=0.02, scheduling=0.05, kafka=0.3, redis=0.02)],
        cameras=100,
        interval_s=2.0,
        prices=(0.002, 0.006),
    )
    assert (made.rates.frames, made.rates.tasks) == (50.0, 25.0)
    by_name = {p.name: (p.count, round(p.cores, 3), p.memory_mb) for p in made.processes}
    # 2.5 cores at 0.7 each are four processes of 100 MB.
    assert by_name["detection"] == (4, 2.5, 400.0)
    assert by_name["tasks"] == (1, 0.1, 100.0)
    assert by_name["kafka"] == (1, 1.5, 100.0)
    assert made.partitions == 16
    # 25 calls/s, 5 a key with 0.85 of it used: 5.9.
    assert made.keys == 6
    # 90 MB for 10 frames/s x 300 s: 0.03 MB a frame, of 50 x 300 frames.
    assert made.pictures_mb == pytest.approx(450.0)
    assert by_name["redis"][2] == pytest.approx(460.0)
    # 50 x (450 + 8 x 125) + 25 x 1500 = 110,000 bytes/s.
    assert made.kafka_gb_a_day == pytest.approx(9.504)
    # (50 x 9 + 25) x 30 + 25 x 72.6 = 16,065 bytes/s.
    assert made.lake_gb_a_day == pytest.approx(1.388016)
    # 1,200 tokens at 0.002 and 100 at 0.006 for 1,000: 0.003 a task, 2,160,000 tasks a day.
    assert made.cost_a_day == pytest.approx(6480.0)


def test_many_workers_want_more_partitions():
    made = plan([run(20, detection=0.5)], cameras=1000, interval_s=2.0)
    assert made.processes[0].count == 36
    assert made.partitions == 128  # two each at least, the next power of two


def test_without_prices_the_cost_is_not_known():
    assert plan([run(20, detection=0.5)], cameras=20, interval_s=2.0).cost_a_day is None


def test_each_run_is_predicted_from_the_others():
    runs = [run(n, detection=0.1 + n * 0.02, kafka=0.2) for n in (10, 25, 50, 100)]
    assert [c.cameras for c in check(runs)] == [10, 25, 50, 100]
    assert all(c.off == pytest.approx(0.0, abs=1e-9) for c in check(runs))
    runs[3] = run(100, detection=4.2, kafka=0.2)
    assert check(runs)[3].off == pytest.approx(2.3 / 4.4 - 1)


def test_a_run_without_redis_says_nothing_of_pictures():
    assert picture_mb(run(20, detection=0.5), 300.0) == 0.0
