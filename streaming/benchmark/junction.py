"""Measure how long a synthetic camera takes to simulate and paint a frame."""

import statistics
import time
from collections.abc import Callable
from functools import partial

from streaming.benchmark.report import Report
from streaming.simulator.junction import Junction, JunctionSpec

SOURCE = "synthetic://junction?seed=1&vehicles=8&pedestrians=4"
WARM_UP = 20


def measure(*, source: str = SOURCE, frames: int = 300, interval_s: float = 1.8) -> Report:
    """Median and 95th percentile in ms of `frames` frames, `interval_s` of scene time apart."""
    junction = Junction(JunctionSpec.parse(source))
    advance_ms: list[float] = []
    render_ms: list[float] = []
    for number in range(WARM_UP + frames):
        moved = _timed_ms(partial(junction.advance, number * interval_s))
        painted = _timed_ms(junction.render)
        if number >= WARM_UP:
            advance_ms.append(moved)
            render_ms.append(painted)
    height, width = junction.render().shape[:2]
    result = {
        "width": width,
        "height": height,
        "advance_ms": _summary(advance_ms),
        "render_ms": _summary(render_ms),
    }
    settings = {"source": source, "frames": frames, "interval_s": interval_s}
    return Report("junction", settings, [result])


def _timed_ms(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def _summary(values_ms: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values_ms, n=20)
    return {"p50": round(statistics.median(values_ms), 3), "p95": round(cuts[18], 3)}
