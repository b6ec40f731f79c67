"""Whose API it is: its address, how it takes the key, and which words mean what to it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from yarl import URL


class Vendor(StrEnum):
    """Vendors that are known by name; `OTHER` is any gateway or server of one's own."""

    DASHSCOPE = "dashscope"
    OPENAI = "openai"
    AZURE = "azure"
    OPENROUTER = "openrouter"
    DEEPSEEK = "deepseek"
    ZHIPU = "zhipu"
    MOONSHOT = "moonshot"
    VLLM = "vllm"
    OLLAMA = "ollama"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Preset:
    """What is special about a vendor: address (None: one's own), header of the key, name of the
    limit of an answer's tokens."""

    base_url: str | None = None
    key_header: str = "authorization"
    max_tokens_name: str = "max_tokens"


DASHSCOPE_BASE_URL = "https://dashscope.aliyuncs.com/compatible-mode/v1"
PRESETS: dict[Vendor, Preset] = {
    Vendor.DASHSCOPE: Preset(DASHSCOPE_BASE_URL),
    Vendor.OPENAI: Preset("https://api.openai.com/v1", max_tokens_name="max_completion_tokens"),
    Vendor.AZURE: Preset(key_header="api-key", max_tokens_name="max_completion_tokens"),
    Vendor.OPENROUTER: Preset("https://openrouter.ai/api/v1"),
    Vendor.DEEPSEEK: Preset("https://api.deepseek.com"),
    Vendor.ZHIPU: Preset("https://open.bigmodel.cn/api/paas/v4"),
    Vendor.MOONSHOT: Preset("https://api.moonshot.cn/v1"),
    Vendor.VLLM: Preset("http://127.0.0.1:8000/v1"),
    Vendor.OLLAMA: Preset("http://127.0.0.1:11434/v1"),
    Vendor.OTHER: Preset(),
}

_HOSTS: tuple[tuple[str, Vendor], ...] = (
    ("aliyuncs.com", Vendor.DASHSCOPE),
    ("openai.azure.com", Vendor.AZURE),
    ("cognitiveservices.azure.com", Vendor.AZURE),
    ("services.ai.azure.com", Vendor.AZURE),
    ("openai.com", Vendor.OPENAI),
    ("openrouter.ai", Vendor.OPENROUTER),
    ("deepseek.com", Vendor.DEEPSEEK),
    ("bigmodel.cn", Vendor.ZHIPU),
    ("z.ai", Vendor.ZHIPU),
    ("moonshot.cn", Vendor.MOONSHOT),
    ("moonshot.ai", Vendor.MOONSHOT),
)


def vendor_of(base_url: str) -> Vendor:
    """The vendor by the address's host; a subdomain counts."""
    try:
        host = (URL(base_url).host or "").lower()
    except ValueError:
        return Vendor.OTHER
    return next(
        (vendor for name, vendor in _HOSTS if host == name or host.endswith(f".{name}")),
        Vendor.OTHER,
    )
