"""The probe against real daemons: one that works, and one whose scheduler was killed."""

import os
import signal

from streaming.benchmark.pipeline.load import Load
from streaming.benchmark.pipeline.stack import stack
from streaming.kafka.cameras import announced
from streaming.probe.probe import probe
from streaming.probe.promises import broken, verdict


def silent(*_):
    """Says nothing."""


def test_a_probe_tells_a_system_that_works_from_one_whose_scheduler_is_gone(make_settings):
    settings = make_settings(
        TRAFFICMON_SIMULATOR__LATENCY_MEDIAN_MS="100",
        TRAFFICMON_SCHEDULER__TASK_TIMEOUT_SECONDS="3",
        TRAFFICMON_DETECTION__INTERVAL_S="0.5",
        # The machine that runs this may be slow; what is told apart is broken from working.
        TRAFFICMON_ALERTS__LATENCY_THRESHOLD_P95="30",
    )
    with stack(settings, Load(cameras=1), silent) as found:
        said = []
        works = probe(found.settings, "77", "synthetic", duration_s=5, say=said.append)
        assert "camera 77 is added, and removed at the end" in said
        assert announced(found.settings.kafka) == {"77": None}
        assert works.result["unaccounted"] == 0
        assert works.result["delivered_twice"] == 0
        late_only = [p.words for p in works.promises if not p.kept]
        assert all(words.endswith("in time") for words in late_only), verdict(works.promises)

        os.kill(found.pids["scheduling"], signal.SIGKILL)
        broke = probe(found.settings, "77", "synthetic", duration_s=5, say=silent)
        assert "scheduling" in {p.stage for p in broke.promises if not p.kept}
        first = broken([p for p in broke.promises if not p.words.endswith("in time")])
        assert (first.stage, first.words) == ("scheduling", "every task ends")
        assert announced(found.settings.kafka) == {"77": None}
