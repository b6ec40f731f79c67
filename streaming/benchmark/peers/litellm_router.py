"""LiteLLM's router over the same keys, in a closed loop, against the same provider.

Runs in an environment that has LiteLLM and nothing of ours. A JSON object of settings comes in
on stdin; a line of JSON goes out on stdout when measuring begins and one when it ends.
"""

import asyncio
import base64
import gc
import json
import resource
import sys
import time
from dataclasses import dataclass
from typing import Any

import litellm
from litellm import Router

MODEL = "qwen-vl-plus"
SCENE = {
    "objects": [
        {"id": 1, "class": "car", "box": [100, 100, 180, 150]},
        {"id": 2, "class": "person", "box": [185, 100, 200, 150]},
    ]
}


@dataclass
class Count:
    """Of requests that ended, and of those that brought an answer."""

    requests: int = 0
    successes: int = 0


async def main() -> None:
    """Warm up, measure, report."""
    asked = json.load(sys.stdin)
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    router = Router(model_list=_deployments(asked), **asked["router"])
    messages = _messages(asked["image_bytes"])
    count, pause_s = Count(), asked["pause_after_failure_s"]
    gc.collect()
    gc.freeze()
    workers = [
        asyncio.create_task(_work(router, messages, count, pause_s))
        for _ in range(asked["concurrency"])
    ]
    await asyncio.sleep(asked["warm_up_s"])
    cpu_s, requests, successes = time.process_time(), count.requests, count.successes
    _say({"event": "begin"})
    await asyncio.sleep(asked["measured_s"])
    _say(
        {
            "event": "end",
            "requests": count.requests - requests,
            "successes": count.successes - successes,
            "cpu_s": time.process_time() - cpu_s,
            "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        }
    )
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def _work(router: Any, messages: list[Any], count: Count, pause_s: float) -> None:
    """One caller: the next request when the last has ended, a pause after a failed one."""
    while True:
        try:
            await router.acompletion(model=MODEL, messages=messages, max_tokens=500)
        except Exception:  # noqa: BLE001 - whatever it is, the request has failed
            count.requests += 1
            await asyncio.sleep(pause_s)
        else:
            count.requests += 1
            count.successes += 1


def _deployments(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """A deployment a key, with its limit as LiteLLM's documentation says it."""
    return [
        {
            "model_name": MODEL,
            "litellm_params": {
                "model": f"openai/{MODEL}",
                "api_base": asked["base_url"],
                "api_key": secret,
                "rpm": asked["rpm"],
            },
        }
        for secret in asked["secrets"]
    ]


def _messages(image_bytes: int) -> list[Any]:
    image = base64.b64encode(b"\xff\xd8" + bytes(max(0, image_bytes - 2))).decode()
    text = f"Judge the danger. ```json\n{json.dumps(SCENE)}\n```"
    picture = {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{image}"}}
    return [{"role": "user", "content": [{"type": "text", "text": text}, picture]}]


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
