"""A Redis of one test's own, to be killed and started again with its data."""

import subprocess
from pathlib import Path

from streaming.embedded import ports
from streaming.embedded import redis as embedded_redis
from streaming.redis_client import wait_for_redis
from streaming.settings import RedisSettings


class OwnRedis:
    """Not started yet; `url` is its only database."""

    def __init__(self, home: Path) -> None:
        self.port = ports.any_free()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = embedded_redis.prepare(home, self.port, databases=2)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        wait_for_redis(RedisSettings(url=self.url), 30)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)
