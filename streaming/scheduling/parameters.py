"""What goes with a request beside its messages, and what each model will not have of it. Pure."""

import re
from collections.abc import Mapping
from typing import Any

_JSON_OBJECT = {"type": "json_object"}
_JSON_SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "verdict",
        "strict": True,
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "required": [
                "riskLevel", "confidence", "riskTypes", "description", "dangerObjectCount",
                "triggerObjectIds",
            ],
            "properties": {
                "riskLevel": {"type": "string", "enum": ["none", "low", "medium", "high"]},
                "confidence": {"type": "number"},
                "riskTypes": {"type": "array", "items": {"type": "string"}},
                "description": {"type": "string"},
                "dangerObjectCount": {"type": "integer"},
                "triggerObjectIds": {"type": "array", "items": {"type": "integer"}},
            },
        },
    },
}  # fmt: skip
_FORMATS: dict[str, dict[str, Any]] = {
    "auto": _JSON_OBJECT,
    "object": _JSON_OBJECT,
    "on": _JSON_OBJECT,
    "schema": _JSON_SCHEMA,
}

_ABOUT_JSON = re.compile(
    rb"response_?\s?format|json_object|json_schema|json[ _-]mode|structured output"
)
_NOT_TAKEN = rb"(?:unsupported|not support|only the default|not allowed|not permitted|unrecognized)"
_ABOUT_TEMPERATURE = re.compile(
    rb"temperature.{0,80}" + _NOT_TAKEN + rb"|" + _NOT_TAKEN + rb".{0,40}temperature", re.DOTALL
)
_ABOUT_THINKING = re.compile(rb"enable_thinking.{0,60}(?:false|only support)", re.DOTALL)


class Parameters:
    """`provider.parameters` and `provider.json_mode`, less what a model was found to refuse.

    Each model is found out once, by one refused call; nothing is kept between runs.
    """

    def __init__(
        self, json_mode: str, fixed: Mapping[str, Any], max_tokens_name: str = "max_tokens"
    ) -> None:
        self._json_mode = json_mode
        self._fixed = fixed
        self._max_tokens_name = max_tokens_name
        self._renamed: set[str] = set()
        self._without: dict[str, set[str]] = {}
        self._thoughtless: set[str] = set()

    def of(self, model: str, options: Mapping[str, Any], *, wants_json: bool) -> dict[str, Any]:
        """What to send with a request to this model."""
        found = dict(options)
        if wants_json and self._json_mode in _FORMATS:
            found["response_format"] = _FORMATS[self._json_mode]
        name = "max_completion_tokens" if model in self._renamed else self._max_tokens_name
        if "max_tokens" in found:
            found[name] = found.pop("max_tokens")
        if model in self._thoughtless:
            found["enable_thinking"] = False
        found |= self._fixed
        without = self._without.get(model, ())
        return {k: v for k, v in found.items() if v is not None and k not in without}

    def learn(self, model: str, sent: Mapping[str, Any], status: int, body: bytes) -> str | None:
        """The parameter that this refusal is about, if the next request will do without it."""
        if status not in {400, 422}:
            return None
        body = body.lower()
        if "max_tokens" in sent and b"max_completion_tokens" in body:
            self._renamed.add(model)
            return "max_tokens"
        if sent.get("enable_thinking") is not False and _ABOUT_THINKING.search(body):
            self._thoughtless.add(model)
            return "enable_thinking"
        if "temperature" in sent and _ABOUT_TEMPERATURE.search(body):
            return self._do_without(model, "temperature")
        if "response_format" in sent and _ABOUT_JSON.search(body) and self._json_mode == "auto":
            return self._do_without(model, "response_format")
        return None

    def objects_to_json(self, sent: Mapping[str, Any], status: int, body: bytes) -> bool:
        """Whether it is a JSON mode demanded by the settings that the server objects to."""
        about_json = status in {400, 422} and _ABOUT_JSON.search(body.lower()) is not None
        return about_json and "response_format" in sent and self._json_mode != "auto"

    def _do_without(self, model: str, name: str) -> str:
        self._without.setdefault(model, set()).add(name)
        return name
