"""The benchmark runs, and its figures add up."""

from streaming.benchmark.scheduler import Load, measure


def test_a_short_measurement_has_every_figure_and_no_429(make_settings):
    load = Load(keys=2, qps=20, rpm=600, duration_s=8.0, share=0.5)
    report = measure(make_settings(), load).as_dict()
    (result,) = report["results"]
    assert report["name"] == "scheduler"
    assert result["http_429"] == 0
    assert result["success_rate"] == 1.0
    assert result["called_twice"] == 0
    assert 0 < result["calls_per_s"] <= load.limit
    assert set(result["added_latency_ms"]) == {"p50", "p95", "p99"}
