"""What the answers of many vendors mean, in the forms that their documentation and users report.

The bodies are ours, after: Model Studio's "error codes", OpenAI's "error codes", Azure OpenAI's
"quotas" and "content filtering", OpenRouter's "errors and debugging", DeepSeek's "error codes",
Zhipu's "api-code", Moonshot's "errors", and issues of vLLM, Ollama, LM Studio, llama.cpp,
one-api, new-api and LiteLLM.
"""

import json
from pathlib import Path

import pytest

from streaming.scheduling import error_body
from streaming.scheduling.meaning import Answer, meaning
from streaming.scheduling.outcomes import FATES, Outcome
from streaming.settings.vendors import Vendor, vendor_of

O = Outcome  # noqa: E741 - a table of 130 lines reads better so
HOSTS = {
    Vendor.DASHSCOPE: "https://dashscope.aliyuncs.com/compatible-mode/v1",
    Vendor.OPENAI: "https://api.openai.com/v1",
    Vendor.AZURE: "https://city.openai.azure.com/openai/v1",
    Vendor.OPENROUTER: "https://openrouter.ai/api/v1",
    Vendor.DEEPSEEK: "https://api.deepseek.com",
    Vendor.ZHIPU: "https://open.bigmodel.cn/api/paas/v4",
    Vendor.MOONSHOT: "https://api.moonshot.cn/v1",
    Vendor.OTHER: "http://10.0.0.7:8000/v1",
}


def openai(message: str, code: object = None, kind: object = None) -> dict:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def by_code(code: object, message: str) -> dict:
    return {"error": {"code": code, "message": message}}


DASHSCOPE = [
    (400, by_code("Arrearage", "Access denied, please make sure your account is in good standing."), O.OWES_MONEY),
    (400, {"code": "Arrearage", "message": "Access denied.", "request_id": "1"}, O.OWES_MONEY),
    (403, by_code("AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted."), O.OWES_MONEY),
    (429, by_code("PrepaidBillOverdue", "The prepaid bill is overdue."), O.OWES_MONEY),
    (429, by_code("PostpaidBillOverdue", "The postpaid bill is overdue."), O.OWES_MONEY),
    (429, by_code("CommodityNotPurchased", "Commodity has not purchased yet."), O.OWES_MONEY),
    (401, openai("Incorrect API key provided.", "invalid_api_key", "invalid_request_error"), O.KEY_REFUSED),
    (401, {"code": "InvalidApiKey", "message": "Invalid API-key provided."}, O.KEY_REFUSED),
    (403, by_code("Model.AccessDenied", "Model access denied."), O.MODEL_REFUSED),
    (403, by_code("AccessDenied", "Access denied."), O.KEY_REFUSED),
    (403, by_code("AccessDenied", "Access to the model qwen-vl-max is not enabled."), O.MODEL_REFUSED),
    (404, by_code("ModelNotFound", "Model can not be found."), O.MODEL_MISSING),
    (404, by_code("model_not_found", "The model `qwen` does not exist or you do not have access to it."), O.MODEL_MISSING),
    (400, by_code("data_inspection_failed", "Output data may contain inappropriate content."), O.CONTENT_REFUSED),
    (400, by_code("DataInspectionFailed", "Input data may contain inappropriate content."), O.CONTENT_REFUSED),
    (400, by_code("InvalidParameter", "parameter.enable_thinking must be set to false for non-streaming calls"), O.REQUEST_REFUSED),
    (400, by_code("invalid_parameter_error", "The image length and width do not meet the model restrictions."), O.REQUEST_REFUSED),
    (413, by_code("BadRequest.TooLarge", "Payload Too Large"), O.REQUEST_REFUSED),
    (429, by_code("Throttling.RateQuota", "Requests rate limit exceeded, please try again later."), O.THROTTLED_REQUESTS),
    (429, by_code("limit_requests", "You exceeded your current requests list."), O.THROTTLED_REQUESTS),
    (429, by_code("Throttling.BurstRate", "Request rate increased too quickly."), O.THROTTLED_BURST),
    (429, by_code("limit_burst_rate", "To ensure system stability, please adjust your client logic to scale requests."), O.THROTTLED_BURST),
    (429, by_code("Throttling.AllocationQuota", "Allocated quota exceeded, please increase your quota limit."), O.THROTTLED_TOKENS),
    (429, by_code("insufficient_quota", "You exceeded your current quota, please check your plan and billing details."), O.THROTTLED_TOKENS),
    (429, by_code("Throttling", "Too many requests in route."), O.THROTTLED_REQUESTS),
    (500, by_code("InternalError", "An internal error has occured, please try again later."), O.UNAVAILABLE),
    (500, by_code("InternalError.Timeout", "The request timed out."), O.UNAVAILABLE),
    (503, by_code("ModelServingError", "Too many requests. Your requests are being throttled due to system capacity limits."), O.OVERLOADED),
    (503, by_code("ModelUnavailable", "Model is unavailable, please try again later."), O.UNAVAILABLE),
]  # fmt: skip

