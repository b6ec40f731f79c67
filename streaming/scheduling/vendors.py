"""Whose API it is: the same words mean different things to different vendors. Pure."""

from enum import StrEnum

from yarl import URL


class Vendor(StrEnum):
    """Vendors whose errors are known by name; `OTHER` is any gateway or server of one's own."""

    DASHSCOPE = "dashscope"
    OPENAI = "openai"
    AZURE = "azure"
    OPENROUTER = "openrouter"
    DEEPSEEK = "deepseek"
    ZHIPU = "zhipu"
    MOONSHOT = "moonshot"
    OTHER = "other"


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
