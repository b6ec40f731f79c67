"""The table from what a provider says to an outcome. Pure.

Written after the vendors' own lists of errors (Model Studio for DashScope, OpenAI, Azure OpenAI,
OpenRouter, DeepSeek, Zhipu's four-digit codes, Moonshot) and public reports of what vLLM, Ollama,
LM Studio, llama.cpp and the usual gateways answer. The first rule that fits wins: codes before
words, since the message of one cause may quote another's; debts before throttles, since a debt
is often told with a throttle's status.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from streaming.scheduling.outcomes import Outcome
from streaming.settings.vendors import Vendor


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits if a code is one of `codes` (lower case) or `words` is found, at these statuses."""

    outcome: Outcome
    codes: frozenset[str]
    words: re.Pattern[str] | None
    statuses: frozenset[int]
    vendors: frozenset[Vendor]


def _by(
    outcome: Outcome,
    *codes: str,
    words: Iterable[str] = (),
    at: Iterable[int] = (),
    of: Iterable[Vendor] = (),
) -> Rule:
    pattern = "|".join(words)
    return Rule(
        outcome,
        frozenset(codes),
        re.compile(pattern) if pattern else None,
        frozenset(at),
        frozenset(of),
    )


_ZHIPU = (Vendor.ZHIPU, Vendor.OTHER)
_REFUSED = (200, 400, 401, 402, 403, 404, 422, 429, 434, 500, 503)
_CONTENT = (200, 400, 403, 422, 451)
_BUSY = (200, 429, 500, 502, 503, 529)
_TOO_MANY = (200, 402, 403, 429)
_USE = r"(?:access|allow|permi|authori|entitle|enabled|权限|无权|开放)"