OPENAI = [
    (401, openai("Incorrect API key provided: sk-***.", "invalid_api_key", "invalid_request_error"), O.KEY_REFUSED),
    (401, openai("You must be a member of an organization to use the API.", None, "invalid_request_error"), O.KEY_REFUSED),
    (403, openai("Project `proj_1` does not have access to model `gpt-5`.", "model_not_found"), O.MODEL_MISSING),
    (403, openai("You are not allowed to sample from this model.", None, "invalid_request_error"), O.MODEL_REFUSED),
    (403, openai("Country, region, or territory not supported", "unsupported_country_region_territory"), O.KEY_REFUSED),
    (404, openai("The model `gpt-x` does not exist or you do not have access to it.", "model_not_found"), O.MODEL_MISSING),
    (404, openai("The model `gpt-4-vision` has been deprecated.", "model_not_found"), O.MODEL_MISSING),
    (400, openai("Your input image was flagged by our safety system.", "content_policy_violation"), O.CONTENT_REFUSED),
    (400, openai("Unsupported parameter: 'max_tokens' is not supported with this model.", "unsupported_parameter"), O.REQUEST_REFUSED),
    (400, openai("Unsupported value: 'temperature' does not support 0.1 with this model.", "unsupported_value"), O.REQUEST_REFUSED),
    (400, openai("This model's maximum context length is 128000 tokens.", "context_length_exceeded"), O.REQUEST_REFUSED),
    (400, openai("Billing hard limit has been reached", "billing_hard_limit_reached"), O.OWES_MONEY),
    (429, openai("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", "insufficient_quota"), O.OWES_MONEY),
    (429, openai("Your account is not active, please check your billing details.", "billing_not_active"), O.OWES_MONEY),
    (429, openai("Rate limit reached for gpt-5 in organization org on requests per min (RPM): Limit 3, Used 3.", "rate_limit_exceeded", "requests"), O.THROTTLED_REQUESTS),
    (429, openai("Rate limit reached for gpt-5 on tokens per min (TPM): Limit 30000, Used 29000.", "rate_limit_exceeded", "tokens"), O.THROTTLED_TOKENS),
    (429, openai("Too many concurrent requests", "rate_limit_exceeded"), O.THROTTLED_CONCURRENCY),
    (429, openai("The engine is currently overloaded, please try again later"), O.OVERLOADED),
    (409, openai("The request conflicts with another."), O.UNAVAILABLE),
    (500, openai("The server had an error while processing your request.", None, "server_error"), O.UNAVAILABLE),
    (503, openai("That model is currently overloaded with other requests.", None, "server_error"), O.OVERLOADED),
    (503, openai("Slow Down"), O.UNAVAILABLE),
]  # fmt: skip

