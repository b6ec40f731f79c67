"""Structured logs: a JSON object a line, to stderr and to logs/<daemon>.log, never a secret."""

import logging
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

MASK = "***"
_BUILTIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Camera passwords hold @ and / unescaped: up to the word's last @, unless a port comes first.
_CREDENTIALS = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)"
    r"(?:[^/\s\"'<>]+@|[^/\s:@\"'<>]*:(?!\d{1,5}[/?#])[^\s\"'<>]*@)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"(?P<name>[?&;][^=&;#\s]*(?:pass|pwd|token|secret|auth|key|sign)[^=&;#\s]*=)[^&;#\s\"'<>]+",
    re.IGNORECASE,
)
_PASSWORD = re.compile(
    r"(?P<name>\b(?:password|passwd|pwd)\s*=\s*)(?:'[^']*'|[^\s'\"&;,]+)", re.IGNORECASE
)


def mask_url(text: str) -> str:
    """The text with every address's user and password, and secret parameters, replaced by ***.

    Also `password=…` as in a Postgres connection string.
    """
    text = _CREDENTIALS.sub(rf"\g<scheme>{MASK}@", text)
    text = _PARAMETER.sub(rf"\g<name>{MASK}", text)
    return _PASSWORD.sub(rf"\g<name>{MASK}", text)


class JsonLines(logging.Formatter):
    """time, level, logger, message and whatever `extra=` brought, with secrets masked."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets: list[str] = []
        self.mask_also(secrets)

    def mask_also(self, secrets: Iterable[str]) -> None:
        """These too, the longest first: one may be part of another."""
        found = {*self._secrets, *(s for s in secrets if s)}
        self._secrets = sorted(found, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.masked(_message(record)),
        }
        for name, value in vars(record).items():
            if name not in _BUILTIN:
                fields[self.masked(name)] = self._plain(value)
        if record.exc_info:
            fields["traceback"] = self.masked(self.formatException(record.exc_info))
        if record.stack_info:
            fields["stack"] = self.masked(record.stack_info)
        return msgspec.json.encode(fields).decode()

    def masked(self, text: str) -> str:
        """The text without secrets and credentials, and with nothing that UTF-8 cannot hold."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return mask_url(text).encode(errors="backslashreplace").decode()

    def _plain(self, value: object) -> object:
        """Masked before it is encoded: JSON's escapes would hide a secret that holds a quote."""
        match value:
            case None | bool():
                return value
            case int() | float():
                return MASK if str(value) in self._secrets else value
            case bytes():
                return self.masked(value.decode(errors="backslashreplace"))
            case Mapping():
                return {self.masked(str(k)): self._plain(v) for k, v in value.items()}
            case list() | tuple() | AbstractSet():
                return [self._plain(v) for v in value]
            case _:
                return self.masked(str(value))


def configure(
    *, file: Path | None = None, secrets: Iterable[str] = (), level: int = logging.INFO
) -> None:
    """Send every logger's records, and what ends a thread, to stderr and, rotated at 20 MB, `file`.

    Uncaught exceptions become log lines too, so that their tracebacks are masked.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(
            RotatingFileHandler(file, maxBytes=20_000_000, backupCount=3, encoding="utf-8")
        )
    formatter = JsonLines(secrets)
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=handlers, force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_ended_thread


def mask_also(secrets: Iterable[str]) -> None:
    """Keys that came while running are masked from now on, beside those that were before."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, JsonLines):
            handler.formatter.mask_also(secrets)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    logging.getLogger(__name__).critical("uncaught", exc_info=(kind, error, traceback))


def _log_ended_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is None or ended.exc_type is SystemExit:
        return
    name = ended.thread.name if ended.thread else "?"
    exc_info = (ended.exc_type, ended.exc_value, ended.exc_traceback)
    logging.getLogger(__name__).critical("thread %s ended", name, exc_info=exc_info)


def _message(record: logging.LogRecord) -> str:
    """A line whose arguments do not fit its text is still a line."""
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return f"{record.msg} {record.args}"
