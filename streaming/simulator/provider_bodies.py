"""What the simulated provider answers, in the shape and wording of DashScope's. Pure."""

import random
from collections.abc import Iterator
from typing import Any

from streaming.simulator.provider_limits import Refusal

HTML_PAGE = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    "<body><h1>502 Bad Gateway</h1></body></html>"
)

_MALFORMED = (
    "I am sorry, I cannot judge this picture.",
    '{"riskLevel": "hi',
    '{"riskLevel": "catastrophic", "confidence": 0.9}',
    '{"answer": "none"}',
    "",
)


def error(message: str, code: str, type_: str | None = None) -> dict[str, Any]:
    """An error as the OpenAI-compatible endpoint gives it."""
    return {
        "error": {"message": message, "type": type_ or code, "param": None, "code": code},
        "request_id": "00000000-0000-0000-0000-000000000000",
    }


def refused(refusal: Refusal) -> dict[str, Any]:
    """The body of a 429: too many in a second is a sudden rise, in a minute the quota."""
    if refusal == "second":
        return error(
            "Request rate increased too quickly. To ensure system stability, please adjust your "
            "client logic to scale requests more smoothly over time.",
            "limit_burst_rate",
        )
    return error(
        "Requests rate limit exceeded, please try again later.",
        "limit_requests",
    )


def unknown_key(echoed: str = "") -> dict[str, Any]:
    """The body of a 401; some servers repeat what they were given."""
    message = f"Incorrect API key provided. {echoed}".strip()
    return error(message, "invalid_api_key", "invalid_request_error")


def forbidden() -> dict[str, Any]:
    """The body of a 403."""
    return error("Model access denied.", "Model.AccessDenied", "invalid_request_error")


def arrears() -> dict[str, Any]:
    """The body of a 400: the account owes money."""
    return error("Access denied, please make sure your account is in good standing.", "Arrearage")


def unknown_model(model: str) -> dict[str, Any]:
    """The body of a 404."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return error(message, "model_not_found", "invalid_request_error")


def no_json_mode() -> dict[str, Any]:
    """The body of a 400: this model takes no response_format."""
    return error("The model does not support response_format.", "invalid_parameter_error")


def no_word_json() -> dict[str, Any]:
    """The body of a 400: in JSON mode a prompt has to say so."""
    message = (
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
        "'json_object'."
    )
    return error(message, "invalid_parameter_error")


def models(names: tuple[str, ...]) -> dict[str, Any]:
    """The body of GET /v1/models."""
    data = [{"id": n, "object": "model", "created": 0, "owned_by": "simulator"} for n in names]
    return {"object": "list", "data": data}


def completion(
    content: str,
    model: str,
    number: int,
    created: int,
    tokens: tuple[int, int],
    *,
    finish_reason: str = "stop",
) -> dict[str, Any]:
    """A chat completion; `tokens` of the prompt and of the answer."""
    asked, answered = tokens
    return {
        "id": f"chatcmpl-sim-{number}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": finish_reason,
                "logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
        },
    }


def chunks(body: dict[str, Any], chars: int = 20) -> Iterator[dict[str, Any]]:
    """The same completion as the chunks of a stream; the last one has the usage."""
    content = body["choices"][0]["message"]["content"]
    head = {k: body[k] for k in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    for start in range(0, len(content), chars):
        delta = {"role": "assistant", "content": content[start : start + chars]}
        yield head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    yield head | {"choices": [end], "usage": body["usage"]}


def malformed(rng: random.Random) -> str:
    """An answer that is no verdict."""
    return rng.choice(_MALFORMED)