AZURE = [
    (401, by_code("401", "Access denied due to invalid subscription key or wrong API endpoint."), O.KEY_REFUSED),
    (401, {"statusCode": 401, "message": "Unauthorized. Access token is missing, invalid or expired."}, O.KEY_REFUSED),
    (404, by_code("DeploymentNotFound", "The API deployment for this resource does not exist."), O.MODEL_MISSING),
    (404, by_code("404", "Resource not found"), O.NOT_A_PROVIDER),
    (400, {"error": {"code": "content_filter", "message": "The response was filtered", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, O.CONTENT_REFUSED),
    (400, by_code("OperationNotSupported", "The chatCompletion operation does not work with the specified model."), O.REQUEST_REFUSED),
    (429, by_code("429", "Requests to the ChatCompletions_Create operation have exceeded call rate limit of your current pricing tier."), O.THROTTLED_REQUESTS),
    (429, by_code("429", "Requests have exceeded token rate limit of your current pricing tier."), O.THROTTLED_TOKENS),
    (429, by_code("RateLimitReached", "Your requests have exceeded the rate limit"), O.THROTTLED),
    (429, by_code("insufficient_quota", "You exceeded your current quota."), O.OWES_MONEY),
    (424, by_code("FailedDependency", "The upstream failed."), O.UNAVAILABLE),
    (408, by_code("Timeout", "The operation was timeout."), O.TIMED_OUT),
    (503, by_code("ServerBusy", "The server is busy, please try again later."), O.OVERLOADED),
]  # fmt: skip

OPENROUTER = [
    (400, by_code(400, "gpt-x is not a valid model ID"), O.MODEL_MISSING),
    (401, by_code(401, "No auth credentials found"), O.KEY_REFUSED),
    (402, by_code(402, "Insufficient credits. Add more using your account page."), O.OWES_MONEY),
    (402, by_code(402, "This request requires more credits, or fewer max_tokens."), O.OWES_MONEY),
    (403, {"error": {"code": 403, "message": "Your input was flagged", "metadata": {"reasons": ["violence"]}}}, O.CONTENT_REFUSED),
    (403, by_code(403, "Key limit exceeded"), O.KEY_REFUSED),
    (404, by_code(404, "No endpoints found for qwen/qwen-vl-max."), O.MODEL_MISSING),
    (404, by_code(404, "No allowed providers are available for the selected model."), O.MODEL_MISSING),
    (408, by_code(408, "Request timed out"), O.TIMED_OUT),
    (429, by_code(429, "Rate limit exceeded: free-models-per-min."), O.THROTTLED),
    (429, {"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": "qwen is temporarily rate-limited upstream."}}}, O.OVERLOADED),
    (400, {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": json.dumps(by_code("data_inspection_failed", "x"))}}}, O.CONTENT_REFUSED),
    (502, by_code(502, "Your chosen model is down"), O.UNAVAILABLE),
    (503, by_code(503, "There is no available model provider that meets your routing requirements"), O.UNAVAILABLE),
    (200, {"error": {"code": 429, "message": "Rate limit exceeded"}, "user_id": "u"}, O.THROTTLED),
    (200, {"error": {"code": 502, "message": "Upstream error"}}, O.UNAVAILABLE),
    (200, {"id": "1", "choices": [{"error": {"code": 502, "message": "Network connection lost."}, "finish_reason": "error"}]}, O.UNAVAILABLE),
    (200, {"error": {"code": 402, "message": "Insufficient credits"}}, O.OWES_MONEY),
]  # fmt: skip

DEEPSEEK = [
    (400, openai("Invalid format", "invalid_request_error"), O.REQUEST_REFUSED),
    (401, openai("Authentication Fails (no such user)", "invalid_request_error", "authentication_error"), O.KEY_REFUSED),
    (402, openai("Insufficient Balance", "invalid_request_error", "unknown_error"), O.OWES_MONEY),
    (400, openai("Model Not Exist", "invalid_request_error"), O.MODEL_MISSING),
    (422, openai("Failed to deserialize the JSON body into the target type: messages[1]: unknown variant `image_url`"), O.REQUEST_REFUSED),
    (429, openai("Too Many Requests"), O.THROTTLED_REQUESTS),
    (500, openai("Server error"), O.UNAVAILABLE),
    (503, openai("Service is too busy. We advise users to temporarily switch to alternative providers."), O.UNAVAILABLE),
]  # fmt: skip

ZHIPU = [
    (401, by_code("1000", "身份验证失败。"), O.KEY_REFUSED),
    (401, by_code("1002", "Authentication Token非法。"), O.KEY_REFUSED),
    (401, by_code("1003", "Authentication Token已过期。"), O.KEY_REFUSED),
    (429, by_code("1112", "您的账户已被锁定，请联系客服解锁。"), O.KEY_REFUSED),
    (429, by_code("1113", "您的账户已欠费，请充值后重试。"), O.OWES_MONEY),
    (429, by_code("1113", "Insufficient balance or no resource package. Please recharge."), O.OWES_MONEY),
    (200, by_code("1113", "您的账户已欠费"), O.OWES_MONEY),
    (429, {"code": 1113, "msg": "Your account is in arrears", "success": False}, O.OWES_MONEY),
    (400, by_code("1210", "API 调用参数有误，请检查文档。"), O.REQUEST_REFUSED),
    (400, by_code("1211", "模型不存在，请检查模型代码。"), O.MODEL_MISSING),
    (403, by_code("1220", "您无权访问 glm-4v。"), O.MODEL_REFUSED),
    (400, by_code("1301", "系统检测到输入或生成内容可能包含不安全或敏感内容。"), O.CONTENT_REFUSED),
    (429, by_code("1302", "您当前使用该API的并发数过高。"), O.THROTTLED_CONCURRENCY),
    (429, by_code("1303", "您当前使用该API的频率过高。"), O.THROTTLED_REQUESTS),
    (429, by_code("1304", "该API已达今日调用次数限额。"), O.OWES_MONEY),
    (429, by_code("1305", "该模型当前访问量过大，请您稍后再试"), O.OVERLOADED),
    (429, by_code("1308", "已达到 5 小时的使用上限。"), O.OWES_MONEY),
    (429, by_code("1311", "当前订阅套餐暂未开放glm-4v权限"), O.MODEL_REFUSED),
    (500, by_code("500", "内部错误"), O.UNAVAILABLE),
    (500, by_code("1234", "网络错误"), O.UNAVAILABLE),
]  # fmt: skip

MOONSHOT = [
    (400, openai("The request was rejected because it was considered high risk", None, "content_filter"), O.CONTENT_REFUSED),
    (400, openai("Invalid request: image is too large", None, "invalid_request_error"), O.REQUEST_REFUSED),
    (401, openai("Invalid Authentication", None, "invalid_authentication_error"), O.KEY_REFUSED),
    (401, openai("Incorrect API key provided", None, "incorrect_api_key_error"), O.KEY_REFUSED),
    (403, openai("Your account has insufficient balance.", None, "permission_denied_error"), O.OWES_MONEY),
    (404, openai("Not found the model kimi-x or Permission denied", None, "resource_not_found_error"), O.MODEL_MISSING),
    (429, openai("The engine is currently overloaded, please try again later", None, "engine_overloaded_error"), O.OVERLOADED),
    (429, openai("Your account org is suspended, please check your plan and billing details", None, "exceeded_current_quota_error"), O.OWES_MONEY),
    (429, openai("Your account reached max organization concurrency: 1, please try again after 1 seconds", None, "rate_limit_reached_error"), O.THROTTLED_CONCURRENCY),
    (429, openai("Your account reached max RPM: 3", None, "rate_limit_reached_error"), O.THROTTLED_REQUESTS),
    (429, openai("Your account reached TPM rate limit: 500000", None, "rate_limit_reached_error"), O.THROTTLED_TOKENS),
    (500, openai("server unavailable", None, "server_error"), O.UNAVAILABLE),
]  # fmt: skip

OWN_AND_GATEWAYS = [
    (404, {"object": "error", "message": "The model `m` does not exist.", "type": "NotFoundError", "code": 404}, O.MODEL_MISSING),
    (400, {"object": "error", "message": "This model's maximum context length is 8192 tokens.", "type": "BadRequestError", "code": 400}, O.REQUEST_REFUSED),
    (401, {"error": "Unauthorized"}, O.KEY_REFUSED),
    (500, {"object": "error", "message": "Internal server error", "code": 500}, O.UNAVAILABLE),
    (422, {"detail": [{"loc": ["body", "messages"], "msg": "field required", "type": "missing"}]}, O.REQUEST_REFUSED),
    (404, {"detail": "Not Found"}, O.NOT_A_PROVIDER),
    (405, {"detail": "Method Not Allowed"}, O.NOT_A_PROVIDER),
    (404, "404 page not found", O.NOT_A_PROVIDER),
    (404, {"error": "model 'llava' not found, try pulling it first"}, O.MODEL_MISSING),
    (400, {"error": "model is required"}, O.REQUEST_REFUSED),
    (503, {"error": "server busy, please try again. maximum pending requests exceeded"}, O.OVERLOADED),
    (404, {"error": {"message": "No models loaded. Please load a model in the developer page."}}, O.MODEL_MISSING),
    (200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}, O.UNAVAILABLE),
    (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, O.OVERLOADED),
    (501, {"error": {"code": 501, "message": "This server does not support images", "type": "not_supported_error"}}, O.UNAVAILABLE),
    (403, {"error": {"message": "user quota is not enough", "code": "insufficient_user_quota", "type": "new_api_error"}}, O.OWES_MONEY),
    (403, {"error": {"message": "用户额度不足, 剩余额度: ¥0", "code": "pre_consume_token_quota_failed"}}, O.OWES_MONEY),
    (401, {"error": {"message": "该令牌额度已用完", "type": "one_api_error"}}, O.OWES_MONEY),
    (403, {"error": {"message": "该令牌无权使用模型：qwen-vl-max", "type": "one_api_error"}}, O.MODEL_REFUSED),
    (503, {"error": {"message": "当前分组 default 下对于模型 qwen 无可用渠道", "type": "one_api_error"}}, O.MODEL_MISSING),
    (401, {"error": {"message": "无效的令牌", "type": "one_api_error"}}, O.KEY_REFUSED),
    (401, {"error": {"message": "key not allowed to access model. This key can only access models=['a']", "type": "key_model_access_denied"}}, O.MODEL_REFUSED),
    (400, {"error": {"message": "Budget has been exceeded! Current cost: 1, Max budget: 1", "type": "budget_exceeded"}}, O.REQUEST_REFUSED),
    (429, {"error": {"message": "No deployments available for selected model, Try again in 5 seconds"}}, O.THROTTLED),
    (400, {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}, O.KEY_REFUSED),
    (429, [{"error": {"code": 429, "message": "Resource has been exhausted (e.g. check quota).", "status": "RESOURCE_EXHAUSTED"}}], O.THROTTLED),
    (503, [{"error": {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}}], O.OVERLOADED),
    (403, {"error": {"code": "insufficient_quota", "message": "quota used up"}}, O.OWES_MONEY),
    (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, O.OVERLOADED),
    (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the API."}}, O.OWES_MONEY),
    (402, "", O.OWES_MONEY),
    (403, "", O.KEY_REFUSED),
    (407, "", O.UNAVAILABLE),
    (408, "", O.TIMED_OUT),
    (409, "", O.UNAVAILABLE),
    (424, "", O.UNAVAILABLE),
    (425, "", O.UNAVAILABLE),
    (429, "", O.THROTTLED),
    (451, "", O.CONTENT_REFUSED),
    (499, "", O.UNAVAILABLE),
    (504, "upstream request timeout", O.TIMED_OUT),
    (524, "error code: 524", O.TIMED_OUT),
    (529, "", O.OVERLOADED),
    (301, "", O.NOT_A_PROVIDER),
    (418, "I'm a teapot", O.REQUEST_REFUSED),
    (200, {"code": 500, "msg": "系统异常", "success": False}, O.UNAVAILABLE),
    (200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, O.OWES_MONEY),
    (200, {"error_code": 17, "error_msg": "Open api daily request limit reached"}, O.THROTTLED_REQUESTS),
]  # fmt: skip

TABLE = [
    (vendor, *row)
    for vendor, rows in {
        Vendor.DASHSCOPE: DASHSCOPE,
        Vendor.OPENAI: OPENAI,
        Vendor.AZURE: AZURE,
        Vendor.OPENROUTER: OPENROUTER,
        Vendor.DEEPSEEK: DEEPSEEK,
        Vendor.ZHIPU: ZHIPU,
        Vendor.MOONSHOT: MOONSHOT,
        Vendor.OTHER: OWN_AND_GATEWAYS,
    }.items()
    for row in rows
]


def outcome(vendor: Vendor, status: int, body: object, *, retry_after: bool = False) -> Outcome:
    raw = body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
    html = raw.lstrip().startswith(b"<")
    answer = Answer(status, error_body.read(raw), vendor_of(HOSTS[vendor]), html, retry_after)
    return meaning(answer)


@pytest.mark.parametrize(("vendor", "status", "body", "means"), TABLE)
def test_each_vendors_answers_mean_what_it_says_they_do(vendor, status, body, means):
    assert outcome(vendor, status, body) is means


def test_the_table_is_long_enough_and_every_outcome_has_a_fate():
    assert len(TABLE) >= 120
    assert set(FATES) == set(Outcome)


@pytest.mark.parametrize(
    ("status", "body", "means"),
    [
        (402, by_code(402, "x"), O.THROTTLED),  # a budget that refills
        (429, by_code("1113", "欠费"), O.OWES_MONEY),  # a debt stays one
        (503, "", O.UNAVAILABLE),
    ],
)
def test_a_named_wait_makes_a_402_a_throttle_and_nothing_else(status, body, means):
    assert outcome(Vendor.OTHER, status, body, retry_after=True) is means


@pytest.mark.parametrize("status", [200, 401, 403, 404, 500, 502, 503])
def test_a_web_page_is_no_provider(status):
    assert outcome(Vendor.OTHER, status, "<html><title>Sign in</title>") is O.NOT_A_PROVIDER


@pytest.mark.parametrize(
    ("url", "vendor"),
    [
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", Vendor.DASHSCOPE),
        ("https://API.OpenAI.com/v1", Vendor.OPENAI),
        ("https://notopenai.com/v1", Vendor.OTHER),
        ("http://[::1]:8000/v1", Vendor.OTHER),
        ("", Vendor.OTHER),
    ],
)
def test_a_vendor_is_known_by_its_host(url, vendor):
    assert vendor_of(url) is vendor


def test_the_page_about_providers_names_every_outcome_and_preset():
    page = Path("docs/providers.md").read_text()
    for name in (*Outcome, *Vendor):
        assert f"`{name}`" in page, name
