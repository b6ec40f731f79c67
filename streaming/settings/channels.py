"""Whom to tell of an alert, and by which address."""

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from pydantic import Field, model_validator

from streaming.settings.base import Section
from streaming.settings.server_addresses import http_address

Kind = Literal["webhook", "email", "dingtalk", "wecom", "slack", "apprise"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_KNOWN: dict[Kind, frozenset[str]] = {
    "webhook": frozenset({"url", "headers"}),
    "email": frozenset(
        {"smtp_host", "smtp_port", "security", "username", "password", "sender", "recipients"}
    ),
    "dingtalk": frozenset({"webhook_url", "secret"}),
    "wecom": frozenset({"webhook_url"}),
    "slack": frozenset({"webhook_url"}),
    "apprise": frozenset({"url"}),
}
_OFFICIAL: dict[Kind, tuple[str, str]] = {
    "dingtalk": ("oapi.dingtalk.com", "/robot/send"),
    "wecom": ("qyapi.weixin.qq.com", "/cgi-bin/webhook/send"),
    "slack": ("hooks.slack.com", "/services/"),
}
_SECURITY = ("starttls", "ssl", "insecure")
_SECRET_NAME = re.compile("pass|pwd|token|secret|key|url|webhook", re.IGNORECASE)


class NotificationChannel(Section):
    """Whom to tell. What `config` must hold depends on the type (docs/alerts.md)."""

    name: str = Field("", max_length=100, description="What it is called; left out, its type")
    type: Kind = Field(description="Kind of channel")
    enabled: bool = Field(True, description="Whether it is used")
    config: dict[str, Any] = Field(
        {}, repr=False, description="What the kind needs: url, recipients, …"
    )

    @model_validator(mode="after")
    def _can_be_used(self) -> "NotificationChannel":
        # One that is off may be a template: the guide's files have such.
        if self.enabled:
            self.address()
        return self

    @property
    def shown(self) -> str:
        """Its name, or its type."""
        return self.name or self.type

    def address(self) -> str:
        """What Apprise is given; of a webhook, its own address. It is a secret.

        Raises:
            ValueError: something is missing or wrong in `config`, named without its value.
        """
        known = _KNOWN[self.type]
        if unknown := sorted(str(k) for k in self.config.keys() - known):
            raise ValueError(
                f"has no config.{unknown[0]} for {self.type}; there are "
                f"{', '.join(f'config.{name}' for name in sorted(known))}"
            )
        if self.type == "email":
            return _mail(self.config)
        if self.type == "webhook":
            _headers(self.config)
            return _http(self.config, "url")
        if self.type == "apprise":
            return _apprise(self.config)
        return _robot(self.type, self.config)

    def headers(self) -> dict[str, str]:
        """Of a webhook: what is sent beside the body."""
        return _headers(self.config)

    def secrets(self) -> list[str]:
        """What of `config` nobody may see: addresses, passwords, headers."""
        headers = self.config.get("headers")
        found = list(headers.values()) if isinstance(headers, dict) else []
        found += [value for name, value in self.config.items() if _SECRET_NAME.search(str(name))]
        return [str(value) for value in found]


def _mail(config: Mapping[str, Any]) -> str:
    host = _text(config, "smtp_host", r"[A-Za-z0-9.:-]+", "a host's name")
    security = config.get("security", "starttls")
    if security not in _SECURITY:
        raise ValueError("needs config.security to be starttls, ssl or insecure")
    port = str(config.get("smtp_port", 465 if security == "ssl" else 587))
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65_536:
        raise ValueError("needs config.smtp_port to be a port's number")
    recipients = config.get("recipients")
    recipients = [recipients] if isinstance(recipients, str) else recipients
    if not isinstance(recipients, list) or not recipients:
        raise ValueError("needs config.recipients, a list of addresses")
    if not all(isinstance(r, str) and _is_mail(r) for r in recipients):
        raise ValueError("needs every one of config.recipients to be name@host")
    user = str(config.get("username") or "")
    sender = str(config.get("sender") or (user if _is_mail(user) else recipients[0]))
    if not _is_mail(sender):
        raise ValueError("needs config.sender to be name@host")
    login = ""
    if user:
        login = f"{quote(user, safe='')}:{quote(str(config.get('password') or ''), safe='')}@"
    scheme = "mailto" if security == "insecure" else "mailtos"
    asked = {"smtp": host, "from": sender, "to": ",".join(recipients), "mode": security}
    return f"{scheme}://{login}{host}:{port}/?{urlencode(asked)}"


def _robot(kind: Kind, config: Mapping[str, Any]) -> str:
    """A group chat's robot, at its vendor's own address; Apprise knows no other host."""
    url = _http(config, "webhook_url")
    host, path = _OFFICIAL[kind]
    parts = urlsplit(url)
    if parts.hostname != host or not parts.path.startswith(path):
        raise ValueError(
            f"needs config.webhook_url to begin with https://{host}{path};"
            " for another host use the type webhook"
        )
    if kind != "dingtalk":
        return url
    token = parse_qs(parts.query).get("access_token", [""])[0]
    if not token:
        raise ValueError("needs an access_token in config.webhook_url")
    secret = config.get("secret")
    return (
        f"dingtalk://{quote(str(secret), safe='')}@{token}/" if secret else f"dingtalk://{token}/"
    )


def _http(config: Mapping[str, Any], name: str) -> str:
    url = _text(config, name, r"https?://[^\s/]+\S*", "an http:// or https:// address")
    try:
        return http_address(url)
    except ValueError as exc:
        raise ValueError(f"has a config.{name} that {exc}") from None


def _text(config: Mapping[str, Any], name: str, pattern: str, what: str) -> str:
    value = config.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ValueError(f"needs config.{name}, {what}")
    return value


def _apprise(config: Mapping[str, Any]) -> str:
    url = _text(config, "url", r"[A-Za-z0-9+.-]+://\S+", "an Apprise address")
    # Not at the top: only those need it who have such a channel.
    from streaming.settings.apprise_addresses import is_known

    if not is_known(url):
        raise ValueError(
            "has a config.url that Apprise cannot read; in a user, token or password write"
            " # as %23, / as %2F, ? as %3F and @ as %40"
        )
    return url


def _headers(config: Mapping[str, Any]) -> dict[str, str]:
    found = config.get("headers") or {}
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and re.fullmatch(r"[\w-]+", name) for name in found
    ):
        raise ValueError("needs config.headers to be a mapping of header names to texts")
    if any(not isinstance(v, str | int) or re.search(r"[\r\n]", str(v)) for v in found.values()):
        raise ValueError("needs every one of config.headers to be one line of text")
    return {name: str(value) for name, value in found.items()}


def _is_mail(text: str) -> bool:
    return re.fullmatch(r"[^@\s,]+@[^@\s,]+", text) is not None
