"""A real provider is paid only after the cost was said and agreed to."""

import pytest
from click.testing import CliRunner

from streaming.benchmark.pipeline.cost import estimate
from streaming.benchmark.pipeline.load import Load
from streaming.cli import trafficmon
from streaming.settings import load

# 10 cameras for 60 s + 30 s at 1.8 s: 500 frames, 1,000 calls, 1,500 and 150 tokens each.
LOAD = Load(cameras=10, duration_s=60, warm_up_s=30, interval_s=1.8, provider="real")


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ({}, "price_per_1k_prompt_tokens is not set, so the cost is not known"),
        ({"PROMPT": "0.002", "COMPLETION": "0.006"}, "150,000 completion tokens, 3.90 CNY"),
    ],
)
def test_the_most_that_a_run_can_cost(prices, words, tmp_path):
    environ = {
        f"TRAFFICMON_PROVIDER__PRICE_PER_1K_{kind}_TOKENS": price for kind, price in prices.items()
    }
    said = estimate(load(tmp_path, environ), LOAD)
    assert "at most about 1,000 calls with 1,500,000 prompt" in said
    assert words in said


@pytest.mark.parametrize(
    ("keys", "words"),
    [("", "needs keys in config/api_keys.yaml"), ("sk-none-real", "add --yes")],
)
def test_nothing_is_called_without_keys_or_consent(monkeypatch, tmp_path, keys, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASHSCOPE_API_KEY", keys)
    done = CliRunner().invoke(trafficmon, ["bench", "pipeline", "--provider", "real"])
    assert done.exit_code == 2
    assert words in done.output
