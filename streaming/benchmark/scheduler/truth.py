"""What the simulated provider counted: the truth of every figure."""

import json
import time
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError

from streaming.errors import ServiceError
from streaming.proxies import open_here

_TIMEOUT_S = 10.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Counts:
    """The provider's counters at one moment of the monotonic clock."""

    at: float
    accepted: int
    answered: int
    http_429: int
    keys: dict[str, int]
    answered_twice: int
    most_in_a_second: int
    most_in_a_minute: int


class Truth:
    """Asks a simulator."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def wait(self, timeout_s: float) -> None:
        """Return as soon as it answers.

        Raises:
            ServiceError: it does not.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self._get("/healthz")
            except (URLError, OSError) as exc:
                if time.monotonic() >= deadline:
                    raise ServiceError(f"the simulator does not answer: {exc}") from exc
                time.sleep(_POLL_S)
            else:
                return

    def counts(self) -> Counts:
        """How things stand."""
        asked = time.monotonic()
        stats = self._get("/stats")
        accounts = stats["accounts"].values()
        return Counts(
            at=(asked + time.monotonic()) / 2,
            accepted=sum(account["accepted"] for account in accounts),
            answered=stats["answered"],
            http_429=stats["http_429"],
            keys=stats["keys"],
            answered_twice=stats["task_ids_answered_twice"],
            most_in_a_second=max(account["max_in_a_second"] for account in accounts),
            most_in_a_minute=max(account["max_in_a_minute"] for account in accounts),
        )

    def answers(self) -> dict[str, int]:
        """Each task's id, and how many answers it was given."""
        found: dict[str, int] = self._get("/stats?tasks")["tasks"]
        return found

    def set_faults(self, **changes: object) -> None:
        """From now on these things go wrong."""
        self._get("/faults", json.dumps(changes).encode())

    def _get(self, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own simulator
            self._url + path, data=body, headers={"content-type": "application/json"}
        )
        with open_here(request, _TIMEOUT_S) as answer:
            return json.load(answer)