RULES: tuple[Rule, ...] = (
    # Zhipu
    _by(Outcome.OWES_MONEY, "1113", "1304", "1308", "1309", "1310", at=_REFUSED, of=_ZHIPU),
    _by(Outcome.KEY_REFUSED, "1000", "1001", "1002", "1003", "1004", "1110", "1111", "1112",
        "1121", at=_REFUSED, of=_ZHIPU),
    _by(Outcome.MODEL_MISSING, "1211", "1221", "1222", at=_REFUSED, of=_ZHIPU),
    _by(Outcome.MODEL_REFUSED, "1220", "1311", at=_REFUSED, of=_ZHIPU),
    _by(Outcome.CONTENT_REFUSED, "1300", "1301", at=_REFUSED, of=_ZHIPU),
    _by(Outcome.THROTTLED_CONCURRENCY, "1302", at=_REFUSED, of=_ZHIPU),
    _by(Outcome.THROTTLED_REQUESTS, "1303", "1313", at=_REFUSED, of=_ZHIPU),
    _by(Outcome.OVERLOADED, "1305", "1312", at=_REFUSED, of=_ZHIPU),
    _by(Outcome.REQUEST_REFUSED, "1210", "1212", "1213", "1214", "1215", "1261", at=_REFUSED,
        of=_ZHIPU),
    _by(Outcome.UNAVAILABLE, "1120", "1200", "1230", "1231", "1234", at=_REFUSED, of=_ZHIPU),
    # Codes. OpenAI's `insufficient_quota` is a debt, DashScope's a throttle on tokens a minute.
    _by(Outcome.OWES_MONEY, "insufficient_quota", of=(Vendor.OPENAI, Vendor.AZURE)),
    _by(Outcome.OWES_MONEY, "exceeded_current_quota_error", "insufficient_user_quota",
        "insufficient_balance", "insufficient_funds", "insufficient_credits", "arrearage",
        "billing_hard_limit_reached", "billing_not_active", "unpaid_invoice",
        "pre_consume_token_quota_failed", "accountoverdueerror", "commoditynotpurchased",
        "account_deactivated"),
    _by(Outcome.CONTENT_REFUSED, "content_filter", "content_policy_violation", "moderation",
        "datainspectionfailed", "data_inspection_failed", "responsibleaipolicyviolation",
        "prompt_blocked", "sensitive_words_detected", "image_content_policy_violation",
        at=_CONTENT),
    _by(Outcome.MODEL_REFUSED, "model.accessdenied", "model_access_denied", "model_not_allowed"),
    _by(Outcome.MODEL_MISSING, "model_not_found", "modelnotfound", "model_not_exist",
        "deploymentnotfound", "unknown_model", "model_not_supported"),
    _by(Outcome.KEY_REFUSED, "invalid_api_key", "invalidapikey", "invalid_authentication_error",
        "incorrect_api_key_error", "api_key_invalid", "authentication_error", "unauthenticated",
        "account_suspended"),
    _by(Outcome.OVERLOADED, "engine_overloaded_error", "overloaded_error", "overloaded",
        "model_overloaded", "server_overloaded", "serveroverloaded"),
    _by(Outcome.THROTTLED_BURST, "limit_burst_rate", "throttling.burstrate"),
    _by(Outcome.THROTTLED_REQUESTS, "limit_requests", "throttling.ratequota"),
    _by(Outcome.THROTTLED_CONCURRENCY, "limit_concurrency", "concurrency_limit_exceeded"),
    # Words
    _by(Outcome.OWES_MONEY, at=_REFUSED, words=(
        "insufficient (?:account )?(?:balance|credit|fund)", "in good standing", "bill_?overdue",
        "billing.{0,3}hard.{0,3}limit", "free ?tier ?only", "out of credits", "payment required",
        "credit balance is too low", "never purchased credits", "requires more credits",
        "(?:balance|credit).{0,30}(?:exhausted|depleted|used up|not enough)",
        "account.{0,30}(?:arrears|overdue)", "(?:suspended|inactive).{0,60}(?:billing|balance)",
        "余额不足", "余额已用完", "欠费", "额度不足", "额度已用完", "请充值")),
    _by(Outcome.OWES_MONEY, "insufficient_quota", of=(Vendor.OTHER,), at=(403,)),
    _by(Outcome.CONTENT_REFUSED, at=_CONTENT, words=(
        "content management policy", "content policy", "inappropriate content", "safety system",
        "considered high risk", "requires moderation",
        "(?:input|prompt|content|image).{0,40}(?:was|were|been) (?:flagged|blocked|filtered)",
        "敏感内容", "违规内容", "内容审核", "安全审核")),
    _by(Outcome.MODEL_MISSING, at=(200, 400, 404, 410, 422, 503), words=(
        r"model.{0,120}?\b(?:not found|not exist|does ?n[o']t exist|no longer available)",
        r"model.{0,120}?\b(?:deprecated|decommissioned|is not available)",
        "(?:not found|could not find|cannot find).{0,20}model", "not a valid model",
        "no models? (?:is |are )?loaded", "no such model",
        "no endpoints found", "no allowed providers are available", "(?:unknown|unsupported) model",
        "deployment for this resource does not exist", "no available channels? for model",
        "模型不存在", "模型已下线", "无可用渠道")),
    _by(Outcome.MODEL_REFUSED, at=(401, 403), words=(
        rf"\bmodel.{{0,100}}{_USE}", rf"{_USE}.{{0,60}}\bmodel", rf"模型.{{0,20}}{_USE}",
        rf"{_USE}.{{0,20}}模型")),
    _by(Outcome.KEY_REFUSED, at=(200, 400, 401, 403, 429), words=(
        "api.?key (?:is )?(?:not valid|invalid|expired|disabled|revoked)",
        "(?:invalid|incorrect) api.?key", "api.?key.{0,30}(?:disabled|revoked|deleted)",
        "account.{0,40}(?:locked|disabled|banned|suspended)", "令牌.{0,10}(?:无效|过期|禁用)")),
    _by(Outcome.OVERLOADED, at=_BUSY, words=(
        "overload", "at capacity", "no capacity", "capacity (?:exceeded|limit)", "loading model",
        "currently loading", "(?:system|server) is (?:too )?busy", "server busy",
        "rate-limited upstream", "访问量过大", "负载", "服务繁忙")),
    _by(Outcome.THROTTLED_BURST, at=_TOO_MANY, words=(
        "burst", "increased too quickly", "scale up your requests")),
    _by(Outcome.THROTTLED_CONCURRENCY, at=_TOO_MANY, words=(
        "concurren", "simultaneous", "in.?flight", "并发")),
    _by(Outcome.THROTTLED_TOKENS, "insufficient_quota", "throttling.allocationquota",
        "limit_tokens", at=_TOO_MANY),
    _by(Outcome.THROTTLED_REQUESTS, at=_TOO_MANY, words=(
        "requests? rate limit exceeded", "current requests list", "request limit", "requests per",
        r"\brp[msd]\b", "call rate limit", "请求频率", "频率过高")),
    _by(Outcome.THROTTLED_TOKENS, at=_TOO_MANY, words=(
        r"allocat\w* quota exceeded", "current quota", "tokens per", "token rate limit",
        r"\btp[msd]\b", "token limit")),
    _by(Outcome.THROTTLED_REQUESTS, "rate_limit_exceeded", "rate_limit_reached_error",
        "rate_limit_error", "throttling", words=("too many requests",), at=_TOO_MANY),
)  # fmt: skip

BY_STATUS: dict[int, Outcome] = {
    401: Outcome.KEY_REFUSED,
    402: Outcome.OWES_MONEY,
    403: Outcome.KEY_REFUSED,
    404: Outcome.NOT_A_PROVIDER,
    405: Outcome.NOT_A_PROVIDER,
    407: Outcome.UNAVAILABLE,
    408: Outcome.TIMED_OUT,
    409: Outcome.UNAVAILABLE,
    410: Outcome.MODEL_MISSING,
    424: Outcome.UNAVAILABLE,
    425: Outcome.UNAVAILABLE,
    429: Outcome.THROTTLED,
    451: Outcome.CONTENT_REFUSED,
    498: Outcome.KEY_REFUSED,
    499: Outcome.UNAVAILABLE,
    504: Outcome.TIMED_OUT,
    524: Outcome.TIMED_OUT,
    529: Outcome.OVERLOADED,
}
"""Where no rule fits; any other 4xx refuses the request, anything else is unavailable."""
