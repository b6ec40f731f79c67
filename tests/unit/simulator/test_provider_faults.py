"""What is asked to go wrong goes wrong, as often as asked."""

import random
from collections import Counter

from streaming.settings import SimulatorSettings
from streaming.simulator.provider_app import Latency
from streaming.simulator.provider_faults import Faults


def test_faults_come_with_their_shares():
    faults = Faults(error_rate=0.05, hang_rate=0.02, malformed_rate=0.1, slow_rate=0.2)
    rng = random.Random(1)
    drawn = Counter(faults.draw(rng) for _ in range(20_000))
    for fault, share in (("error", 0.05), ("hang", 0.02), ("malformed", 0.1), ("slow", 0.2)):
        assert abs(drawn[fault] / 20_000 - share) < 0.01


def test_nothing_goes_wrong_by_default():
    faults = Faults.from_settings(SimulatorSettings())
    assert {faults.draw(random.Random(i)) for i in range(100)} == {None}


def test_the_latency_has_the_median_it_is_given():
    rng = random.Random(1)
    times = sorted(Latency(800, 0.35).draw_s(rng) for _ in range(4001))
    assert 0.77 < times[2000] < 0.83
    assert 1.3 < times[int(4001 * 0.95)] < 1.6
