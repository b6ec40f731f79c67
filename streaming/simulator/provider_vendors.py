"""How each vendor says what went wrong: the status and body of an answer. Pure.

After their public lists of errors, in our words; `tests/unit/simulator/test_provider_vendors.py`
has them read by the client's own table.
"""

from typing import Any

from streaming.scheduling.outcomes import Outcome
from streaming.settings.vendors import Vendor

Saying = tuple[int, dict[str, Any]]


def _openai(message: str, code: str | None = None, kind: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind or code, "param": None, "code": code}}


def _by_code(code: object, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


_USUAL: dict[Outcome, Saying] = {
    Outcome.THROTTLED_REQUESTS: (
        429,
        _openai("Rate limit reached on requests per min (RPM).", "rate_limit_exceeded"),
    ),
    Outcome.THROTTLED_TOKENS: (
        429,
        _openai("Rate limit reached on tokens per min (TPM).", "rate_limit_exceeded"),
    ),
    Outcome.THROTTLED_BURST: (
        429,
        _openai("Request rate increased too quickly.", "rate_limit_exceeded"),
    ),
    Outcome.THROTTLED_CONCURRENCY: (
        429,
        _openai("Too many concurrent requests.", "rate_limit_exceeded"),
    ),
    Outcome.THROTTLED: (429, {}),
    Outcome.OWES_MONEY: (402, _openai("Insufficient balance.", "insufficient_balance")),
    Outcome.KEY_REFUSED: (401, _openai("Incorrect API key provided.", "invalid_api_key")),
    Outcome.MODEL_REFUSED: (
        403,
        _openai("You are not allowed to use this model.", "model_not_allowed"),
    ),
    Outcome.MODEL_MISSING: (404, _openai("The model does not exist.", "model_not_found")),
    Outcome.CONTENT_REFUSED: (400, _openai("The content was filtered.", "content_filter")),
    Outcome.REQUEST_REFUSED: (400, _openai("The image is too small.", "invalid_request_error")),
    Outcome.OVERLOADED: (503, _openai("The engine is currently overloaded.", None, "server_error")),
    Outcome.UNAVAILABLE: (500, _openai("An internal error has occurred.", "internal_error")),
    Outcome.TIMED_OUT: (504, _openai("The upstream request timed out.")),
    Outcome.NOT_A_PROVIDER: (404, {"detail": "Not Found"}),
}

_OWN: dict[Vendor, dict[Outcome, Saying]] = {
    Vendor.DASHSCOPE: {
        Outcome.THROTTLED_REQUESTS: (
            429,
            _openai("Requests rate limit exceeded, please try again later.", "limit_requests"),
        ),
        Outcome.THROTTLED_TOKENS: (
            429,
            _openai(
                "You exceeded your current quota, check your plan and billing.",
                "insufficient_quota",
            ),
        ),
        Outcome.THROTTLED_BURST: (
            429,
            _openai("Request rate increased too quickly.", "limit_burst_rate"),
        ),
        Outcome.OWES_MONEY: (
            400,
            _openai("Access denied, make sure your account is in good standing.", "Arrearage"),
        ),
        Outcome.MODEL_REFUSED: (403, _openai("Model access denied.", "Model.AccessDenied")),
        Outcome.CONTENT_REFUSED: (
            400,
            _openai("Input data may contain inappropriate content.", "data_inspection_failed"),
        ),
        Outcome.REQUEST_REFUSED: (
            400,
            _openai("The image does not meet the restrictions.", "invalid_parameter_error"),
        ),
    },
    Vendor.OPENAI: {
        Outcome.OWES_MONEY: (
            429,
            _openai(
                "You exceeded your current quota, check your plan and billing.",
                "insufficient_quota",
            ),
        ),
        Outcome.MODEL_REFUSED: (
            403,
            _openai(
                "You are not allowed to sample from this model.", None, "invalid_request_error"
            ),
        ),
    },
    Vendor.AZURE: {
        Outcome.THROTTLED_REQUESTS: (
            429,
            _by_code("429", "Requests have exceeded call rate limit of your pricing tier."),
        ),
        Outcome.THROTTLED_TOKENS: (
            429,
            _by_code("429", "Requests have exceeded token rate limit of your pricing tier."),
        ),
        Outcome.KEY_REFUSED: (
            401,
            _by_code("401", "Access denied due to invalid subscription key or wrong API endpoint."),
        ),
        Outcome.MODEL_MISSING: (
            404,
            _by_code("DeploymentNotFound", "The API deployment for this resource does not exist."),
        ),
        Outcome.CONTENT_REFUSED: (
            400,
            {
                "error": {
                    "code": "content_filter",
                    "message": "The response was filtered",
                    "innererror": {"code": "ResponsibleAIPolicyViolation"},
                }
            },
        ),
        Outcome.TIMED_OUT: (408, _by_code("Timeout", "The operation was timeout.")),
    },
    Vendor.OPENROUTER: {
        Outcome.OWES_MONEY: (
            402,
            _by_code(402, "Insufficient credits. Add more using your account page."),
        ),
        Outcome.KEY_REFUSED: (401, _by_code(401, "No auth credentials found")),
        Outcome.MODEL_MISSING: (404, _by_code(404, "No endpoints found for this model.")),
        Outcome.CONTENT_REFUSED: (403, _by_code(403, "Your input was flagged")),
        Outcome.THROTTLED: (200, _by_code(429, "Rate limit exceeded")),
        Outcome.UNAVAILABLE: (
            200,
            {
                "choices": [
                    {
                        "error": _by_code(502, "Network connection lost.")["error"],
                        "finish_reason": "error",
                    }
                ]
            },
        ),
    },
    Vendor.DEEPSEEK: {
        Outcome.OWES_MONEY: (
            402,
            _openai("Insufficient Balance", "invalid_request_error", "unknown_error"),
        ),
        Outcome.MODEL_MISSING: (400, _openai("Model Not Exist", "invalid_request_error")),
    },
    Vendor.ZHIPU: {
        Outcome.THROTTLED_REQUESTS: (429, _by_code("1303", "您当前使用该API的频率过高。")),
        Outcome.THROTTLED_CONCURRENCY: (429, _by_code("1302", "您当前使用该API的并发数过高。")),
        Outcome.OWES_MONEY: (429, _by_code("1113", "您的账户已欠费，请充值后重试。")),
        Outcome.KEY_REFUSED: (401, _by_code("1002", "Authentication Token非法。")),
        Outcome.MODEL_REFUSED: (403, _by_code("1220", "您无权访问该模型。")),
        Outcome.MODEL_MISSING: (400, _by_code("1211", "模型不存在，请检查模型代码。")),
        Outcome.CONTENT_REFUSED: (400, _by_code("1301", "系统检测到输入可能包含敏感内容。")),
        Outcome.OVERLOADED: (429, _by_code("1305", "该模型当前访问量过大，请您稍后再试")),
    },
    Vendor.MOONSHOT: {
        Outcome.THROTTLED_CONCURRENCY: (
            429,
            _openai(
                "Your account reached max organization concurrency: 1",
                None,
                "rate_limit_reached_error",
            ),
        ),
        Outcome.OWES_MONEY: (
            429,
            _openai(
                "Your account is suspended, check your plan and billing details",
                None,
                "exceeded_current_quota_error",
            ),
        ),
        Outcome.KEY_REFUSED: (
            401,
            _openai("Invalid Authentication", None, "invalid_authentication_error"),
        ),
        Outcome.MODEL_MISSING: (
            404,
            _openai("Not found the model or Permission denied", None, "resource_not_found_error"),
        ),
        Outcome.CONTENT_REFUSED: (
            400,
            _openai(
                "The request was rejected because it was considered high risk",
                None,
                "content_filter",
            ),
        ),
        Outcome.OVERLOADED: (
            429,
            _openai(
                "The engine is currently overloaded, please try again later",
                None,
                "engine_overloaded_error",
            ),
        ),
    },
    Vendor.VLLM: {
        Outcome.KEY_REFUSED: (401, {"error": "Unauthorized"}),
        Outcome.MODEL_MISSING: (
            404,
            {
                "object": "error",
                "message": "The model `m` does not exist.",
                "type": "NotFoundError",
                "code": 404,
            },
        ),
        Outcome.REQUEST_REFUSED: (
            400,
            {
                "object": "error",
                "message": "This model's maximum context length is 8192 tokens.",
                "type": "BadRequestError",
                "code": 400,
            },
        ),
    },
    Vendor.OLLAMA: {
        Outcome.MODEL_MISSING: (404, {"error": "model 'llava' not found, try pulling it first"}),
        Outcome.OVERLOADED: (503, {"error": "server busy, maximum pending requests exceeded"}),
    },
}


def saying(vendor: Vendor, outcome: Outcome) -> Saying | None:
    """Status and body; None for an outcome that comes as a completion."""
    return _OWN.get(vendor, {}).get(outcome) or _USUAL.get(outcome)
