"""What a run with the real provider would cost at most. Pure."""

from streaming.benchmark.pipeline.load import Load
from streaming.settings import Settings

GROUPS_PER_FRAME = 2.0
PROMPT_TOKENS, COMPLETION_TOKENS = 1_500, 150
"""Of one call with a picture of a group: what the shipped prompt takes, rounded up."""


def estimate(settings: Settings, load: Load) -> str:
    """The estimate in a sentence; the gate and the keys' limits make it less."""
    seconds = load.warm_up_s + load.duration_s
    calls = round(load.cameras * seconds / load.interval_s * GROUPS_PER_FRAME)
    provider = settings.provider
    prompt, completion = calls * PROMPT_TOKENS, calls * COMPLETION_TOKENS
    said = (
        f"{provider.model} at {provider.base_url}: at most about {calls:,} calls with "
        f"{prompt:,} prompt and {completion:,} completion tokens"
    )
    prices = provider.price_per_1k_prompt_tokens, provider.price_per_1k_completion_tokens
    if not any(prices):
        return f"{said}; provider.price_per_1k_prompt_tokens is not set, so the cost is not known"
    cost = (prompt * prices[0] + completion * prices[1]) / 1000
    return f"{said}, {cost:,.2f} {provider.price_currency}"
